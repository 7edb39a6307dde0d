"""Where pkg-config finds what it is told: of libraries that python.wasm has, and of those in build requirements."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["folders"]


def folders(own: Path, packages: Sequence[Path]) -> list[Path]:
    """Give where pkg-config is to look: in `own`, and where `packages` (folders of packages) have files for it.

    What those name is the machine's; the compiler driver puts the target's in its place.
    """
    found = {file.parent for folder in packages for file in folder.glob("**/pkgconfig/*.pc")}
    return [own, *sorted(found)]
