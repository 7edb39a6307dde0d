"""A module's bytes, section by section: to leave some out without touching the others."""

from collections.abc import Callable

from hatch_wasi.wasm.reader import Reader

__all__ = ["without_custom"]

HEADER = 8


def without_custom(data: bytes, name: str, unwanted: Callable[[str], bool]) -> bytes:
    """Give the module `data`, of the file `name`, without the custom sections whose names are `unwanted`.

    Custom sections may be anywhere and nothing refers to them by place. Raises `MalformedWasm`.
    """
    reader = Reader(data, name)
    kept = bytearray(reader.take(HEADER))
    while reader.left:
        begin = reader.position
        kind = reader.byte()
        section = reader.window(reader.unsigned(), "section")
        if kind or not unwanted(section.text()):
            kept += data[begin : reader.position]
    return bytes(kept)
