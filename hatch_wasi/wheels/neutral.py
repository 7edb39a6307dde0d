"""Take the build's folders out of a finished wheel: build systems write down their compilers in Python files."""

from pathlib import Path

from hatch_wasi.wheels.wheel import Wheel

__all__ = ["neutral"]

TEXT = (".cfg", ".cmake", ".h", ".hpp", ".ini", ".json", ".pc", ".pxd", ".py", ".pyi", ".toml", ".txt", ".yaml", ".yml")
NEUTRAL = b"/build"


def neutral(wheel: Wheel, private: Path) -> dict[str, bytes]:
    """Give those text files of `wheel` that name the folder `private`, with `/build` in its place.

    What names the folder in other files stays, for the audit to find. Raises `WheelError` if a file cannot be read.
    """
    # As it was named, and as the kernel names it: a temporary folder may be reached by a link.
    marks = [str(path).encode() for path in dict.fromkeys((private.resolve(), private))]
    found = {}
    for name in wheel.archive.members:
        if name.endswith(TEXT):
            content = before = wheel.archive.read(name)
            for mark in marks:
                content = content.replace(mark, NEUTRAL)
            if content != before:
                found[name] = content
    return found
