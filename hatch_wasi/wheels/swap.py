"""Change a folder as a whole: a new tree is made beside it and takes its place in one step.

Whoever is killed leaves the old tree or the new one under the folder's name, never a mixture. Files that stay are hard
links, so a step costs no copies. The folder beside is thrown away by the next one who comes.
"""

import contextlib
import ctypes
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from hatch_wasi.cache import digest
from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.names import RESERVED

__all__ = ["recover", "staged"]

AT_FDCWD = -100
RENAME_EXCHANGE = 2  # linux/fs.h; RENAME_SWAP of macOS's sys/stdio.h has the same value


def _prefix(folder: Path) -> str:
    return f"{RESERVED}-{digest(str(folder))}-"


def _aside(folder: Path) -> Path:
    return folder.parent / f"{_prefix(folder)}aside"


def recover(folder: Path) -> None:
    """Throw away what a killed change left beside `folder`; the caller holds the folder's lock."""
    aside = _aside(folder)
    if aside.is_dir() and not folder.exists():
        aside.rename(folder)  # killed between the two renames of `_replace`
    for rest in folder.parent.glob(f"{_prefix(folder)}*"):
        shutil.rmtree(rest, ignore_errors=True)


@contextmanager
def staged(folder: Path, *, without: Collection[str] = ()) -> Iterator[tuple[Path, Path]]:
    """Give a copy of `folder` to change, which takes its place when the block ends well, and a folder for scratch.

    `folder` (absolute, no link) need not be there. Files named in `without` (relative) are left out, and folders that
    they leave empty. Files that are changed must be replaced, not written over: they are hard links.
    Raises `WheelError` where a folder cannot be replaced; whatever the block raises leaves `folder` as it was.
    """
    _check_replaceable(folder)
    absent = [parent for parent in folder.parents if not parent.exists()]
    done = False
    try:
        work = _work_folder(folder)
        try:
            tree, scratch = work / "tree", work / "scratch"
            scratch.mkdir()
            tree.mkdir()
            if folder.is_dir():
                _mirror(folder, tree, "", frozenset(without))
            yield tree, scratch
            _replace(tree, folder)
            done = True
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        if not done:
            for parent in absent:
                with contextlib.suppress(OSError):
                    parent.rmdir()


def _work_folder(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=folder.parent))
    except PermissionError as error:
        message = f"{folder} cannot be replaced: {error.filename}: {error.strerror}"
        raise WheelError(message, hint="it is replaced as a whole: its parent must be writable too") from error


def _check_replaceable(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        message = f"{folder} is not a folder"
        raise WheelError(message)
    if folder.is_mount():
        message = f"{folder} is a mount point, which cannot be replaced as a whole"
        raise WheelError(message, hint="name a folder below it")
    inside = False
    with contextlib.suppress(FileNotFoundError):  # the working folder may have been removed
        inside = Path.cwd().is_relative_to(folder)
    if inside:
        message = (
            f"{folder} is the working folder, or above it; it is replaced as a whole, so you would be left outside"
        )
        raise WheelError(message, hint="run the command from another folder, or name one below this one")


def _mirror(source: Path, target: Path, inside: str, without: frozenset[str]) -> None:
    emptied = False
    kept = False
    with os.scandir(source) as entries:
        for entry in entries:
            name = f"{inside}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                (target / entry.name).mkdir()
                _mirror(source / entry.name, target / entry.name, f"{name}/", without)
                gone = not (target / entry.name).exists()
                emptied, kept = emptied or gone, kept or not gone
            elif name in without:
                emptied = True
            else:
                _link(source / entry.name, target / entry.name)
                kept = True
    if inside and emptied and not kept:
        target.rmdir()
    else:
        shutil.copystat(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        # No links on this file system, too many of them, or not allowed (fs.protected_hardlinks).
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS):
            raise
        if not stat.S_ISREG(source.lstat().st_mode) and not source.is_symlink():
            message = f"{source} is neither a file nor a folder"
            raise WheelError(message, hint="move it away") from error
        shutil.copy2(source, target, follow_symlinks=False)


def _replace(tree: Path, folder: Path) -> None:
    if not folder.exists():
        tree.rename(folder)
        return
    exchange = _exchange()
    if exchange is None or not exchange(tree, folder):
        folder.rename(_aside(folder))
        tree.rename(folder)
        shutil.rmtree(_aside(folder), ignore_errors=True)


def _exchange() -> Callable[[Path, Path], bool] | None:
    """Give the system's call that swaps two names in one step; it tells whether the file system can."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            renamex = libc.renamex_np
            renamex.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        else:
            renameat2 = libc.renameat2
            renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    except AttributeError:
        return None

    def swap(one: Path, other: Path) -> bool:
        paths = os.fsencode(one), os.fsencode(other)
        if sys.platform == "darwin":
            status = renamex(*paths, RENAME_EXCHANGE)
        else:
            status = renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE)
        if status == 0:
            return True
        code = ctypes.get_errno()
        if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            return False
        raise OSError(code, os.strerror(code), str(other))

    return swap
