"""Removing a folder that the guest has filled: of any depth, and while the guest may still be at work in it.

shutil.rmtree calls itself for each level on CPython 3.11 and 3.12, and holds a descriptor for each level on all. Here
every folder is moved to the top before its files are removed, so that nothing depends on the depth.

Where the process ends while the guest runs, the guest could add files faster than they are removed: its descriptors are
taken away first.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

__all__ = ["remove_tree"]

PASSES = 20
"""How often a folder is emptied again if something is in it still."""
PATIENCE = 5.0
"""Seconds for all passes but the first, which takes what it takes."""
DESCRIPTORS = "/proc/self/fd"


def remove_tree(folder: str) -> None:
    """Remove `folder` and all that is in it; what cannot be removed stays, without an exception."""
    parent, name = os.path.split(os.path.abspath(folder))
    with suppress(OSError):
        _cut_off(os.path.join(parent, name))
    with suppress(OSError):
        above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        deadline = None
        try:
            for _ in range(PASSES):
                try:
                    _empty(above, name, deadline)
                    os.rmdir(name, dir_fd=above)
                except FileNotFoundError:
                    break
                except OSError:
                    deadline = deadline or time.monotonic() + PATIENCE
                    continue
                break
        finally:
            os.close(above)


def _cut_off(folder: str) -> None:
    """Let this process's descriptors of what is in `folder` lead nowhere: the guest can change nothing there any more."""
    real = os.path.realpath(folder)
    nowhere = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for _ in range(PASSES):
            found = [number for number in os.listdir(DESCRIPTORS) if _leads_into(number, real)]
            for number in found:
                os.dup2(nowhere, int(number), inheritable=False)
            if not found:
                break
    finally:
        os.close(nowhere)


def _leads_into(number: str, folder: str) -> bool:
    try:
        path = os.readlink(f"{DESCRIPTORS}/{number}")
    except OSError:  # it was closed meanwhile
        return False
    return path == folder or path.startswith(f"{folder}/")


def _empty(above: int, name: str, deadline: float | None) -> None:
    """Remove everything that can be removed in the folder `name` of the open folder `above`, until the deadline."""
    top = _open(above, name)
    # The guest cannot have a folder of the name that one gets at the top.
    prefix = f"{os.urandom(8).hex()}-"
    try:
        waiting = _clear(top, top, prefix, 0)
        for number in waiting:  # which grows meanwhile
            if deadline is not None and time.monotonic() > deadline:
                break
            with suppress(OSError):
                below = _open(top, f"{prefix}{number}")
                try:
                    waiting += _clear(below, top, prefix, waiting[-1] + 1)
                finally:
                    os.close(below)
                os.rmdir(f"{prefix}{number}", dir_fd=top)
    finally:
        os.close(top)


def _clear(folder: int, top: int, prefix: str, first: int) -> list[int]:
    """Remove the files of an open folder and move its folders to `top`; return their numbers there, from `first` on."""
    moved: list[int] = []
    for name in os.listdir(folder):
        with suppress(OSError):
            if not stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                os.unlink(name, dir_fd=folder)
                continue
            # A folder that cannot be written cannot be moved either: its `..` changes.
            os.close(_open(folder, name))
            number = first + len(moved)
            os.rename(name, f"{prefix}{number}", src_dir_fd=folder, dst_dir_fd=top)
            moved.append(number)
    return moved


def _open(above: int, name: str) -> int:
    """Open a folder, made accessible to its owner if it is not; never through a symbolic link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        found = os.open(name, flags, dir_fd=above)
    except PermissionError:
        os.chmod(name, stat.S_IRWXU, dir_fd=above)
        return os.open(name, flags, dir_fd=above)
    if os.fstat(found).st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.fchmod(found, stat.S_IRWXU)
    return found
