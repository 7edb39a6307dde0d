"""Small modules made at run time, for functions whose types only C's compiler knew: what libffi would write as machine code.

A function's type is `(parameters, results)` here, value types as a module writes them; at most one result.
"""

from hatch_wasi.runtime.stubs import I32, TABLE_TYPE, _kind, _module, _name, _number, _section

__all__ = ["call_module", "closure_module", "copy_module"]

TABLE = _name(b"e") + _name(b"t") + b"\x01" + TABLE_TYPE + b"\0"
MEMORY = _name(b"e") + _name(b"m") + b"\x02\0\0"
STACK = _name(b"e") + _name(b"s") + b"\x03" + I32 + b"\x01"
EXPORT = _name(b"f") + b"\0\0"
# i32, i64, f32, f64.
LOADS = {0x7F: b"\x28\x02", 0x7E: b"\x29\x03", 0x7D: b"\x2a\x02", 0x7C: b"\x2b\x03"}
STORES = {0x7F: b"\x36\x02", 0x7E: b"\x37\x03", 0x7D: b"\x38\x02", 0x7C: b"\x39\x03"}
WIDTH = 8
"""Bytes that each argument and the result have in memory, whatever their type."""


def call_module(parameters: bytes, results: bytes) -> bytes:
    """Give a module whose `f(function, arguments, result)` calls the function in that slot of the table `e.t`.

    It gives 1, or 0, without a call, where the slot holds no function of exactly this type. The arguments are in the
    memory `e.m`, and the result goes there. To look at a function's type is an instruction of the garbage collection
    proposal; wasmtime has it, and nothing else runs this.
    """
    is_slot = b"\x20\0" + b"\xfc\x10\0" + b"\x4f"  # function >= size of the table
    is_other = b"\x20\0" + b"\x25\0" + b"\xfb\x14\0" + b"\x45"  # not (table[function] is of type 0)
    leave = b"\x04\x40\x41\0\x0f\x0b"  # if return 0
    code = is_slot + leave + is_other + leave
    code += b"\x20\x02" if results else b""
    for index, kind in enumerate(parameters):
        code += b"\x20\x01" + LOADS[kind] + _number(WIDTH * index)
    code += b"\x20\0" + b"\x11\0\0"
    code += STORES[results[0]] + b"\0" if results else b""
    return _module(
        _section(1, [_kind(parameters, results), _kind(I32 * 3, I32)]),
        _section(2, [TABLE, MEMORY]),
        _section(3, [b"\x01"]),
        _section(7, [EXPORT]),
        _section(10, [_code(b"\0" + code + b"\x41\x01")]),
    )


def closure_module(parameters: bytes, results: bytes, handler: int, values: list[int], slot: int) -> bytes:
    """Give a module that puts functions of this type into the table `e.t` from `slot` on, one for each of `values`.

    Each calls what is in slot `handler` with its value, the address of its arguments, and where the result is to go:
    they are on the stack in the memory `e.m`, whose pointer is `e.s`.
    """
    size = -(-WIDTH * (len(parameters) + 1) // 16) * 16
    pointer = len(parameters)  # the first local after them
    begin = b"\x23\0" + _constant(size) + b"\x6b\x22" + _number(pointer) + b"\x24\0"
    for index, kind in enumerate(parameters):
        begin += b"\x20" + _number(pointer) + b"\x20" + _number(index) + STORES[kind] + _number(WIDTH * index)
    frame = b"\x20" + _number(pointer)
    end = frame + _constant(WIDTH * len(parameters)) + b"\x6a" + _constant(handler) + b"\x11\x01\0"
    end += frame + LOADS[results[0]] + _number(WIDTH * len(parameters)) if results else b""
    end += frame + _constant(size) + b"\x6a\x24\0"
    bodies = [_code(b"\x01\x01" + I32 + begin + _constant(value) + frame + end) for value in values]
    functions = [_number(index) for index in range(len(values))]
    place = b"\0" + _constant(slot) + b"\x0b" + _number(len(functions)) + b"".join(functions)
    return _module(
        _section(1, [_kind(parameters, results), _kind(I32 * 3, b"")]),
        _section(2, [TABLE, MEMORY, STACK]),
        _section(3, [b"\0"] * len(values)),
        _section(9, [place]),
        _section(10, bodies),
    )


def copy_module() -> bytes:
    """Give a module whose `f(to, from)` copies what is in a slot of the table `e.t` to another."""
    return _module(
        _section(1, [_kind(I32 * 2, b"")]),
        _section(2, [TABLE]),
        _section(3, [b"\0"]),
        _section(7, [EXPORT]),
        _section(10, [_code(b"\0" + b"\x20\0\x20\x01\x25\0\x26\0")]),
    )


def _code(content: bytes) -> bytes:
    """Write a function: `content` is its locals and instructions, but for the end."""
    return _number(len(content) + 1) + content + b"\x0b"


def _constant(value: int) -> bytes:
    """Push an i32, given as an unsigned number."""
    value = value - (1 << 32) if value >> 31 else value
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return b"\x41" + bytes(out)
