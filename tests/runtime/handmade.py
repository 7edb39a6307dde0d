"""Side modules out of WebAssembly text, such as no compiler writes."""

from collections.abc import Sequence

import wasmtime

HEADER = 8
ENV = """
  (import "env" "memory" (memory 0))
  (import "env" "__memory_base" (global $base i32))"""
THROWS = f"""{ENV}
  (import "env" "__cpp_exception" (tag $thrown (param i32)))
  (func (export "PyInit_it") (result i32) (throw $thrown (i32.const 4242)))"""


def leb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def name(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return leb(len(raw)) + raw


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + leb(len(content)) + content


def dylink(*, memory: int = 0, table: int = 0, needed: Sequence[str] = ()) -> bytes:
    sizes = b"".join(map(leb, (memory, 4, table, 0)))
    content = name("dylink.0") + b"\x01" + name(sizes)
    if needed:
        content += b"\x02" + name(leb(len(needed)) + b"".join(map(name, needed)))
    return section(0, content)


def side_module(text: str, *, after: bytes = b"", **sizes: object) -> bytes:
    """Assemble the fields of a module and put `dylink.0` before them, and `after` behind them."""
    data = bytes(wasmtime.wat2wasm(f"(module {text})"))
    return data[:HEADER] + dylink(**sizes) + data[HEADER:] + after
