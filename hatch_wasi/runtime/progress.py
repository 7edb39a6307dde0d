"""A line that says that a module is being compiled, if that takes more than a moment."""

from __future__ import annotations

import _thread
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["compiling"]

DELAY = 1.0
"""Seconds after which a person begins to wonder."""


@contextmanager
def compiling(name: str) -> Iterator[None]:
    """Say that the file `name` is being compiled, while the block runs; nothing if it ends soon."""
    done, told = _thread.allocate_lock(), _thread.allocate_lock()
    with done, told:
        try:
            _thread.start_new_thread(_tell, (name, done, told))
        except RuntimeError:  # there is no room for a thread
            yield
            return
        try:
            yield
        finally:
            done.release()
            told.acquire()
            done.acquire(blocking=False)


def _tell(name: str, done: _thread.LockType, told: _thread.LockType) -> None:
    try:
        if not done.acquire(timeout=DELAY):
            from hatch_wasi.console import Console
            from hatch_wasi.text import one_line

            with Console().step(f"Compiling {one_line(name)} for this machine"):
                done.acquire()
    except OSError:  # no one reads it
        done.acquire()
    finally:
        told.release()
