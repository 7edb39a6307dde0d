"""Whole modules: what is read of them, and what is no module."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hatch_wasi.errors import MalformedWasm
from hatch_wasi.wasm.entities import Constant, Element, FuncType, GlobalType
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.side_module import SideModule

HEADER = b"\0asm\1\0\0\0"


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind, len(content)]) + content


TYPES = section(1, b"\x02\x60\x02\x7f\x7e\x01\x7f\x60\x00\x00")
IMPORTS = section(2, b"\x03\x03env\x01f\x00\x00\x03env\x0c__table_base\x03\x7f\x00\x03env\x01m\x02\x00\x01")
FUNCTIONS = section(3, b"\x02\x00\x01")
TABLES = section(4, b"\x01\x70\x00\x05")
GLOBALS = section(6, b"\x01\x7f\x00\x41\x2a\x0b")
EXPORTS = section(7, b"\x02\x04main\x00\x01\x01d\x03\x01")
START = section(8, b"\x02")
ELEMENTS = section(9, b"\x01\x00\x23\x00\x41\x02\x6a\x0b\x01\x01")
CODE = section(10, b"\x02\x02\x00\x0b\x02\x00\x0b")
CUSTOM = section(0, b"\x04note!")
WHOLE = HEADER + TYPES + IMPORTS + FUNCTIONS + TABLES + GLOBALS + EXPORTS + START + ELEMENTS + CODE + CUSTOM


def test_everything_is_read():
    module = Module(WHOLE, "x.wasm")
    binary, empty = FuncType(b"\x7f\x7e", b"\x7f"), FuncType(b"", b"")
    assert module.types == [binary, empty]
    assert [(item.module, item.name, item.kind) for item in module.imports] == [
        ("env", "f", "func"), ("env", "__table_base", "global"), ("env", "m", "memory"),
    ]  # fmt: skip
    assert module.functions == [binary, binary, empty]
    assert module.globals == [(GlobalType(0x7F, False), None), (GlobalType(0x7F, False), Constant(None, 42))]
    assert {name: (item.kind, item.index) for name, item in module.exports.items()} == {
        "main": ("func", 1),
        "d": ("global", 1),
    }
    assert module.start == 2
    assert module.elements == [Element(Constant(0, 2), (1,))]
    assert module.custom == [("note", b"!")]
    assert str(binary) == "(i32, i64) -> (i32)"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin"),
        (b"\0asm\x0d\0\x01\0", "not a core module"),
        (HEADER + b"\x0e\x00", "no section of kind 14"),
        (HEADER + FUNCTIONS, "there is no type 0"),
        (HEADER + TYPES + TYPES, "type section is out of order"),
        (HEADER + TABLES + TYPES, "type section is out of order"),
        (HEADER + TYPES + FUNCTIONS, "2 functions have no body"),
        (HEADER + TYPES + CODE, "2 bodies for 0 functions"),
        (HEADER + TYPES[:-1], "type section claims 10 bytes and 9 are left"),
        (HEADER + b"\x01\x0b" + TYPES[2:] + b"\0", "1 bytes too many"),
        (HEADER + b"\x01\x03\x01\x60\x01", "elements are announced"),
        (HEADER + b"\x01\x05\x01\x60\x01\x63\x00", "a value type is unknown"),
        (HEADER + b"\x01\x03\x01\x5f\x00", "a type is not a function's"),
        (HEADER + b"\x02\x06\x01\x00\x00\x05\x00\x00", "no kind 5 of import"),
        (HEADER + b"\x05\x03\x01\x08\x01", "unknown flags"),
        (HEADER + b"\x06\x04\x01\x7f\x02\x0b", "mutability is 2"),
        (HEADER + b"\x06\x05\x01\x7f\x00\x01\x0b", "instruction 0x1"),
        (HEADER + b"\x06\x04\x01\x7f\x00\x0b", "has no value"),
        (HEADER + b"\x07\x05\x01\x01x\x00\x00", "export 'x' is of nothing"),
        (HEADER + GLOBALS + b"\x07\x09\x02\x01x\x03\x00\x01x\x03\x00", "export 'x' comes twice"),
        (HEADER + b"\x08\x01\x00", "there is no function 0"),
        (HEADER + b"\x09\x02\x01\x08", "unknown flags 0x8"),
        (HEADER + b"\x09\x05\x01\x05\x70\x01\xff", "begins with 0xff"),
        (HEADER + b"\x00\x02\x01\xff", "not UTF-8"),
    ],
)
def test_what_is_no_module(data, reason):
    with pytest.raises(MalformedWasm, match=reason) as caught:
        Module(data, "x.wasm")
    assert caught.value.message.startswith("x.wasm: malformed WebAssembly: ")


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_arbitrary_sections_never_do_anything_else(data):
    for parse in (Module, SideModule.parse):
        try:
            parse(HEADER + data, "x")
        except MalformedWasm:
            continue


@given(st.integers(0, len(WHOLE) * 8 - 1), st.integers(0, len(WHOLE)))
@settings(max_examples=500, deadline=None)
def test_truncated_and_bit_flipped_module(bit, size):
    flipped = bytearray(WHOLE)
    flipped[bit // 8] ^= 1 << bit % 8
    for data in (bytes(flipped), WHOLE[:size]):
        try:
            Module(data, "x")
        except MalformedWasm:
            continue
