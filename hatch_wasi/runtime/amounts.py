"""Amounts as people write them on a command line or in a variable."""

from __future__ import annotations

from hatch_wasi.errors import UsageError

__all__ = ["count", "duration", "size"]

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
LARGEST = (1 << 63) - 1
"""What the C API takes."""
LONGEST = 10 * 365 * 24 * 3600
"""Seconds; timers of the system end far above."""


def size(text: str, where: str) -> int:
    """Read a number of bytes: `1000000`, `512K`, `512M`, `2G`, also as `512MB` or `512MiB`, in powers of 1024.

    `where` names the option or variable in the message. Raises `UsageError`.
    """
    word = text.strip().upper().removesuffix("IB").removesuffix("B")
    number, unit = (word[:-1], word[-1]) if word and word[-1] in UNITS else (word, "")
    if not number.isascii() or not number.isdigit() or len(number) > 19 or int(number) * UNITS[unit] > LARGEST:
        message = f"{where}: {text!r} is not a size"
        raise UsageError(message, hint="write it as 512M or 2G")
    return int(number) * UNITS[unit]


def count(text: str, where: str) -> int:
    """Read a number of things. Raises `UsageError`."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > LARGEST:
        message = f"{where}: {text!r} is not a number"
        raise UsageError(message)
    return int(text)


def duration(text: str, where: str) -> float:
    """Read a number of seconds, more than 0. Raises `UsageError`."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST:
        message = f"{where}: {text!r} is not a number of seconds above 0"
        raise UsageError(message, hint="write it as 30 or 0.5")
    return seconds
