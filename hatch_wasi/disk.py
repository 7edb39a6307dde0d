"""A full disk: how to tell, and what to say. Programs say it in their own words, Python in `OSError`."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hatch_wasi.errors import CacheError, HatchWasiError

__all__ = ["full", "is_full", "reported"]

# EFBIG: a limit on the size of files (ulimit -f).
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
WORDS = ("No space left on device", "Disk quota exceeded", "File too large")
LOW = 16 << 20
"""With less than this many bytes free, a disk is what failed."""


def is_full(error: BaseException | None) -> bool:
    """Tell whether `error`, or what it was raised from, came of a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        said = f"{error} {getattr(error, 'output', '')}"
        if isinstance(error, HatchWasiError) and any(words in said for words in WORDS):
            return True
        error = error.__cause__
    return False


def full(error: BaseException, root: Path) -> CacheError:
    """Name the disk that is full: that of the cache `root`, or of temporary files if those have no room either."""
    place = root if _free(root) < LOW or _free(Path(tempfile.gettempdir())) >= LOW else Path(tempfile.gettempdir())
    message = f"the disk of {place} is full ({_free(place) >> 20} MB free)"
    what = error.message if isinstance(error, HatchWasiError) else None
    return CacheError(
        f"{message}: {what}" if what else message,
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
