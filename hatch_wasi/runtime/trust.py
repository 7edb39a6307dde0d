"""Whether files may be believed: who can write their folder, and whether they have changed."""

from __future__ import annotations

import os
import stat
import sys

__all__ = ["problem", "sha256", "stamp"]

SMALL = 1 << 18
"""Up to this many bytes, CPython's own SHA-2 is faster than loading OpenSSL's."""


def problem(folder: str) -> str | None:
    """Make sure that `folder` is there, this user's, and closed to others; return what is wrong with it, or None.

    A folder of this user that is open to others, as a copy or an unpacked archive may be, is made private again. What
    others could have written in it is removed first.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as error:
        return f"{folder} cannot be made: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return f"{folder} is not a folder of this user"
    return _repair(folder, found) if found.st_mode & 0o077 else None


def _repair(folder: str, found: os.stat_result) -> str | None:
    """Make a folder of this user private; return why that failed, or None."""
    try:
        os.chmod(folder, stat.S_IRWXU)
        # No other user can open anything in it from here on. A file that another user may have open for writing must go.
        was_open = _others_may_write(found)
        for entry in list(os.scandir(folder)):
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                continue
            if was_open or status.st_uid != found.st_uid or _others_may_write(status):
                os.unlink(entry.path)
            elif status.st_mode & 0o077:
                os.chmod(entry.path, stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        return f"{folder} is open to other users and cannot be made private: {error.strerror}"
    return None


def _others_may_write(status: os.stat_result) -> bool:
    """Tell whether another user may write there; a user's own group, of the user's name and without others, is none."""
    return bool(status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid)))


def _is_private(group: int) -> bool:
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_gid == user.pw_gid and found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


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
