"""The file that keeps what was typed at the prompt, from one run to the next. The guest never sees it."""

from __future__ import annotations

import os

__all__ = ["append", "load"]

KEPT = 1000
"""Lines that are offered."""
LARGEST = 4 << 20
"""Bytes of the file that are read."""


def load(path: str) -> list[str]:
    """Return the last lines of the file; none if it cannot be read. A file that has grown long is cut."""
    try:
        with open(path, "rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - LARGEST, 0))
            data = file.read(LARGEST)
    except OSError:
        return []
    lines = [line for line in data.decode("utf-8", "replace").split("\n") if line and "\0" not in line]
    if len(lines) > 2 * KEPT:
        _replace(path, lines[-KEPT:])
    return lines[-KEPT:]


def append(path: str, line: str) -> None:
    """Add a line; the file, which only its owner can read, is made if need be. A disk that is full changes nothing."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8", "replace") + b"\n")
        finally:
            os.close(descriptor)
    except OSError:
        return


def _replace(path: str, lines: list[str]) -> None:
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        os.replace(temporary, path)
    except OSError:
        return
