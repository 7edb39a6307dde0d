"""Making room in the folder of compiled code, for as much as it may hold."""

from __future__ import annotations

import os
import time

__all__ = ["make_room"]

STATE = "run.state"
"""File of `hatch_wasi.runtime.prepared`, which names the compiled code that starts python.wasm."""
ABANDONED = 3600
"""Seconds after which a temporary file is what a process left that was killed."""


class _Entry:
    """The files of one key."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.size = 0
        self.used = 0.0


def make_room(folder: str, wanted: int, limit: int) -> bool:
    """Remove entries, the least recently used first, until `wanted` bytes more fit into `limit` bytes.

    Returns whether they do. Nothing is removed for what is larger than all of it.

    An entry that another process is about to open is compiled again there; one that it has opened stays mapped.
    """
    if wanted > limit:
        return False
    entries, total = _entries(folder)
    if total + wanted <= limit:
        return True
    protected = _protected(folder)
    for key, entry in sorted(entries.items(), key=lambda item: item[1].used):
        if total + wanted <= limit:
            break
        if any(key in line for line in protected):
            continue
        for path in entry.paths:
            _remove(path)
        total -= entry.size
    return total + wanted <= limit


def _entries(folder: str) -> tuple[dict[str, _Entry], int]:
    """List the entries by key, and return the size of all files."""
    entries: dict[str, _Entry] = {}
    total, now = 0, time.time()
    for file in os.scandir(folder):
        try:
            status = file.stat(follow_symlinks=False)
        except OSError:  # another process has removed it
            continue
        if file.name.startswith("."):
            if now - status.st_mtime > ABANDONED:
                _remove(file.path)
            continue
        total += status.st_size
        stem, _, suffix = file.name.rpartition(".")
        if suffix not in {"cwasm", "info"}:
            continue
        entry = entries.setdefault(stem.rpartition("-")[0] if suffix == "cwasm" else stem, _Entry())
        # The facts last: code without facts is not used, and facts without code are found to be wrong.
        entry.paths.insert(0 if suffix == "cwasm" else len(entry.paths), file.path)
        entry.size += status.st_size
        if suffix == "info":
            entry.used = status.st_mtime
    return entries, total


def _protected(folder: str) -> list[str]:
    try:
        with open(os.path.join(folder, STATE), encoding="utf-8", errors="surrogateescape") as file:
            return list(file)
    except OSError:
        return []


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
