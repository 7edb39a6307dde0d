"""A module's bytes, section by section: to leave some out, or write one anew, without touching the others."""

from collections.abc import Callable, Sequence

from hatch_wasi.wasm.reader import Reader
from hatch_wasi.wasm.side_module import RUNTIME_PATH

__all__ = ["with_run_path", "without_custom"]

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


def with_run_path(data: bytes, name: str, places: Sequence[str]) -> bytes:
    """Give the side module `data`, of the file `name`, with `places` as its run path: where its libraries are looked for.

    Raises `MalformedWasm`.
    """
    reader = Reader(data, name)
    header = reader.take(HEADER + 1)
    section = reader.window(reader.unsigned(), "section")
    content = bytearray(_text(section.text()))
    while section.left:
        begin = section.position
        kind = section.byte()
        section.take(section.unsigned())
        if kind != RUNTIME_PATH:
            content += data[begin : section.position]
    part = _unsigned(len(places)) + b"".join(map(_text, places))
    content += bytes([RUNTIME_PATH]) + _unsigned(len(part)) + part
    return header + _unsigned(len(content)) + bytes(content) + data[reader.position :]


def _text(text: str) -> bytes:
    raw = text.encode()
    return _unsigned(len(raw)) + raw


def _unsigned(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
