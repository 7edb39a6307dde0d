"""Whether files may be believed: who can write their folder, and whether they have changed."""

from __future__ import annotations

import os
import stat
import sys

__all__ = ["problem", "sha256", "stamp"]

SMALL = 1 << 18
"""Up to this many bytes, CPython's own SHA-2 is faster than loading OpenSSL's."""


def problem(folder: str) -> str | None:
    """Make sure that `folder` is there, this user's, and closed to others; gives what is wrong with it, or None."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as error:
        return f"{folder} cannot be made: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return f"{folder} is not a folder of this user"
    if found.st_mode & 0o077:
        return f"{folder} is open to other users (make it private: chmod 700)"
    return None


def stamp(path: str) -> tuple[int, ...] | None:
    """Give what changes when a file is written: inode, size, times; None if there is no such file.

    The change time is set by the kernel alone, so that a file cannot be altered and look as before.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sha256(data: bytes | memoryview) -> str:
    """Give the SHA-256 of `data` in hexadecimal."""
    if len(data) <= SMALL:
        try:
            if sys.version_info >= (3, 12):
                from _sha2 import sha256 as own  # type: ignore[import-not-found]
            else:
                from _sha256 import sha256 as own  # type: ignore[import-not-found]
            return str(own(data).hexdigest())
        except ImportError:  # an interpreter without it
            pass
    import hashlib

    return hashlib.sha256(data).hexdigest()
