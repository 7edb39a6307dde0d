"""Lines that are typed on a terminal: edited by this Python's readline, with the guest's completion and history.

The guest asks for a line in its own thread; it is read in the main thread, where Ctrl-C arrives. The two take turns, and
no function of the guest is called: when Tab is pressed, what the guest asked for is answered with a question, and it asks
again with the matches. Messages and operations: cpython/guest/_hatch_wasi_readline.py.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enum, and is not needed
import _thread
import os
import sys
import time

from hatch_wasi.runtime import bindings, history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hatch_wasi.runtime.space import Space

__all__ = ["Editor", "is_possible"]

FETCH, LINE, MATCHES, ADD, CLEAR, REMOVE, REPLACE, BIND, DELIMITERS = range(9)
"""Operations."""
LARGEST = 1 << 20
"""Bytes of a message."""
MOST = 10000
"""Lines of history that the guest may add."""
PAUSE = 0.05
SOON = 0.001
"""Seconds: a timer that is set to 0 never ends."""


class Editor:
    """The lines of one guest."""

    def __init__(self, space: Space, attend: Callable[[], object], main: int, path: str | None) -> None:
        """Serve the guest of `space`; `attend` lets the thread `main` call `serve`.

        `path` is the file that keeps the lines that are typed; without one they are forgotten.
        """
        self._space = space
        self._attend = attend
        self._path = path
        self._main = main
        self._wake, self._woken = os.pipe()
        """To the guest's thread: 0 for an event, else the number of a signal that has arrived."""
        os.set_blocking(self._woken, False)
        self._to_main = _thread.allocate_lock()
        self._to_main.acquire()
        self._readline: Any = None
        self._is_libedit = False
        self._old = 0
        """Lines of earlier runs, which come before the guest's."""
        self._job: tuple[str, str, str] | None = None
        self._event: bytes | None = None
        self._answer = b""
        self._typed: str | None = None
        self._inserted = ""
        self._matches: list[str] = []
        self._completes = False
        self.is_reading = self.is_completing = self.is_abandoned = False

    @property
    def waits(self) -> bool:
        """Whether a line is asked for."""
        return self._job is not None

    # In the guest's thread.

    def edit(self, operation: int, data: int, size: int) -> int | str:
        """`hatch_wasi_dl.edit`."""
        try:
            if operation == FETCH:
                if size != len(self._answer):
                    return -1
                self._space.write(data, self._answer)
                return size
            if not 0 <= size <= LARGEST:
                return -1
            answer = self._do(operation, self._space.read(data, size).decode("utf-8", "surrogateescape"))
        except Exception:  # noqa: BLE001 - nothing may be raised into compiled code; lines are read without editing
            return -1
        self._answer = answer or b""
        return -1 if answer is None else len(self._answer)

    def _do(self, operation: int, text: str) -> bytes | None:
        if operation == LINE and not self.is_reading:
            flags, initial, prompt = text.split("\0")
            self._job = flags, initial, prompt
            self._attend()
            return self._next_event()
        if operation == MATCHES and self.is_completing:
            self._inserted, *self._matches = text.split("\0")
            self._to_main.release()
            return self._next_event()
        if operation == BIND:
            self._bind(bindings.checked(text))
        elif operation == DELIMITERS:
            self._library().set_completer_delims(text)
        else:
            self._change_history(operation, text)
        return b""

    def _change_history(self, operation: int, text: str) -> None:
        """Follow the guest's history, which comes behind that of earlier runs."""
        readline = self._library()
        if operation == ADD and readline.get_current_history_length() < self._old + MOST:
            readline.add_history(text)
            if self._path and text == self._typed:
                history.append(self._path, text)
            self._typed = None
        elif operation == CLEAR:
            while readline.get_current_history_length() > self._old:
                readline.remove_history_item(self._old)
        elif operation == REMOVE:
            readline.remove_history_item(self._old + _position(text))
        elif operation == REPLACE:
            position, _, line = text.partition("\0")
            readline.replace_history_item(self._old + _position(position), line)

    def _next_event(self) -> bytes | None:
        """Wait for the main thread, and see that no signal is lost on it.

        One that arrives just before readline waits for a key would be handled after the next key only.
        """
        while number := os.read(self._wake, 1)[0]:
            time.sleep(PAUSE)
            if self.is_reading and not self.is_completing:
                _signal.pthread_kill(self._main, number)
        return self._event

    def abandon(self) -> None:
        """End a line that is being read: the guest has ended."""
        self.is_abandoned = True
        if self.is_completing:
            self._to_main.release()
        while self.is_reading:
            _signal.pthread_kill(self._main, _signal.SIGALRM)  # not SIGINT: `nohup` and others have it ignored
            time.sleep(PAUSE)

    # In the main thread.

    def serve(self, seconds: float | None = None) -> None:
        """Read the line that is asked for, no longer than `seconds`, and hand it over.

        A signal ends the reading early, so that readline leaves the terminal as it found it.
        """
        job, self._job = self._job, None
        event: bytes | None = b"I"
        before = _signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGALRM, self._end_reading)
        if seconds is not None:
            _signal.setitimer(_signal.ITIMER_REAL, max(seconds, SOON))
        try:
            self.is_reading = True
            event = self._read(*job) if job else None
            self.is_reading = False
        except KeyboardInterrupt:
            event = b"I"
        except EOFError:
            event = b"E"
        except Exception:  # noqa: BLE001 - as in `edit`
            event = None
        self.is_reading = False
        if seconds is not None:
            _signal.setitimer(_signal.ITIMER_REAL, 0)
        _signal.set_wakeup_fd(before)
        self._tell(event)

    def _end_reading(self, *_: object) -> None:
        if self.is_reading:
            raise KeyboardInterrupt

    def _tell(self, event: bytes | None) -> None:
        self._event = event
        os.write(self._woken, b"\0")

    def _read(self, flags: str, initial: str, prompt: str) -> bytes:
        readline = self._library()
        self._set_completion(completes="c" in flags)
        readline.set_startup_hook((lambda: readline.insert_text(initial)) if initial else None)
        encoding = sys.stdout.encoding
        line = input(prompt.encode(encoding, "replace").decode(encoding))
        self._typed = line
        return b"L" + line.encode("utf-8", "surrogateescape")

    def _library(self) -> Any:
        """Import readline, which reads the person's inputrc file, and fill its history."""
        if self._readline is None:
            import readline

            self._is_libedit = "libedit" in (readline.__doc__ or "")
            readline.set_auto_history(False)
            # Always: without one, readline would offer the names of this machine's files.
            readline.set_completer(self._complete)
            for line in history.load(self._path) if self._path else ():
                readline.add_history(line)
            self._old = readline.get_current_history_length()
            self._readline = readline
            self._bind("tab: tab-insert")
        return self._readline

    def _set_completion(self, *, completes: bool) -> None:
        """Let Tab complete, or do what the person's inputrc file says, only while the guest has what completes."""
        if completes == self._completes:
            return
        self._completes = completes
        self._bind("tab: complete" if completes else "tab: tab-insert")
        if completes and not self._is_libedit:
            try:
                self._readline.read_init_file()
            except OSError:  # there is none
                return

    def _bind(self, line: str | None) -> None:
        line = for_library(line, is_libedit=self._is_libedit)
        if line:
            self._library().parse_and_bind(line)

    def _complete(self, text: str, state: int) -> str | None:
        """Ask the guest, which waits for the line, for all matches of `text`; return them one by one."""
        if state == 0:
            readline = self._readline
            numbers = (readline.get_completion_type(), readline.get_begidx(), readline.get_endidx())
            words = [*map(str, numbers), text, readline.get_line_buffer()]
            self._inserted, self._matches = "", []
            self.is_completing = True
            self._tell(b"C" + "\0".join(words).encode("utf-8", "surrogateescape"))
            self._to_main.acquire()
            self.is_completing = False
            if self._inserted:
                readline.insert_text(self._inserted)
                readline.redisplay()
        return self._matches[state] if state < len(self._matches) else None


def _position(text: str) -> int:
    """Read where a line is in the guest's history. Raises `ValueError` for what is before it."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def for_library(line: str | None, *, is_libedit: bool) -> str | None:
    """Return a setting as the library at hand has it."""
    return bindings.for_libedit(line) if line and is_libedit else line


def is_possible() -> bool:
    """Tell whether lines are typed on a terminal, and this Python can edit them."""
    from importlib.util import find_spec

    return os.isatty(0) and os.isatty(1) and sys.stdin is not None and find_spec("readline") is not None
