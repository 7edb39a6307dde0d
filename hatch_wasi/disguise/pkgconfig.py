"""What pkg-config is told: of libraries that python.wasm has, and of those in packages that the build requires."""

import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["folders", "write"]


def write(folder: Path, include: Path) -> None:
    """Write the files for what python.wasm has and headers in `include` declare: libffi. Nothing is linked for it."""
    header = include / "ffi.h"
    folder.mkdir()
    found = re.search(r'FFI_VERSION_STRING "(.+)"', header.read_text(encoding="utf-8")) if header.is_file() else None
    if found:
        text = f"Name: libffi\nDescription: Foreign functions, by python.wasm\nVersion: {found[1]}\nLibs: -lffi\n"
        (folder / "libffi.pc").write_text(text, encoding="utf-8")


def folders(own: Path, packages: Sequence[Path]) -> list[Path]:
    """Give where pkg-config is to look: in `own`, and where `packages` (folders of packages) have files for it.

    What those name is the machine's; the compiler driver puts the target's in its place.
    """
    found = {file.parent for folder in packages for file in folder.glob("**/pkgconfig/*.pc")}
    return [own, *sorted(found)]
