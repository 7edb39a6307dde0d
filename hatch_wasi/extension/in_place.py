"""What an editable install runs: modules beside their sources, and the list of them by which they are removed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from hatch_wasi.cache import replace_file
from hatch_wasi.extension import FOLDER, IN_PLACE, prepare
from hatch_wasi.extension.build import folder_name
from hatch_wasi.target import Target

__all__ = ["placed", "put", "read_names"]


def put(modules: Mapping[Path, Path], target: Target, root: Path) -> None:
    """Copy each module to where it is imported from in the source tree; remove those that are no longer made.

    `modules` maps places in the source tree to the modules that were built.
    """
    record = root / FOLDER / folder_name(target) / IN_PLACE
    names = sorted(path.relative_to(root).as_posix() for path in modules)
    for name in set(read_names(record)) - set(names):
        (root / name).unlink(missing_ok=True)
    if not names and not record.exists():
        return
    prepare(record.parent, root)
    replace_file(record, json.dumps(names).encode())
    for path, module in modules.items():
        content = module.read_bytes()
        if not path.is_file() or path.read_bytes() != content:
            replace_file(path, content, mode=0o755)


def placed(root: Path) -> Iterator[str]:
    """Yield the names, relative to `root`, of all modules that editable installs placed in the source tree."""
    for record in sorted((root / FOLDER).glob(f"*/{IN_PLACE}")):
        yield from read_names(record)


def read_names(record: Path) -> list[str]:
    """Return the modules that a list names, relative to the project's root; none if it is not there, or damaged."""
    try:
        names = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []
