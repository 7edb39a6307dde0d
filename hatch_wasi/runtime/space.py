"""The guest's memory and function table, as the loader uses them."""

from __future__ import annotations

import ctypes
from ctypes import byref

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime.capi import GLOBAL, MEMORY, TABLE, VALUE_FUNCREF, VALUE_I32, Tagged
from hatch_wasi.runtime.engine import I32, Engine, Function, Rejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Space"]

PATH_LIMIT = 4096
MISSING = "python.wasm does not export {}: it was built without dynamic loading"


class Space:
    """Memory, table and allocator of python.wasm's instance."""

    def __init__(self, engine: Engine, instance: Any) -> None:
        """Find them among `instance`'s exports. Raises `LoadError` for a python.wasm without them."""
        self.engine = engine
        self.instance = instance
        self.memory = self._export(b"memory", MEMORY)
        self.table = self._export(b"__indirect_function_table", TABLE)
        self.stack_pointer = self._export(b"__stack_pointer", GLOBAL)
        self._malloc = self.function(b"malloc", I32, I32)
        self._free = self.function(b"free", I32, b"")
        self._free_slots: list[int] = []

    def _export(self, name: bytes, kind: int) -> Tagged:
        found = self.engine.item(self.instance, name, kind)
        if found is None:
            raise LoadError(MISSING.format(name.decode()))
        return found

    def function(self, name: bytes, parameters: bytes, results: bytes) -> Function:
        """Return a function of python.wasm. Raises `LoadError` if it exports no function of that name."""
        found = self.engine.function(self.instance, name, parameters, results)
        if found is None:
            raise LoadError(MISSING.format(name.decode()))
        return found

    def address_of(self, name: bytes) -> int:
        """Return the address of a data symbol of python.wasm. Raises `LoadError` if it exports no such address."""
        return self._value(self._export(name, GLOBAL), name.decode())

    def stack(self) -> int:
        """Return the pointer of C's stack."""
        return self._value(self.stack_pointer, "__stack_pointer")

    def set_stack(self, value: int) -> None:
        """Set the pointer of C's stack: a trap leaves it where it was."""
        content = Tagged(kind=VALUE_I32)
        content.of[0] = value
        self.engine.check(
            self.engine.api.wasmtime_global_set(self.engine.context, self.stack_pointer.item, byref(content))
        )

    def _value(self, item: Tagged, name: str) -> int:
        value = Tagged()
        self.engine.api.wasmtime_global_get(self.engine.context, item.item, byref(value))
        if value.kind != VALUE_I32:
            message = f"python.wasm's {name} is not an i32"
            raise LoadError(message)
        return value.of[0] & 0xFFFFFFFF

    def stack_is_full(self) -> bool:
        """Tell whether C's stack has run over: it grows down from its size to 0, where the memory begins."""
        return bool(self.stack() & 0x80000000)

    def base(self) -> int:
        """Give the host address of the memory; only valid until the guest runs again."""
        return int(self.engine.api.wasmtime_memory_data(self.engine.context, self.memory.item))

    def read(self, address: int, size: int) -> bytes:
        """Copy `size` bytes out of the memory. Raises `LoadError` if they are not in it."""
        self._within(address, size)
        return ctypes.string_at(self.base() + address, size)

    def view(self, address: int, size: int) -> memoryview:
        """Give `size` bytes of the memory as they are there, not copied; only valid until the guest runs again.

        Raises `LoadError` if they are not in it.
        """
        self._within(address, size)
        return memoryview((ctypes.c_ubyte * size).from_address(self.base() + address))

    def write(self, address: int, data: bytes) -> None:
        """Copy `data` into the memory. Raises `LoadError` if it does not fit there."""
        self._within(address, len(data))
        ctypes.memmove(self.base() + address, data, len(data))

    def text(self, address: int, limit: int = PATH_LIMIT) -> str:
        """Read a C string of at most `limit` bytes."""
        data = self.read(address, max(min(limit, self.size() - address), 0))
        return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")

    def size(self) -> int:
        """Return the size of the memory in bytes."""
        return int(self.engine.api.wasmtime_memory_data_size(self.engine.context, self.memory.item))

    def _within(self, address: int, size: int) -> None:
        if address < 0 or size < 0 or address + size > self.size():
            message = f"{size} bytes at {address:#x} are not in the guest's memory"
            raise LoadError(message)

    def allocate(self, size: int) -> int:
        """Allocate `size` bytes by the guest's malloc."""
        address = self._malloc(size)
        if not address:
            message = f"no memory for {size} bytes"
            raise LoadError(message)
        return address

    def allocate_zeroed(self, size: int, alignment: int) -> tuple[int, int]:
        """Allocate zeroed memory: gives the address to free it by, and the aligned address."""
        if size + alignment >= 1 << 32:
            message = f"no memory for {size} bytes"
            raise LoadError(message)
        block = self.allocate(size + alignment)
        aligned = -(-block // alignment) * alignment
        self._within(aligned, size)
        ctypes.memset(self.base() + aligned, 0, size)
        return block, aligned

    def free(self, address: int) -> None:
        """Give memory back to the guest's malloc."""
        self._free(address)

    def string(self, text: bytes) -> int:
        """Copy a C string into new memory of the guest."""
        address = self.allocate(len(text) + 1)
        self.write(address, text + b"\0")
        return address

    def grow_table(self, count: int) -> int:
        """Add `count` null slots to the table and give the first."""
        previous = ctypes.c_uint64()
        null = Tagged(kind=VALUE_FUNCREF)
        api, context = self.engine.api, self.engine.context
        try:
            self.engine.check(api.wasmtime_table_grow(context, self.table.item, count, byref(null), byref(previous)))
        except Rejected as error:
            message = f"the function table cannot grow by {count}: {error}"
            raise LoadError(message) from error
        return previous.value

    def table_size(self) -> int:
        """Count the table's slots."""
        return int(self.engine.api.wasmtime_table_size(self.engine.context, self.table.item))

    def slot(self) -> int:
        """Give a free slot."""
        if not self._free_slots:
            first = self.grow_table(16)
            self._free_slots = list(range(first + 15, first - 1, -1))
        return self._free_slots.pop()

    def set_slot(self, slot: int, function: Tagged, *, table: Tagged | None = None) -> None:
        """Store a function in the table, or in another."""
        value = Tagged(VALUE_FUNCREF, function.of)
        self.engine.check(
            self.engine.api.wasmtime_table_set(self.engine.context, (table or self.table).item, slot, byref(value))
        )
