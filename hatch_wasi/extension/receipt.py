"""What a whole build came to and all that it depended on, so that a build with nothing to do finds out at once.

The ledger knows each object; this knows the sum. Reading it must be cheap: nothing heavy is imported here.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Receipt", "walked_folders"]

State = list[int] | None


def _state(path: str) -> State:
    """Give a file's time and size (a folder's time changes with the names in it); None if it is not there."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - hundreds of calls on the quick path: no objects
    except OSError:
        return None
    return [stat.st_mtime_ns, stat.st_size]


class Receipt:
    """The receipt for one kind of build, kept in one small file."""

    def __init__(self, path: Path, inputs: object) -> None:
        """Keep it at `path`; `inputs` is JSON and stands for all that matters and is in no file."""
        self._path = path
        self._key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()

    def result(self) -> dict[str, object] | None:
        """Give what the build came to, if nothing that it depends on has changed since."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["key"] != self._key or any(_state(path) != state for path, state in content["files"].items()):
                return None
            result = content["result"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return result if isinstance(result, dict) else None

    def write(self, result: dict[str, object], files: Iterable[Path], *, read: Iterable[Path], began: int) -> None:
        """Keep `result`, which holds as long as `files` and `read` (there or not) stay as they are.

        Nothing is kept if one of `read` changed since `began`, in nanoseconds since the epoch: it may have been read
        before that.
        """
        from hatch_wasi.cache import replace_file

        states = {str(path): _state(str(path)) for path in read}
        if any(state is not None and state[0] >= began for state in states.values()):
            self._path.unlink(missing_ok=True)
            return
        states |= {str(path): _state(str(path)) for path in files}
        content = {"key": self._key, "files": states, "result": result}
        replace_file(self._path, json.dumps(content, separators=(",", ":")).encode())


def walked_folders(root: Path, patterns: Iterable[str]) -> set[Path]:
    """Give the folders in which a new file could make one of the glob `patterns` match something else."""
    found: set[Path] = set()
    for pattern in patterns:
        parts = pattern.split("/")
        fixed = next((index for index, part in enumerate(parts) if any(mark in part for mark in "*?[")), None)
        if fixed is None:
            continue
        for folder, names, _ in os.walk(root.joinpath(*parts[:fixed])):
            names[:] = [name for name in names if name not in {".git", ".hatch", "__pycache__"}]
            found.add(Path(folder))
    return found
