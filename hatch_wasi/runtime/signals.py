"""SIGINT for the guest, which WASI cannot deliver: the host stores what CPython's own handler would store.

Where that is, `hatch_wasi_signals` says (cpython/guest/hatch_wasi_dl.h). The struct is read once, before the guest
starts; but what its addresses point to, the guest may change at any time. The stores come from another thread than the
guest's, which must not call wasmtime. So every address is compared with the memory's size at the start: a memory only
grows, and what CPython stores there is static data.
"""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hatch_wasi.runtime.space import Space

__all__ = ["Signals"]

VERSION = 1
"""Of `struct hatch_wasi_signals`."""
WORDS = 7
WIDTH = 4
UNHANDLED = WORDS * WIDTH
"""Offset of a word that a newer python.wasm has: the address of what tells of a KeyboardInterrupt that was not caught."""
HANDLER = WIDTH
"""Where the handler of SIGINT is, from the word that says that SIGINT arrived: CPython keeps them as one struct."""
DEFAULT = WIDTH
"""Where SIG_DFL is as an object, from the word that says that any signal arrived."""


class Signals:
    """The words of one guest. May be used by any thread."""

    def __init__(self, space: Space) -> None:
        """Find the words in `space`, before the guest starts."""
        struct = space.address_of(b"hatch_wasi_signals")
        raw = space.read(struct, WORDS * WIDTH)
        words = [int.from_bytes(raw[at : at + WIDTH], "little") for at in range(0, len(raw), WIDTH)]
        version, size, self._tripped, self._sigint, self._main_state, self._eval_breaker, self._pending = words
        self._base = space.base()  # The memory never moves: wasmtime reserves all 4 GiB.
        self._size = space.size() if version == VERSION else 0
        has_unhandled = version == VERSION and size >= UNHANDLED + WIDTH
        self._unhandled = int.from_bytes(space.read(struct + UNHANDLED, WIDTH), "little") if has_unhandled else None

    @property
    def is_unhandled(self) -> bool:
        """Whether the guest has ended by a KeyboardInterrupt that it did not catch."""
        return self._unhandled is not None and bool(self._load(self._unhandled))

    @property
    def is_pending(self) -> bool:
        """Whether a SIGINT has been stored that the guest has not reacted to."""
        return bool(self._load(self._sigint))

    def interrupt(self) -> bool:
        """Do what CPython's own handler of SIGINT does: the guest raises KeyboardInterrupt soon.

        Returns False if it cannot: the guest has not begun yet, has not reacted to the one before, or has no
        handler: CPython would drop the signal ("ignored due to race condition").
        """
        handler = self._load(self._sigint + HANDLER)
        is_handled = handler and handler != self._load(self._tripped + DEFAULT)
        if not self._load(self._main_state) or not is_handled or self.is_pending:
            return False
        # The order of trip_signal in Modules/signalmodule.c.
        done = self._store(self._sigint, 1) and self._store(self._tripped, 1)
        self.poke()
        return done

    def poke(self) -> None:
        """Set the bit that makes the interpreter look for signals. Again if need be: this store is not atomic."""
        state = self._load(self._main_state)
        if state and self._load(self._sigint):
            breaker = self._load(state + self._eval_breaker)
            if breaker is not None:
                self._store(state + self._eval_breaker, breaker | self._pending)

    def _word(self, address: int) -> ctypes.c_uint32 | None:
        """Return the word at an address of the guest, or None if that is not in its memory."""
        if not 0 <= address <= self._size - WIDTH:
            return None
        return ctypes.c_uint32.from_address(self._base + address)

    def _load(self, address: int) -> int | None:
        word = self._word(address)
        return None if word is None else word.value

    def _store(self, address: int, value: int) -> bool:
        word = self._word(address)
        if word is None:
            return False
        word.value = value
        return True
