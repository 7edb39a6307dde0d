"""A module as its sections, to change what no linker would write."""

from collections.abc import Iterable

HEADER = b"\0asm\x01\0\0\0"
EXPORT = 7

Sections = list[tuple[int, bytes]]


def leb(number: int) -> bytes:
    """An unsigned LEB128 number."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """Read such a number; gives it, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def split(data: bytes) -> Sections:
    """The sections of a good module."""
    at, found = len(HEADER), []
    while at < len(data):
        kind = data[at]
        size, at = number_at(data, at + 1)
        found.append((kind, data[at : at + size]))
        at += size
    return found


def join(sections: Iterable[tuple[int, bytes]]) -> bytes:
    return HEADER + b"".join(bytes([kind]) + leb(len(content)) + content for kind, content in sections)


def with_export(data: bytes, name: str, kind: int, index: int) -> bytes:
    """Let a module export one thing more."""

    def changed(content: bytes) -> bytes:
        count, at = number_at(content, 0)
        entry = leb(len(name)) + name.encode() + bytes([kind]) + leb(index)
        return leb(count + 1) + content[at:] + entry

    return join((section, changed(content) if section == EXPORT else content) for section, content in split(data))
