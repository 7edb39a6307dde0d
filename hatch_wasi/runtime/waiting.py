"""Waiting that Ctrl-C ends: sleeps, and reads from a terminal.

wasmtime's own `poll_oneoff` and `fd_read` block until the time is over or a line was typed; a signal cannot end them.
Here both also wait for a pipe that `interrupt` writes to, and then give EINTR, upon which CPython looks for signals.
https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
"""

from __future__ import annotations

import os

from hatch_wasi.runtime.engine import I32
from hatch_wasi.runtime.stubs import forward_module, stdin_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hatch_wasi.runtime.engine import Engine
    from hatch_wasi.runtime.signals import Signals
    from hatch_wasi.runtime.space import Space

__all__ = ["Waiting"]

WASI = b"wasi_snapshot_preview1"
EFAULT, EINTR, EINVAL, EIO = 21, 27, 28, 29
CLOCK, READ = 0, 1
"""`eventtype`; 2 is write."""
SUBSCRIPTION, EVENT = 48, 32
"""Sizes of the structures."""
ABSOLUTE = 1
SECOND = 10**9
I64 = b"\x7e"


class Waiting:
    """The waits of one guest."""

    def __init__(self, engine: Engine, linker: int) -> None:
        """Give `linker` these functions in place of wasmtime's; reads only if standard input is a terminal."""
        self._engine = engine
        self._space: Space | None = None
        self._signals: Signals | None = None
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        engine.define(linker, WASI, b"poll_oneoff", engine.host_function(I32 * 4, I32, self._poll))
        self._table = None
        if os.isatty(0):
            forward = engine.instantiate(linker, engine.compile(forward_module()))
            self._table = engine.export(forward, b"t")
            self._original = engine.linked(linker, WASI, b"fd_read")
            read = engine.export(forward, b"f")
            if read is not None:
                engine.define(linker, WASI, b"fd_read", read)

    def attach(self, space: Space, signals: Signals) -> None:
        """Begin to serve the guest of `space`, before it starts."""
        self._space = space
        self._signals = signals
        if self._table is None:
            return
        engine = self._engine
        host = engine.host_function(I32 * 3, I32, self._read)
        instance = engine.instantiate_with(engine.compile(stdin_module()), [space.memory, self._original, host])
        function = engine.export(instance, b"f")
        if function is not None:
            space.set_slot(0, function, table=self._table)

    def interrupt(self) -> None:
        """End a wait that is going on, or else the next before which the guest does not react; from any thread."""
        try:
            os.write(self._woken, b"!")
        except BlockingIOError:
            return

    def _wait(self, files: list[int], seconds: float | None) -> list[int] | None:
        """Wait until one of `files` can be read, or time is over; gives those that can, or None if interrupted."""
        import select
        import time

        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(end - time.monotonic(), 0)
            ready, _, _ = select.select([self._wake, *files], [], [], left)
            if self._wake not in ready:
                return ready
            os.read(self._wake, 4096)
            # The guest may have reacted before it began to wait. Then this wait is not interrupted.
            if self._signals is None or self._signals.is_pending:
                return None

    def _read(self, vectors: int, count: int, result: int) -> int | str:
        """`fd_read` of standard input."""
        space = self._space
        try:
            if space is None or self._wait([0], None) is None:
                return EINTR
            if count > 1024:
                return EINVAL
            raw = space.read(vectors, 8 * count)
            places = [
                (int.from_bytes(raw[at : at + 4], "little"), int.from_bytes(raw[at + 4 : at + 8], "little"))
                for at in range(0, len(raw), 8)
            ]
            data = os.read(0, min(sum(size for _, size in places), 1 << 16))
            space.write(result, len(data).to_bytes(4, "little"))
            for address, size in places:
                space.write(address, data[:size])
                data = data[size:]
        except OSError:
            return EIO
        except Exception:  # noqa: BLE001 - a hostile pointer; nothing may be raised into compiled code
            return EFAULT
        return 0

    def _poll(self, subscriptions: int, events: int, count: int, result: int) -> int | str:
        """`poll_oneoff`: of files, only standard input can keep anybody waiting."""
        space = self._space
        try:
            if space is None or not 0 < count <= 1024:
                return EINVAL
            raw = space.read(subscriptions, SUBSCRIPTION * count)
            wanted = [raw[at : at + SUBSCRIPTION] for at in range(0, len(raw), SUBSCRIPTION)]
            files = [item for item in wanted if item[8] != CLOCK]
            stdin = [item for item in files if item[8] == READ and item[16:20] == bytes(4)]
            fired = [item for item in files if item not in stdin]
            delays = [(self._delay(space, item), item) for item in wanted if item[8] == CLOCK]
            soonest = 0.0 if fired else min((delay for delay, _ in delays), default=None)
            ready = self._wait([0] if stdin else [], soonest)
            if ready is None and files:
                return EINTR
            if ready and 0 in ready:
                fired += stdin
            if not fired:
                # Interrupted sleeps end here too: wasi-libc's clock_nanosleep makes ENOTSUP of any error, and the
                # interpreter looks for signals right after it.
                fired = [item for delay, item in delays if delay == soonest]
            out = b"".join(
                item[:8] + bytes(2) + item[8:9] + bytes(5) + (1).to_bytes(8, "little") + bytes(8) for item in fired
            )
            space.write(events, out)
            space.write(result, len(fired).to_bytes(4, "little"))
        except Exception:  # noqa: BLE001 - as above
            return EFAULT
        return 0

    def _delay(self, space: Space, subscription: bytes) -> float:
        """Give how many seconds are left until a clock's time has come."""
        clock, timeout = int.from_bytes(subscription[16:20], "little"), int.from_bytes(subscription[24:32], "little")
        if subscription[40] & ABSOLUTE:
            timeout -= self._now(space, clock)
        return max(timeout, 0) / SECOND

    def _now(self, space: Space, clock: int) -> int:
        """Read one of the guest's clocks: only wasmtime knows when its monotonic clock began."""
        get = space.function(b"__wasi_clock_time_get", I32 + I64 + I32, I32)
        place = space.allocate(8)
        get(clock, 1, place)
        now = int.from_bytes(space.read(place, 8), "little")
        space.free(place)
        return now
