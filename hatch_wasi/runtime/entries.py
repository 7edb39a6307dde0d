"""The loader's functions as the guest calls them, through `hatch_wasi_dl` (cpython/guest/hatch_wasi_dl.h).

The loader itself is made at the first call: most programs that are short need none.
"""

from __future__ import annotations

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.engine import I32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hatch_wasi.runtime.loader import Loader
    from hatch_wasi.runtime.space import Space

__all__ = ["Entries"]

VERSION = 1
"""Of `struct hatch_wasi_dl`."""
FIRST, FFI, EDIT = 8, 32, 48
"""Offsets of the first function in that struct, of the first that libffi needs, and of the one that edits lines."""
ENTRIES = (("open", 4), ("sym", 2), ("error", 2))
"""The functions from the first on, and how many parameters they have."""
FFI_ENTRIES = (("call", 1), ("closure", 5), ("copy", 0), ("describe", 3))
"""Those that a python.wasm with libffi has a place for."""


class Entries:
    """The entries of one guest."""

    def __init__(self, space: Space, load: Callable[[Space, int], Loader]) -> None:
        """Serve the guest of `space`; `load` makes the loader, given that and the address of `hatch_wasi_dl`."""
        self._space = space
        self._load = load
        self._struct = space.address_of(b"hatch_wasi_dl")
        self._problem = b""
        self._size = 0
        self.loader: Loader | None = None
        """The loader, if the guest has called it."""

    def install(self) -> None:
        """Fill in the guest's struct. Raises `HatchWasiError` for a python.wasm of another version."""
        space, struct = self._space, self._struct
        version, size = (int.from_bytes(space.read(struct + at, 4), "little") for at in (0, 4))
        if version != VERSION:
            message = f"python.wasm has version {version} of the loader interface, this is hatch-wasi for {VERSION}"
            raise HatchWasiError(message)
        self._size = size
        first = space.grow_table(len(ENTRIES) + len(FFI_ENTRIES))
        for slot, (name, parameters) in enumerate(ENTRIES + FFI_ENTRIES, first):
            space.set_slot(slot, space.engine.host_function(I32 * parameters, I32, self._entry(name)))
        slots = [(first + index).to_bytes(4, "little") for index in range(len(ENTRIES) + len(FFI_ENTRIES))]
        space.write(struct + FIRST, b"".join(slots[: len(ENTRIES)]))
        if size >= FFI + 4 * len(FFI_ENTRIES):
            space.write(struct + FFI, b"".join(slots[len(ENTRIES) :]))

    @property
    def takes_lines(self) -> bool:
        """Whether this python.wasm can have its lines edited."""
        return self._size >= EDIT + 4

    def install_editor(self, edit: Callable[[int, int, int], int | str]) -> None:
        """Let the guest call `edit` for lines that are typed on a terminal."""
        space = self._space
        slot = space.grow_table(1)
        space.set_slot(slot, space.engine.host_function(I32 * 3, I32, edit))
        space.write(self._struct + EDIT, slot.to_bytes(4, "little"))

    def _entry(self, name: str) -> Callable[..., int | str]:
        def call(*arguments: int) -> int | str:
            try:
                loader = self.loader = self.loader or self._load(self._space, self._struct)
            except HatchWasiError as error:
                # Such as: the guest's memory is full. Later, there may be room.
                return self._refuse(name, error, *arguments)
            result: int | str = getattr(loader, name)(*arguments)
            return result

        return call

    def _refuse(self, name: str, problem: HatchWasiError, *arguments: int) -> int:
        """Answer without a loader: with an error, and with its text if the guest wants to know."""
        if name != "error":
            self._problem = f"the loader cannot be made: {problem.message}".encode("utf-8", "replace")
            return 0
        buffer, size = arguments
        text = self._problem[: max(size - 1, 0)].decode("utf-8", "ignore").encode() + b"\0"
        try:
            self._space.write(buffer, text)
        except HatchWasiError:
            return 0
        return len(text)
