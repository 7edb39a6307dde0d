"""Extension modules in the source tree, where an editable install imports them from."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from hatch_wasi.cache import replace_file

__all__ = ["RECORD", "put", "recorded", "remove"]

RECORD = "in-place.json"
"""Name of the file that lists them, in the folder of a target's objects."""


def recorded(path: Path) -> list[str]:
    """Read such a file: paths relative to the project; empty if it is not there or damaged."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def put(root: Path, record: Path, modules: Mapping[Path, bytes]) -> None:
    """Write modules where they are imported from in the project `root`; remove those that are no longer made."""
    names = sorted(path.relative_to(root).as_posix() for path in modules)
    remove(root, set(recorded(record)) - set(names))
    record.parent.mkdir(parents=True, exist_ok=True)
    replace_file(record, json.dumps(names).encode())
    for path, content in modules.items():
        if not path.is_file() or path.read_bytes() != content:
            replace_file(path, content, mode=0o755)


def remove(root: Path, names: Iterable[str]) -> None:
    """Remove modules by their names in a record."""
    for name in names:
        (root / name).unlink(missing_ok=True)
