"""What a person sees while work goes on: steps with a count and elapsed time, in place on a terminal, lines elsewhere.

The words are chosen here by meaning (step, note, warning); where they go is the `write` callable's business, so the
Hatch hook can pass Hatch's own display and the command line its standard error. All text passes through
`text.printable` on its way: names and reasons come from strangers.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from hatch_wasi.text import one_line, printable

__all__ = ["Console", "counted", "output", "seconds"]

TICK = 1.0
LARGE = 16_000_000
"""Bytes from which on a transfer is worth lines of its own in a log."""


def seconds(elapsed: float) -> str:
    """Write a duration the way a person reads it: `0.4 s`, `12 s`, `3 min 05 s`."""
    if elapsed < 10:
        return f"{elapsed:.1f} s"
    if elapsed < 60:
        return f"{elapsed:.0f} s"
    minutes, rest = divmod(round(elapsed), 60)
    return f"{minutes} min {rest:02} s"


def counted(count: int, noun: str) -> str:
    """Write a number of things: `1 wheel`, `2 wheels`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _amount(done: int, total: int | None) -> str:
    """Write how much is there: `30 MB of 119 MB (25 %)`."""
    if not total:
        return f"{done / 1e6:.0f} MB"
    return f"{done / 1e6:.0f} MB of {total / 1e6:.0f} MB ({100 * done // total} %)"


def output(text: str) -> None:
    """Print `text`, the data that a command is asked for, to standard output: fit for a terminal and its encoding."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(printable(text).encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


class Console:
    """Speak to the person; thread-safe."""

    def __init__(
        self,
        *,
        verbosity: int = 0,
        stream: TextIO | None = None,
        write: Callable[[str], None] | None = None,
        write_warning: Callable[[str], None] | None = None,
    ) -> None:
        """Write lines to `write` (warnings and errors to `write_warning`) if given, else to `stream` (default: standard error).

        `verbosity`: -1 only warnings and errors, 0 steps, 1 details (commands, reasons), 2 everything.
        Lines are rewritten in place only when writing to a terminal.
        """
        self.verbosity = verbosity
        self._stream = stream if stream is not None else sys.stderr
        self._write = write
        self._write_warning = write_warning or write
        self._lock = threading.Lock()
        self._open_line = ""
        self._amount = ""
        self.interactive = (
            write is None and verbosity == 0 and self._stream.isatty() and os.environ.get("TERM", "") != "dumb"
        )

    def note(self, text: str) -> None:
        """Say something worth a line."""
        if self.verbosity >= 0:
            self._line(text)

    def detail(self, text: str) -> None:
        """Say something only a person who asked (`-v`) wants to read."""
        if self.verbosity >= 1:
            self._line(text)

    def warn(self, text: str) -> None:
        """Say something that may be wrong."""
        self._line(f"warning: {text}", self._write_warning)

    def error(self, text: str) -> None:
        """Say what failed."""
        self._line(f"error: {text}", self._write_warning)

    @contextmanager
    def step(self, text: str, *, index: int = 0, total: int = 0) -> Iterator[None]:
        """Show `[index/total] text` while the block runs, and how long it took when it ends."""
        label = one_line(f"[{index}/{total}] {text}" if total else text)
        began = time.monotonic()
        if not self.interactive:
            self.note(f"{label} …")
            yield
            if (elapsed := time.monotonic() - began) >= 1:
                self.note(f"{label}: {seconds(elapsed)}")
            return
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(label, began, done), daemon=True)
        self._in_place(label)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
            with self._lock:
                self._clear()
        self.note(f"{label}: {seconds(time.monotonic() - began)}")

    @contextmanager
    def progress(self, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show how much of a transfer is there while the block runs, which tells it by the callable: so many bytes.

        Beside the step that is under way on a terminal; elsewhere by a line for each quarter of a large one. `done`
        bytes were there before; `total` is None where nobody knows.
        """
        stride = max(total // 4, 1) if total else 2 * LARGE
        told = done

        def show(have: int) -> None:
            nonlocal told
            self._amount = f", {_amount(have, total)}"
            if not self.interactive and have // stride > told // stride and (total or have) >= LARGE and have != total:
                told = have
                self.note(f"  {_amount(have, total)}")

        try:
            yield show
        finally:
            self._amount = ""

    def _tick(self, label: str, began: float, done: threading.Event) -> None:
        while not done.wait(TICK):
            self._in_place(f"{label} … {seconds(time.monotonic() - began)}{self._amount}")

    def _in_place(self, text: str) -> None:
        with self._lock:
            self._clear()
            self._stream.write(text)
            self._stream.flush()
            self._open_line = text

    def _clear(self) -> None:
        if self._open_line:
            self._stream.write("\r\x1b[K")
            self._open_line = ""

    def _line(self, text: str, write: Callable[[str], None] | None = None) -> None:
        text = printable(text)
        write = write or self._write
        with self._lock:
            if write is not None:
                write(text)
                return
            pending = self._open_line
            self._clear()
            self._stream.write(f"{text}\n{pending}")
            self._stream.flush()
            self._open_line = pending
