"""Take the build's folders out of a finished wheel: build systems write down their compilers in Python files."""

import shutil
import zipfile
from pathlib import Path

from wheel.wheelfile import WheelFile

__all__ = ["neutralize"]

TEXT = (".cfg", ".cmake", ".h", ".hpp", ".ini", ".json", ".pc", ".pxd", ".py", ".pyi", ".toml", ".txt", ".yaml", ".yml")
NEUTRAL = "/build"


def neutralize(wheel: Path, private: Path, scratch: Path) -> Path:
    """Give `wheel` with `/build` for the folder `private` in its text files, and a RECORD to match.

    It is the same file if there is nothing to replace, else one in the folder `scratch`, which is made anew. What names
    the folder in other files stays, for the audit to find.
    """
    mark = str(private).encode()
    with zipfile.ZipFile(wheel) as archive:
        named = [name for name in archive.namelist() if name.endswith(TEXT) and mark in archive.read(name)]
        if not named:
            return wheel
    shutil.rmtree(scratch, ignore_errors=True)
    tree = scratch / "tree"
    with WheelFile(wheel) as archive:  # opened so, its RECORD is checked
        archive.extractall(tree)
    for name in named:
        path = tree / name
        path.write_bytes(path.read_bytes().replace(mark, NEUTRAL.encode()))
    with WheelFile(scratch / wheel.name, "w") as archive:
        archive.write_files(str(tree))
    return scratch / wheel.name
