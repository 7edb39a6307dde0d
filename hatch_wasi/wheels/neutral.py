"""Take the build's folders out of a finished wheel: build systems write down their compilers and what they were given."""

from pathlib import Path

from hatch_wasi.wasm.side_module import SHARED_OBJECT
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["neutral"]

NEUTRAL = b"/build"
ABOUT = ("METADATA", "WHEEL", "RECORD")
"""Files of .dist-info that are read by programs: what is wrong there is for a person to see."""


def neutral(wheel: Wheel, private: Path) -> dict[str, bytes]:
    """Give those text files of `wheel` that name the folder `private`, with `/build` in its place.

    What names the folder in other files stays, for the audit to find. Raises `WheelError` if a file cannot be read.
    """
    # As it was named, and as the kernel names it: a temporary folder may be reached by a link.
    marks = [str(path).encode() for path in dict.fromkeys((private.resolve(), private))]
    about = {f"{wheel.dist_info_dir}/{name}" for name in ABOUT}
    found = {}
    for name in wheel.archive.members:
        if name in about or SHARED_OBJECT.search(name):
            continue
        content = wheel.archive.read(name)
        if any(mark in content for mark in marks) and _is_text(content):
            for mark in marks:
                content = content.replace(mark, NEUTRAL)
            found[name] = content
    return found


def _is_text(content: bytes) -> bool:
    """Tell whether a place in a file may become shorter: not in what programs count bytes of."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content
