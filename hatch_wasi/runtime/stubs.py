"""Small modules made at run time: functions that jump to whatever a table slot holds when they are called.

So a module can be given a function before that one exists: its own, which it imports by name (weak definitions under
`-shared`), one of a library that needs this module in turn, or one that needs the module's memory.
"""

__all__ = ["forward_module", "guard_module", "jump_module", "probe_module", "stdin_module"]

I32 = b"\x7f"
TABLE_TYPE = b"\x70\0"
"""`(table 0 funcref)`, before the number of slots."""


def _number(value: int) -> bytes:
    """Write an unsigned LEB128 number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _signed(value: int) -> bytes:
    """Write a signed LEB128 number, of one that is not negative."""
    out = _number(value)
    return out if out[-1] < 0x40 else out[:-1] + bytes([out[-1] | 0x80, 0])


def _section(kind: int, items: list[bytes]) -> bytes:
    content = _number(len(items)) + b"".join(items)
    return bytes([kind]) + _number(len(content)) + content


def _name(text: bytes) -> bytes:
    return _number(len(text)) + text


def _module(*sections: bytes) -> bytes:
    return b"\0asm\x01\0\0\0" + b"".join(sections)


def _kind(parameters: bytes, results: bytes) -> bytes:
    return b"\x60" + _name(parameters) + _name(results)


def _body(code: bytes) -> bytes:
    """Write a function body without locals."""
    content = b"\0" + code + b"\x0b"
    return _section(10, [_number(len(content)) + content])


def _locals(count: int) -> bytes:
    """Push the first `count` parameters."""
    return b"".join(b"\x20" + _number(index) for index in range(count))


def _call_slot(count: int, slot: int) -> bytes:
    """Call what is in `slot` of table 0 with the first `count` parameters, as a function of type 0."""
    return _locals(count) + b"\x41" + _signed(slot) + b"\x11\0\0"


def jump_module(parameters: bytes, results: bytes, slot: int) -> bytes:
    """Give a module that imports the table as `e.t` and exports `f`, which calls what is in `slot`."""
    return _module(
        _section(1, [_kind(parameters, results)]),
        _section(2, [_name(b"e") + _name(b"t") + b"\x01" + TABLE_TYPE + b"\0"]),
        _section(3, [b"\0"]),
        _section(7, [_name(b"f") + b"\0\0"]),
        _body(_call_slot(len(parameters), slot)),
    )


def probe_module() -> bytes:
    """Return a module that imports a function `e.f`, which gives a v128."""
    return _module(_section(1, [_kind(b"", b"\x7b")]), _section(2, [_name(b"e") + _name(b"f") + b"\0\0"]))


def forward_module() -> bytes:
    """Give a module with a table `t` of one slot and `f`, which calls what is there, a function as `fd_read` is."""
    return _module(
        _section(1, [_kind(I32 * 4, I32)]),
        _section(3, [b"\0"]),
        _section(4, [TABLE_TYPE + b"\x01"]),
        _section(7, [_name(b"t") + b"\x01\0", _name(b"f") + b"\0\0"]),
        _body(_call_slot(4, 0)),
    )


def stdin_module() -> bytes:
    """Give a module whose `f` is `fd_read`: of descriptor 0 by the import `e.r`, of others by the import `e.o`.

    It imports the memory as `e.m` and exports it as `memory`, which is where WASI's functions look for their caller's.
    """
    body = _locals(1) + b"\x45\x04" + I32 + _locals(4)[2:] + b"\x10\x01" + b"\x05" + _locals(4) + b"\x10\0" + b"\x0b"
    return _module(
        _section(1, [_kind(I32 * 4, I32), _kind(I32 * 3, I32)]),
        _section(
            2,
            [
                _name(b"e") + _name(b"m") + b"\x02\0\0",
                _name(b"e") + _name(b"o") + b"\0\0",
                _name(b"e") + _name(b"r") + b"\0\x01",
            ],
        ),
        _section(3, [b"\0"]),
        _section(7, [_name(b"memory") + b"\x02\0", _name(b"f") + b"\0\x02"]),
        _body(body),
    )


def guard_module() -> bytes:
    """Give a module whose `f` calls the function `e.f` and gives its i32; if that throws, what `e.c` makes of it.

    It imports the stack pointer as `e.s`, which it puts back, and the exception's tag, of one i32, as `e.x`.
    """
    caught = b"\x02" + I32 + b"\x1f\x40\x01\0\0\0" + b"\x10\0\x0f\x0b" + b"\0\x0b"  # block, try_table catching to it
    code = b"\x23\0\x21\0" + caught + b"\x20\0\x24\0" + b"\x10\x01" + b"\x0b"
    content = b"\x01\x01" + I32 + code
    return _module(
        _section(1, [_kind(b"", I32), _kind(I32, b""), _kind(I32, I32)]),
        _section(
            2,
            [
                _name(b"e") + _name(b"s") + b"\x03" + I32 + b"\x01",
                _name(b"e") + _name(b"x") + b"\x04\0\x01",
                _name(b"e") + _name(b"f") + b"\0\0",
                _name(b"e") + _name(b"c") + b"\0\x02",
            ],
        ),
        _section(3, [b"\0"]),
        _section(7, [_name(b"f") + b"\0\x02"]),
        _section(10, [_number(len(content)) + content]),
    )
