"""A side module: WebAssembly in dynamic linking form, what a `.so` is on WASI.

https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md
"""

import json
import re
from dataclasses import dataclass, field

from hatch_wasi.errors import MalformedWasm
from hatch_wasi.wasm.entities import Export, Import
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.reader import Reader

__all__ = ["ABI_SECTION", "RUNTIME_PATH", "SHARED_OBJECT", "SIZE_LIMIT", "SideModule"]

ABI_SECTION = "hatch_wasi.abi"
"""Custom section with what a module was built with and for: a JSON object."""
SHARED_OBJECT = re.compile(r"\.so(\.\d+)*$")
"""Ends of the names of extension modules and libraries."""
SIZE_LIMIT = 1 << 30
"""Bytes of one side module; the largest of numpy's has 3 million."""
MEM_INFO, NEEDED, EXPORT_INFO, IMPORT_INFO, RUNTIME_PATH = 1, 2, 3, 4, 5
BINDING_WEAK = 0x01
"""`WASM_SYMBOL_BINDING_WEAK` (tool-conventions, Linking.md)."""
TLS = 0x100
"""`WASM_SYMBOL_TLS`: an offset in the thread-local block, not an address."""
ALIGNMENT_LIMIT = 24
"""Log2 of the largest alignment that is believed: 16 MiB."""


@dataclass(frozen=True, slots=True)
class Dylink:
    """The section `dylink.0`."""

    memory_size: int = 0
    """Bytes of data the loader provides."""
    memory_alignment: int = 1
    """In bytes."""
    table_size: int = 0
    """Table slots the loader provides."""
    table_alignment: int = 1
    """In slots."""
    needed: tuple[str, ...] = ()
    """Names of the libraries to load first."""
    export_flags: dict[str, int] = field(default_factory=dict)
    import_flags: dict[tuple[str, str], int] = field(default_factory=dict)
    """By module and name."""
    runtime_path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SideModule:
    """A side module, read."""

    name: str
    """The file, for error texts."""
    module: Module
    dylink: Dylink

    @classmethod
    def parse(cls, data: bytes, name: str) -> "SideModule":
        """Read `data`, which came from the file `name`. Raises `MalformedWasm`."""
        module = Module(data, name)
        if not module.custom or module.sections[0] != 0 or module.custom[0][0] != "dylink.0":
            message = f"{name} is not a side module: it does not begin with a dylink.0 section"
            raise MalformedWasm(message, hint="link it as one: hatch-wasi's build hook does, a plain clang does not")
        dylink = _dylink(Reader(module.custom[0][1], name, what="dylink.0 section"), len(data))
        for kind, items in (("table", module.tables), ("memory", module.memories)):
            if len(items) > module.imported(kind) or len(items) > 1:
                message = f"{name} is not a side module: it has a {kind} of its own"
                raise MalformedWasm(message)
        return cls(name=name, module=module, dylink=dylink)

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the libraries that must be loaded with it."""
        return self.dylink.needed

    @property
    def imports(self) -> list[Import]:
        """Everything it asks for, in the order in which it is given."""
        return self.module.imports

    @property
    def exports(self) -> dict[str, Export]:
        """What it gives, by name."""
        return self.module.exports

    @property
    def is_threaded(self) -> bool:
        """Tell whether it was compiled for several threads.

        Its thread-local variables then are in a block that each thread is given, and not in its data.
        https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#target-features-section
        """
        return b"+\x07atomics" in (self.custom("target_features") or b"")

    def custom(self, name: str) -> bytes | None:
        """Give the content of the custom section `name`, of the first if there are several."""
        return next((content for found, content in self.module.custom if found == name), None)

    def abi_note(self) -> dict[str, str | int] | None:
        """Read what it says that it was built with and for (PEP 816): `wasi_libc`, `soabi`, …; None if it says nothing.

        What is neither text nor a number does not count. Raises `MalformedWasm`.
        """
        content = self.custom(ABI_SECTION)
        if content is None:
            return None
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            message = f"{self.name}: its {ABI_SECTION} section cannot be read: {error}"
            raise MalformedWasm(message) from error
        if not isinstance(found, dict):
            message = f"{self.name}: its {ABI_SECTION} section cannot be read: it is no JSON object"
            raise MalformedWasm(message)
        return {key: value for key, value in found.items() if isinstance(value, str | int)}

    def is_weak(self, item: Import) -> bool:
        """Tell whether an import may stay undefined; wasm-ld files the flags of GOT entries under `env`."""
        flags = self.dylink.import_flags
        return bool((flags.get((item.module, item.name), 0) | flags.get(("env", item.name), 0)) & BINDING_WEAK)


def _dylink(reader: Reader, size: int) -> Dylink:
    found: dict[str, object] = {}
    while reader.left:
        kind = reader.byte()
        part = reader.window(reader.unsigned(), "dylink.0 section")
        if kind == MEM_INFO:
            found |= _memory(part, size)
        elif kind == NEEDED:
            found["needed"] = tuple(part.vector(part.text))
        elif kind == EXPORT_INFO:
            found["export_flags"] = {part.text(): part.unsigned() for _ in range(part.count())}
        elif kind == IMPORT_INFO:
            found["import_flags"] = {(part.text(), part.text()): part.unsigned() for _ in range(part.count())}
        elif kind == RUNTIME_PATH:
            found["runtime_path"] = tuple(part.vector(part.text))
        else:
            part.take(part.left)
        part.finish()
    return Dylink(**found)  # type: ignore[arg-type]


def _memory(reader: Reader, size: int) -> dict[str, int]:
    memory_size, memory_alignment, table_size, table_alignment = (reader.unsigned() for _ in range(4))
    if memory_alignment > ALIGNMENT_LIMIT or table_alignment > ALIGNMENT_LIMIT:
        reader.fail(f"an alignment is 2 to the power of {max(memory_alignment, table_alignment)}")
    # Each slot is filled by an element segment, with a byte or more for each.
    if table_size > size:
        reader.fail(f"{table_size} table slots are announced, more than the module has bytes")
    return {
        "memory_size": memory_size,
        "memory_alignment": 1 << memory_alignment,
        "table_size": table_size,
        "table_alignment": 1 << table_alignment,
    }
