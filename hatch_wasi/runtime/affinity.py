"""Start on one processor: wasmtime hands every file call to another thread and waits for it, some 1,600 times while
Python starts, and waking a thread of another processor costs several times as much as one of the same.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["Start"]

DURATION = 0.06
"""Seconds; a start takes about half of it. Work that follows may use all processors again."""
TASKS = "/proc/self/task"


class Start:
    """This process's threads, kept on the processor that it runs on until `release`; where the system can do that."""

    def __init__(self) -> None:
        """Stay here, threads to come included: they inherit it from the one that makes them."""
        self._before: set[int] = set()
        if not hasattr(os, "sched_setaffinity") or not os.path.isdir(TASKS):
            return
        allowed = os.sched_getaffinity(0)
        here = ctypes.CDLL(None).sched_getcpu()
        if len(allowed) > 1 and here in allowed:
            os.sched_setaffinity(0, {here})
            self._before = allowed

    def release(self) -> None:
        """Let all threads go where they might before."""
        allowed, self._before = self._before, set()
        for task in os.listdir(TASKS) if allowed else ():
            try:
                os.sched_setaffinity(int(task), allowed)
            except OSError:  # it has ended
                continue
