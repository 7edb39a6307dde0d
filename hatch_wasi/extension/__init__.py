"""Compiling and linking extension modules for a target."""

import hashlib
import os
from pathlib import Path

__all__ = ["FOLDER", "IGNORE", "IN_PLACE", "prepare", "work_folder"]

FOLDER = ".hatch/wasi"
"""Where objects and modules are made, below the project's root. Hatchling leaves `.hatch` out of all it packs."""
IN_PLACE = "in-place.json"
"""Names of the modules that an editable install placed beside their sources; one such file for each target."""
IGNORE = "# Created by hatch-wasi.\n*\n"
"""Content of `.hatch/.gitignore`."""


def work_folder(root: Path) -> Path:
    """Return the folder that objects and modules of the project at `root` are made in.

    That is `FOLDER`, or, where the user may not write there, a private folder beside other temporary files.
    """
    folder = root / FOLDER
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or os.access(there, os.W_OK | os.X_OK):
        return folder
    from hatch_wasi.workspace import private_folders

    private = next(private_folders(), None)
    return private / "projects" / hashlib.sha256(os.fsencode(root)).hexdigest()[:12] if private else folder


def prepare(folder: Path, root: Path) -> None:
    """Create a folder in or below the work folder. Version control is told to ignore `.hatch`, as caches do.

    Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ignore = root / Path(FOLDER).parent / ".gitignore"
    if folder.is_relative_to(ignore.parent) and not ignore.exists():
        from hatch_wasi.workspace import replace_file

        replace_file(ignore, IGNORE.encode())
