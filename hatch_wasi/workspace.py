"""Where a cache entry is being made: steps that a kill cannot undo, and the seal that makes a tree an entry."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from hatch_wasi import contents

__all__ = ["MANIFEST", "Workspace", "replace_file", "seal"]

MANIFEST = "manifest.json"


def replace_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Workspace:
    """Where an entry is being made: `tree` becomes the entry, `scratch` is thrown away; both outlive a killed build."""

    def __init__(self, folder: Path, log: Path, hold: int) -> None:
        """Use `folder`; `hold` is a locked file descriptor for the programs that build."""
        self.tree = folder / "tree"
        self.scratch = folder / "scratch"
        self._stamps = folder / "steps"
        self._log = log
        self.hold = (hold,)
        if self._stamps.is_dir() and not self.tree.is_dir():
            # Killed right after the tree became the entry: the stamps tell of what is not here any more.
            shutil.rmtree(folder)
        for path in (self.tree, self.scratch, self._stamps):
            path.mkdir(parents=True, exist_ok=True)

    def log(self, step: str) -> Path:
        """Name the log file of `step`."""
        return self._log.with_name(f"{self._log.name}-{step}.log")

    def done(self, step: str) -> bool:
        """Tell whether `step` was finished, by this process or one before it."""
        return (self._stamps / step).is_file()

    def once(self, step: str, work: Callable[[], object]) -> None:
        """Do `work` unless `step` is done; whatever `work` leaves when killed, it must be able to start over from."""
        if not self.done(step):
            work()
            replace_file(self._stamps / step, b"")

    def publish_to(self, entry: Path, manifest: Mapping[str, object]) -> None:
        """Write the manifest and the list of contents, and make the tree the entry by one rename."""
        seal(self.tree, manifest)
        self.tree.rename(entry)


def seal(tree: Path, manifest: Mapping[str, object]) -> None:
    """Make `tree` ready to be an entry: modes, manifest, list of contents."""
    text = json.dumps({**manifest, contents.MARK: contents.NAME}, indent=2, sort_keys=True) + "\n"
    replace_file(tree / MANIFEST, text.encode())
    contents.settle(tree)
    replace_file(tree / contents.NAME, contents.text(contents.scan(tree)).encode())
