"""A guest on a pseudo-terminal."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Sequence


class Terminal:
    """`hatch-wasi run ARGUMENTS`, or another program, typed at and read from."""

    def __init__(self, *arguments: str, program: Sequence[str] = ()) -> None:
        self._unread = b""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            words = program or (sys.executable, "-m", "hatch_wasi", "run")
            os.execvp(words[0], [*words, *arguments])

    def until(self, text: str, timeout: float = 60) -> str:
        """Read to the end of `text`; what comes behind it is read by the next call."""
        end = time.monotonic() + timeout
        while text.encode() not in self._unread:
            left = end - time.monotonic()
            assert left > 0, f"no {text!r} in {self._unread!r}"
            if select.select([self.descriptor], [], [], left)[0]:
                self._unread += os.read(self.descriptor, 4096)
        before, _, self._unread = self._unread.partition(text.encode())
        return before.decode() + text

    def say(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def ended(self, timeout: float = 60) -> int:
        """Wait for the end, and return the exit status."""
        end = time.monotonic() + timeout
        while (found := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                message = f"the guest has not ended after {timeout} s"
                raise AssertionError(message)
            time.sleep(0.01)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(found[1])
