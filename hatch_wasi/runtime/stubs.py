"""Functions made at run time that jump to whatever a table slot holds when they are called.

A module can be given another's function before that one exists: its own, which it imports by name (weak definitions
under `-shared`), or one of a library that needs this module in turn.
"""

__all__ = ["jump_module"]


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


def jump_module(parameters: bytes, results: bytes, slot: int) -> bytes:
    """Give a module that imports the table as `e.t` and exports `f`, which calls what is in `slot`."""
    arguments = b"".join(b"\x20" + _number(index) for index in range(len(parameters)))
    # no locals; local.get 0 … n-1; i32.const slot; call_indirect (type 0) (table 0); end
    body = b"\0" + arguments + b"\x41" + _signed(slot) + b"\x11\0\0\x0b"
    kind = b"\x60" + _name(parameters) + _name(results)
    return b"\0asm\x01\0\0\0" + b"".join(
        (
            _section(1, [kind]),
            _section(2, [_name(b"e") + _name(b"t") + b"\x01\x70\0\0"]),
            _section(3, [b"\0"]),
            _section(7, [_name(b"f") + b"\0\0"]),
            _section(10, [_number(len(body)) + body]),
        )
    )
