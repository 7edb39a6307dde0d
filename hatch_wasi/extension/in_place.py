"""What an editable install runs: modules beside their sources, and the list of them by which they are removed."""

import json
from collections.abc import Sequence
from pathlib import Path

from hatch_wasi.cache import replace_file
from hatch_wasi.extension import FOLDER
from hatch_wasi.extension.build import Built, folder_name
from hatch_wasi.extension.placement import Files, package_folder
from hatch_wasi.target import Target

__all__ = ["NAME", "put", "read_names"]

NAME = "in-place.json"


def put(built: Sequence[Built], target: Target, listing: Files, root: Path) -> set[Path]:
    """Write modules to where they are imported from in the source tree; remove those that are no longer made."""
    placed = {}
    for item in built:
        placed[package_folder(item.extension, listing, root) / item.path.name] = item.path.read_bytes()
    record = root / FOLDER / folder_name(target) / NAME
    names = sorted(path.relative_to(root).as_posix() for path in placed)
    for name in set(read_names(record)) - set(names):
        (root / name).unlink(missing_ok=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    replace_file(record, json.dumps(names).encode())
    for path, content in placed.items():
        if not path.is_file() or path.read_bytes() != content:
            replace_file(path, content, mode=0o755)
    return set(placed)


def read_names(record: Path) -> list[str]:
    """Give the modules that a list names, relative to the project's root; none if it is not there, or damaged."""
    try:
        names = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []
