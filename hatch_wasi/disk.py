"""A full disk: how to tell, and what to say. Programs say it in their own words, Python in `OSError`."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hatch_wasi.errors import CacheError, HatchWasiError

__all__ = ["full", "is_full", "reported"]

# What programs print (they run in the C locale), and the number that Python's own errors have.
REASONS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,  # a limit on the size of files: ulimit -f
}
LOW = 16 << 20
"""With less than this many bytes free, a disk is what failed."""


def is_full(error: BaseException) -> bool:
    """Tell whether `error`, or what it was raised from, came of a full disk."""
    return bool(_reason(error))


def _reason(error: BaseException | None) -> str:
    while error is not None:
        # shutil.copytree's error has no number, and lists those of the files.
        speaks = isinstance(error, (HatchWasiError, shutil.Error))
        said = f"{error} {getattr(error, 'output', '')}" if speaks else ""
        for words, number in REASONS.items():
            if words in said or (isinstance(error, OSError) and error.errno == number):
                return words
        error = error.__cause__
    return ""


def full(error: BaseException, root: Path) -> CacheError:
    """Name the disk that is full: that of the cache `root`, or of temporary files if those have no room either."""
    if isinstance(error, CacheError):
        return error  # it was said already, nearer to where it happened
    place = root if _free(root) < LOW or _free(Path(tempfile.gettempdir())) >= LOW else Path(tempfile.gettempdir())
    reason = _reason(error)
    head = f"the disk of {place} is full ({_free(place) >> 20} MB free)"
    if REASONS[reason] == errno.EFBIG:
        head = f"files in {place} may not grow so large (see ulimit -f)"
    said = error.message if isinstance(error, HatchWasiError) else reason
    message = f"{head}: {said}" if reason in said else f"{head}: {reason}, {said}"
    return CacheError(
        message,
        hint="a toolchain needs about 1.5 GB while it is made; make room and run the command again, it goes on where "
        "it stopped, or set HATCH_WASI_CACHE_DIR to a folder on another disk",
        log=error.log if isinstance(error, HatchWasiError) else None,
    )


@contextmanager
def reported(root: Path) -> Iterator[None]:
    """Turn whatever a full disk makes the block raise into the `CacheError` that names the disk of `root`."""
    try:
        yield
    except (OSError, HatchWasiError) as error:
        if not is_full(error):
            raise
        raise full(error, root) from error


def _free(folder: Path) -> int:
    """Give the free bytes on the disk of `folder`, or of the nearest folder above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
