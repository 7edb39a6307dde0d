"""What the loader wants to know about a module, read once, when it is compiled, and kept beside its code.

Descriptions are plain dictionaries, lists and tuples, as marshal writes them.
"""

from typing import Any

from hatch_wasi.errors import MalformedWasm
from hatch_wasi.runtime.signature import FUNC, GLOBAL, MEMORY, TABLE, TAG, arity
from hatch_wasi.wasm.entities import Constant, Export, FuncType, GlobalType, Import
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.side_module import TLS, SideModule

__all__ = ["describe_main", "describe_side", "placed"]

KINDS = {"func": FUNC, "table": TABLE, "memory": MEMORY, "global": GLOBAL, "tag": TAG}


def describe_main(data: bytes) -> dict[str, Any]:
    """Describe python.wasm.

    `functions`: name -> (index, parameters, results); `data`: name -> address; `slots`: index of an exported function
    -> its slot in the table; `arity`: of each slot; `tags`: their names. Raises `MalformedWasm`.
    """
    module = Module(data, "python.wasm")
    slots: dict[int, int] = {}
    arities = bytearray(module.tables[0].minimum if module.tables else 0)
    for element in module.elements:
        if element.offset.base is not None or element.offset.value + len(element.functions) > len(arities):
            message = "python.wasm: malformed WebAssembly: an element segment does not fit its table"
            raise MalformedWasm(message)
        for slot, function in enumerate(element.functions, element.offset.value):
            if function is not None:
                slots[function] = slot
                arities[slot] = arity(module.functions[function].params, module.functions[function].results)
    functions = {}
    addresses = {}
    for name, item in module.exports.items():
        if isinstance(item.type, FuncType) and item.kind == "func":
            functions[name] = (item.index, item.type.params, item.type.results)
        elif item.kind == "global" and (value := _address(module, item)) is not None:
            addresses[name] = value
    return {
        "functions": functions,
        "data": addresses,
        "slots": {index: slots[index] for index, *_ in functions.values() if index in slots},
        "arity": bytes(arities),
        "tags": [name for name, item in module.exports.items() if item.kind == "tag"],
    }


def describe_side(data: bytes, name: str) -> dict[str, Any]:
    """Describe a side module.

    `memory`: size and alignment in bytes; `table`: the same in slots; `needed`; `runtime_path`;
    `imports`: (module, name, kind, a, b, weak) in order, where a and b are a function's or tag's parameters and results
    or a global's type and mutability; `functions`: name -> (index, parameters, results, slot from the table base or -1);
    `data`: name -> offset from the memory base; `arity`: of each of its slots; `abi`: what it was built for, or None.
    Raises `MalformedWasm`.
    """
    side = SideModule.parse(data, name)
    module, dylink = side.module, side.dylink
    arities = bytearray(dylink.table_size)
    slots = placed(side, arities)
    functions = {}
    offsets = {}
    for export, item in side.exports.items():
        if isinstance(item.type, FuncType) and item.kind == "func":
            functions[export] = (item.index, item.type.params, item.type.results, slots.get(item.index, -1))
        elif dylink.export_flags.get(export, 0) & TLS:
            continue
        elif item.kind == "global" and (value := _address(module, item)) is not None:
            offsets[export] = value
    return {
        "memory": (dylink.memory_size, dylink.memory_alignment),
        "table": (dylink.table_size, dylink.table_alignment),
        "needed": dylink.needed,
        "runtime_path": dylink.runtime_path,
        "imports": [_import(item, weak=side.is_weak(item)) for item in side.imports],
        "functions": functions,
        "data": offsets,
        "arity": bytes(arities),
        "abi": side.abi_note(),
    }


def _address(module: Module, item: Export) -> int | None:
    """Give the value of an exported data symbol: wasm-ld writes a constant (in side modules: from the memory base)."""
    match module.globals[item.index]:
        case (GlobalType(value=0x7F, mutable=False), Constant(base=None, value=value)):
            return value & 0xFFFFFFFF
        case _:
            return None


def placed(side: SideModule, arities: bytearray) -> dict[int, int]:
    """Give the slot, from the table base, of each function that the module puts into the table itself.

    Fills `arities`, one for each slot that it asks for. Raises `MalformedWasm`.
    """
    module = side.module
    imported = [(item.module, item.name) for item in module.imports if item.kind == "global"]
    slots: dict[int, int] = {}
    for element in module.elements:
        base = element.offset.base
        if base is None or base >= len(imported) or imported[base] != ("env", "__table_base"):
            message = f"{side.name} is not a side module: an element segment is not placed from __table_base"
            raise MalformedWasm(message)
        if not 0 <= element.offset.value <= len(arities) - len(element.functions):
            message = f"{side.name}: malformed WebAssembly: an element segment leaves the slots it asked for"
            raise MalformedWasm(message)
        for slot, function in enumerate(element.functions, element.offset.value):
            if function is not None:
                slots[function] = slot
                arities[slot] = arity(module.functions[function].params, module.functions[function].results)
    return slots


def _import(item: Import, *, weak: bool) -> tuple[Any, ...]:
    match item.type:
        case FuncType(params, results):
            return item.module, item.name, KINDS[item.kind], params, results, weak
        case GlobalType(value, mutable):
            return item.module, item.name, GLOBAL, value, mutable, weak
        case _:
            return item.module, item.name, KINDS[item.kind], 0, 0, weak
