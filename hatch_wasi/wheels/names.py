"""Names of files in a wheel: what may be written below a folder, and what may stand beside what. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from hatch_wasi.environment import OWN
from hatch_wasi.errors import WheelError

__all__ = ["RESERVED", "check_distinct", "check_name"]

RESERVED = OWN
"""Beginning of the names of hatch-wasi's own folders: temporary ones, and that of an environment's programs."""
COMPONENT_LIMIT = 255  # bytes; NAME_MAX of every file system that Linux and macOS use
DEPTH_LIMIT = 128
"""Folders in each other; the work for some thousands of them grows with the square."""
DRIVE = re.compile(r"[A-Za-z]:")


def check_name(name: str, where: str) -> None:
    """Check that the archive member `name` (a folder's ends in `/`) stays below the folder it is unpacked in.

    `where` names the wheel in the message. Raises `WheelError`.
    """
    parts = name.removesuffix("/").split("/")
    reason = ""
    if name.startswith("/") or DRIVE.match(name):
        reason = "is absolute"
    elif "\\" in name:
        reason = "has a backslash"
    elif not name.isprintable():
        reason = "has a control character"
    elif ".." in parts:
        reason = "leads out of the archive"
    elif "" in parts or "." in parts:
        reason = "has an empty part"
    elif any(part.casefold().startswith(RESERVED) for part in parts):
        reason = "is reserved for hatch-wasi"
    elif len(parts) > DEPTH_LIMIT:
        reason = f"has more than {DEPTH_LIMIT} parts"
    elif any(len(part.encode("utf-8", "surrogatepass")) > COMPONENT_LIMIT for part in parts):
        reason = f"has a part longer than {COMPONENT_LIMIT} bytes"
    if reason:
        shown = name if len(name) <= COMPONENT_LIMIT else name[:40] + "…"
        message = f"{where}: the name {shown!r} {reason}"
        raise WheelError(message, hint="the wheel is damaged or hostile: nothing was written")


def check_distinct(names: Iterable[str], where: str) -> None:
    """Check that the files `names` are different files on every file system, and that none is another's folder.

    Some file systems take `A` and `a`, or two ways to write `é`, for one name. Raises `WheelError`.
    """
    files: dict[str, str] = {}
    for name in names:
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in files:
            other = files[folded]
            how = "is there twice" if other == name else f"and {other!r} are one file where case does not count"
            message = f"{where}: {name!r} {how}"
            raise WheelError(message, hint="the wheel is damaged or hostile: nothing was written")
        files[folded] = name
    # NUL sorts before all that a name may have: what is in a folder follows it at once.
    for one, other in pairwise(sorted(files, key=lambda folded: folded.replace("/", "\0"))):
        if other.startswith(f"{one}/"):
            message = f"{where}: {files[one]!r} is a file and, for {files[other]!r}, a folder"
            raise WheelError(message, hint="the wheel is damaged or hostile: nothing was written")
