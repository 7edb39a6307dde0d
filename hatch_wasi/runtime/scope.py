"""Loaded modules, and which of them a name is looked up in.

As ELF does it (POSIX dlopen): python.wasm first, then what was opened with RTLD_GLOBAL, then what the module needs; but
a module's own definitions come before all, as its code calls them directly already (docs/architecture.md, "Loading").
"""

from __future__ import annotations

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime.capi import FUNC
from hatch_wasi.runtime.signature import arity, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from hatch_wasi.runtime.engine import Function
    from hatch_wasi.runtime.space import Space

__all__ = ["Arities", "Loaded", "Scope"]


class Arities:
    """The table of arities in the guest's memory, for its call trampoline (guest/hatch_wasi_trampoline.h)."""

    SPARE = 4096

    def __init__(self, space: Space, struct: int, main: bytes) -> None:
        """Publish the arities of python.wasm's own slots through the `hatch_wasi_dl` at address `struct`."""
        self._space = space
        self._struct = struct
        self._address = 0
        self._size = 0
        self._content = main
        self.cover(0)
        space.write(self._address, main)

    def cover(self, last: int) -> None:
        """Make room for all slots up to `last`."""
        if last < self._size:
            return
        size = max(last + 1, self._space.table_size()) + self.SPARE
        block, _ = self._space.allocate_zeroed(size, 1)
        old, kept = self._address, self._space.read(self._address, self._size)
        self._space.write(block, kept)
        # The guest reads the address first: it must never meet the new size with the old table.
        self._space.write(self._struct + 20, block.to_bytes(4, "little") + size.to_bytes(4, "little"))
        self._address, self._size = block, size
        if old:
            self._space.free(old)

    def store(self, slot: int, values: bytes) -> None:
        """Record the arities of the slots from `slot` on."""
        self.cover(slot + len(values))
        self._space.write(self._address + slot, values)


class Loaded:
    """A module in the guest: python.wasm or a side module, perhaps still on its way."""

    def __init__(self, path: str, handle: int, description: dict[str, Any], *, is_global: bool) -> None:
        """Describe a module that has no instance yet."""
        self.path = path
        self.handle = handle
        self.functions: dict[str, tuple[Any, ...]] = description["functions"]
        self.data: dict[str, int] = description["data"]
        self.imports: list[tuple[Any, ...]] = description.get("imports", [])
        self.description = description
        self.slots: dict[int, int] = dict(description.get("slots", ()))
        """Table slot of a function, by its index; a function has one at most."""
        self.pending: dict[int, str] = {}
        """Slots to fill as soon as there is an instance, with the export of that name."""
        self.instance: Any = None
        self.block = 0
        self.memory_base = 0
        self.table_base = 0
        self.reserved = False
        self.needed: list[Loaded] = []
        self.is_global = is_global

    def closure(self) -> list[Loaded]:
        """List this module and all that it needs, breadth first."""
        found = [self]
        for module in found:
            found.extend(other for other in module.needed if other not in found)
        return found


class Scope:
    """All loaded modules."""

    def __init__(self, space: Space, main: Loaded, arities: Arities) -> None:
        """Begin with python.wasm."""
        self.space = space
        self.main = main
        self.arities = arities
        self.modules: dict[str, Loaded] = {}
        """Side modules by guest path, in the order of loading."""

    def visible(self, module: Loaded) -> Iterator[Loaded]:
        """Give the modules in which a name that `module` uses is looked up, first to last."""
        everywhere = (other for other in self.modules.values() if other.is_global)
        yield from dict.fromkeys((module, self.main, *everywhere, *module.closure()))

    def owner(self, module: Loaded, name: str) -> Loaded | None:
        """Give the module whose `name` the module `module` means."""
        if name in module.functions or name in module.data:
            return module
        if name in self.main.functions or name in self.main.data:
            return self.main
        return next((other for other in self.visible(module) if name in other.functions or name in other.data), None)

    def reserve(self, module: Loaded) -> None:
        """Take zeroed memory and table slots for `module`, once."""
        if module.reserved:
            return
        (size, alignment), (slots, slot_alignment) = module.description["memory"], module.description["table"]
        if size:
            module.block, module.memory_base = self.space.allocate_zeroed(size, max(alignment, 16))
        if slots:
            first = self.space.grow_table(slots + slot_alignment - 1)
            module.table_base = -(-first // slot_alignment) * slot_alignment
            self.arities.store(module.table_base, module.description["arity"])
        module.reserved = True

    def address(self, module: Loaded, name: str) -> int:
        """Give the address of `module`'s data symbol."""
        self.reserve(module) if module is not self.main else None
        return (module.data[name] + module.memory_base) & 0xFFFFFFFF

    def slot(self, module: Loaded, name: str) -> int:
        """Give the table slot of `module`'s function, the same for ever and for everybody."""
        index, parameters, results, *own = module.functions[name]
        found = module.slots.get(index)
        if found is not None:
            return found
        if own and own[0] >= 0:
            self.reserve(module)
            found = module.table_base + int(own[0])
        elif module is not self.main and (imported := self._imported(module, index)):
            target = self.owner_elsewhere(module, imported)
            if target is None or imported not in target.functions:
                message = f"{module.path}: it exports {name}, which is nowhere defined"
                raise LoadError(message)
            found = self.slot(target, imported)
        else:
            found = self.space.slot()
            self.arities.store(found, bytes([arity(parameters, results)]))
            if module.instance is None:
                module.pending[found] = name
            else:
                self._fill(module, found, name)
        module.slots[index] = found
        return found

    def owner_elsewhere(self, module: Loaded, name: str) -> Loaded | None:
        """Give the other module whose `name` the module `module` means."""
        others = (other for other in self.visible(module) if other is not module)
        return next((other for other in others if name in other.functions or name in other.data), None)

    def fill_pending(self, module: Loaded) -> None:
        """Fill the slots that waited for `module`'s instance."""
        for slot, name in module.pending.items():
            self._fill(module, slot, name)
        module.pending.clear()

    def function(self, module: Loaded, name: str, parameters: bytes, results: bytes) -> Function | None:
        """Return `module`'s exported function `name` to call it, or None if there is no such export.

        Raises `LoadError` if the module, as we read it, declares another type than this.
        """
        if name not in module.functions:
            return None
        own = tuple(module.functions[name][1:3])
        if own != (parameters, results):
            message = f"{module.path}: its {name} is {render(*own)}, and must be {render(parameters, results)}"
            raise LoadError(message)
        return self.space.engine.function(module.instance, name.encode(), parameters, results)

    def _fill(self, module: Loaded, slot: int, name: str) -> None:
        function = self.space.engine.item(module.instance, name.encode(), FUNC)
        if function is not None:
            self.space.set_slot(slot, function)

    def _imported(self, module: Loaded, index: int) -> str | None:
        """Give the name of imported function number `index`, or None if that is the module's own."""
        names = [name for _, name, kind, *_ in module.imports if kind == 0]
        return names[index] if index < len(names) else None
