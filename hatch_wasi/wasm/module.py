"""A WebAssembly module's interface: types, imports, exports and what its table will hold; code and data are skipped.

https://webassembly.github.io/spec/core/binary/modules.html, with the exception handling proposal's tags. Bodies are
left to the engine, which validates them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_wasi.wasm.entities import VALUE_TYPES, Constant, Element, Export, FuncType, GlobalType, Import, Limits
from hatch_wasi.wasm.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAGIC", "Module"]

MAGIC = b"\0asm"
VERSION = b"\x01\0\0\0"
KINDS = ("func", "table", "memory", "global", "tag")
# Section ids in the order in which they must come.
ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
SECTIONS = {1: "type section", 2: "import section", 3: "function section", 4: "table section", 5: "memory section",
            6: "global section", 7: "export section", 8: "start section", 9: "element section", 10: "code section",
            11: "data section", 12: "data count section", 13: "tag section"}  # fmt: skip


class Module:
    """A module, read. Raises `MalformedWasm` for anything that is not one."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read `data`, which came from the file `name`."""
        self.name = name
        self.size = len(data)
        self.types: list[FuncType] = []
        self.imports: list[Import] = []
        self.functions: list[FuncType] = []
        self.tables: list[Limits] = []
        self.memories: list[Limits] = []
        self.globals: list[tuple[GlobalType, Constant | None]] = []
        self.tags: list[FuncType] = []
        self.exports: dict[str, Export] = {}
        self.start: int | None = None
        self.elements: list[Element] = []
        self.custom: list[tuple[str, bytes]] = []
        """Name and content of each custom section, in order."""
        self.sections: list[int] = []
        """Their ids, in order."""
        self._declared = 0
        self._read(Reader(data, name))

    def imported(self, kind: str) -> int:
        """Count the imports of `kind`: its first indices."""
        return sum(item.kind == kind for item in self.imports)

    def _read(self, reader: Reader) -> None:
        if reader.data[:4] != MAGIC:
            reader.fail("it does not begin with \\0asm")
        if reader.take(min(8, reader.left)) != MAGIC + VERSION:
            reader.fail("not a core module of version 1")
        readers: dict[int, Callable[[Reader], None]] = {
            0: self._custom, 1: self._types, 2: self._imports, 3: self._functions, 4: self._tables, 5: self._memories,
            6: self._globals, 7: self._exports, 8: self._start, 9: self._elements, 10: self._code, 11: self._skip,
            12: self._skip, 13: self._tags,
        }  # fmt: skip
        last = -1
        while reader.left:
            kind = reader.byte()
            if kind not in readers:
                reader.fail(f"there is no section of kind {kind}")
            if kind:
                if ORDER.index(kind) <= last:
                    reader.fail(f"its {SECTIONS[kind]} is out of order")
                last = ORDER.index(kind)
            section = reader.window(reader.unsigned(), SECTIONS.get(kind, "custom section"))
            self.sections.append(kind)
            readers[kind](section)
            section.finish()
        if self._declared:
            reader.fail(f"{self._declared} functions have no body")

    def _custom(self, reader: Reader) -> None:
        name = reader.text()
        self.custom.append((name, reader.take(reader.left)))

    def _skip(self, reader: Reader) -> None:
        reader.take(reader.left)

    def _types(self, reader: Reader) -> None:
        def one() -> FuncType:
            if reader.byte() != 0x60:
                reader.fail("a type is not a function's")
            return FuncType(self._values(reader), self._values(reader))

        self.types = reader.vector(one)

    def _values(self, reader: Reader) -> bytes:
        values = reader.take(reader.count())
        if not set(values) <= VALUE_TYPES.keys():
            reader.fail("a value type is unknown")
        return values

    def _value(self, reader: Reader) -> int:
        value = reader.byte()
        if value not in VALUE_TYPES:
            reader.fail(f"value type {value:#x} is unknown")
        return value

    def _function(self, reader: Reader) -> FuncType:
        index = reader.unsigned()
        if index >= len(self.types):
            reader.fail(f"there is no type {index}")
        return self.types[index]

    def _limits(self, reader: Reader) -> Limits:
        flags = reader.byte()
        if flags > 7:
            reader.fail(f"limits have unknown flags {flags:#x}")
        bits = 64 if flags & 4 else 32
        return Limits(reader.unsigned(bits), reader.unsigned(bits) if flags & 1 else None, flags)

    def _table(self, reader: Reader) -> Limits:
        if self._value(reader) not in {0x70, 0x6F, 0x69}:
            reader.fail("a table's elements are not references")
        return self._limits(reader)

    def _global(self, reader: Reader) -> GlobalType:
        value, mutable = self._value(reader), reader.byte()
        if mutable > 1:
            reader.fail(f"mutability is {mutable}")
        return GlobalType(value, bool(mutable))

    def _tag(self, reader: Reader) -> FuncType:
        if reader.byte():
            reader.fail("a tag is not an exception's")
        return self._function(reader)

    def _imports(self, reader: Reader) -> None:
        readers = (self._function, self._table, self._limits, self._global, self._tag)

        def one() -> Import:
            module, name, kind = reader.text(), reader.text(), reader.byte()
            if kind >= len(KINDS):
                reader.fail(f"there is no kind {kind} of import")
            return Import(module, name, KINDS[kind], readers[kind](reader))

        self.imports = reader.vector(one)
        for item in self.imports:
            match item.type:
                case FuncType() as found:
                    (self.functions if item.kind == "func" else self.tags).append(found)
                case GlobalType() as found:
                    self.globals.append((found, None))
                case Limits() as found:
                    (self.tables if item.kind == "table" else self.memories).append(found)

    def _functions(self, reader: Reader) -> None:
        own = reader.vector(lambda: self._function(reader))
        self.functions += own
        self._declared = len(own)

    def _tables(self, reader: Reader) -> None:
        def one() -> Limits:
            if reader.left and reader.data[reader.position] == 0x40:
                reader.fail("a table has an initial value")
            return self._table(reader)

        self.tables += reader.vector(one)

    def _memories(self, reader: Reader) -> None:
        self.memories += reader.vector(lambda: self._limits(reader))

    def _tags(self, reader: Reader) -> None:
        self.tags += reader.vector(lambda: self._tag(reader))

    def _globals(self, reader: Reader) -> None:
        for _ in range(reader.count()):
            self.globals.append((self._global(reader), self._constant(reader)))

    def _exports(self, reader: Reader) -> None:
        items: dict[str, list[FuncType] | list[Limits] | list[GlobalType]] = {
            "func": self.functions, "table": self.tables, "memory": self.memories,
            "global": [kind for kind, _ in self.globals], "tag": self.tags,
        }  # fmt: skip
        for _ in range(reader.count()):
            name, kind, index = reader.text(), reader.byte(), reader.unsigned()
            if kind >= len(KINDS) or index >= len(items[KINDS[kind]]):
                reader.fail(f"export {name!r} is of nothing")
            if name in self.exports:
                reader.fail(f"export {name!r} comes twice")
            self.exports[name] = Export(name, KINDS[kind], index, items[KINDS[kind]][index])

    def _start(self, reader: Reader) -> None:
        self.start = self._function_index(reader)

    def _function_index(self, reader: Reader) -> int:
        index = reader.unsigned()
        if index >= len(self.functions):
            reader.fail(f"there is no function {index}")
        return index

    def _elements(self, reader: Reader) -> None:
        """https://webassembly.github.io/spec/core/binary/modules.html#element-section: flags 0 to 7."""
        for _ in range(reader.count()):
            flags = reader.unsigned()
            if flags > 7:
                reader.fail(f"an element segment has unknown flags {flags:#x}")
            active = not flags & 1
            table = reader.unsigned() if active and flags & 2 else 0
            offset = self._constant(reader) if active else None
            if flags & 3:
                reader.byte()  # the elements' kind or type
            if flags & 4:
                functions = reader.vector(lambda: self._reference(reader))
            else:
                functions = reader.vector(lambda: self._function_index(reader))
            if active and table == 0:
                if offset is None:
                    reader.fail("an element segment's offset is not of a form that linkers write")
                self.elements.append(Element(offset, tuple(functions)))

    def _reference(self, reader: Reader) -> int | None:
        """Read a constant expression that gives a function: `ref.func` or `ref.null`."""
        code = reader.byte()
        found = None
        if code == 0xD2:
            found = self._function_index(reader)
        elif code == 0xD0:
            reader.signed(33)
        else:
            reader.fail(f"an element's expression begins with {code:#x}")
        if reader.byte() != 0x0B:
            reader.fail("an element's expression does not end")
        return found

    def _constant(self, reader: Reader) -> Constant | None:
        """Read a constant expression; gives None if it is not a global plus a number."""
        stack: list[Constant | None] = []
        while (code := reader.byte()) != 0x0B:
            match code:
                case 0x41 | 0x42:
                    stack.append(Constant(None, reader.signed(32 if code == 0x41 else 64)))
                case 0x23:
                    stack.append(Constant(reader.unsigned(), 0))
                case 0x6A | 0x7C if len(stack) >= 2:
                    stack.append(_sum(stack.pop(), stack.pop()))
                case 0x6B | 0x6C | 0x7D | 0x7E if len(stack) >= 2:
                    del stack[-2:]
                    stack.append(None)
                case 0x43 | 0x44:
                    reader.take(4 if code == 0x43 else 8)
                    stack.append(None)
                case 0xD0:
                    reader.signed(33)
                    stack.append(None)
                case 0xD2:
                    reader.unsigned()
                    stack.append(None)
                case 0xFD:
                    if reader.unsigned() != 12:
                        reader.fail("a constant expression has a vector instruction")
                    reader.take(16)
                    stack.append(None)
                case _:
                    reader.fail(f"a constant expression has instruction {code:#x}")
        if len(stack) != 1:
            reader.fail("a constant expression has no value")
        return stack[0]

    def _code(self, reader: Reader) -> None:
        count = reader.count()
        if count != self._declared:
            reader.fail(f"there are {count} bodies for {self._declared} functions")
        self._declared = 0
        reader.take(reader.left)


def _sum(left: Constant | None, right: Constant | None) -> Constant | None:
    if left is None or right is None or (left.base is not None and right.base is not None):
        return None
    return Constant(left.base if left.base is not None else right.base, left.value + right.value)
