"""Numbers, names and vectors, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hatch_wasi.errors import MalformedWasm
from hatch_wasi.wasm.reader import Reader


def unsigned(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def signed(value: int) -> bytes:
    out = bytearray()
    while True:
        low = value & 0x7F
        value >>= 7
        done = (value == 0 and not low & 0x40) or (value == -1 and low & 0x40)
        out.append(low | (0 if done else 0x80))
        if done:
            return bytes(out)


@given(st.integers(0, 2**32 - 1))
def test_unsigned_numbers(value):
    reader = Reader(unsigned(value), "x")
    assert reader.unsigned() == value
    reader.finish()


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers(value):
    reader = Reader(signed(value), "x")
    assert reader.signed(64) == value
    reader.finish()


@pytest.mark.parametrize(
    ("data", "bits"),
    [(b"\xff\xff\xff\xff\x1f", 32), (b"\x80\x80\x80\x80\x80\x00", 32), (b"\xff\xff\xff\xff\xff", 32), (b"\x80", 32)],
)
def test_unsigned_numbers_out_of_range(data, bits):
    with pytest.raises(MalformedWasm, match=r"number|ends early"):
        Reader(data, "x").unsigned(bits)


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x80\x00", b"\x80\x80\x80\x80\x77", b""])
def test_signed_numbers_out_of_range(data):
    with pytest.raises(MalformedWasm, match=r"number|ends early"):
        Reader(data, "x").signed(32)


def test_counts_are_bounded_by_what_is_left():
    with pytest.raises(MalformedWasm, match="4294967295 elements are announced and 2 bytes are left"):
        Reader(b"\xff\xff\xff\xff\x0f\0\0", "x").vector(list)


def test_names_must_be_utf8():
    assert Reader(b"\x02\xc3\xa9", "x").text() == "é"
    with pytest.raises(MalformedWasm, match="not UTF-8"):
        Reader(b"\x01\xff", "x").text()


def test_error_names_file_part_and_position():
    reader = Reader(b"\0" * 4, "spam.so", what="import section")
    reader.take(3)
    with pytest.raises(MalformedWasm) as caught:
        reader.take(2)
    assert caught.value.message == (
        "spam.so: malformed WebAssembly: 2 bytes are announced and 1 are left (in its import section, at byte 3)"
    )


def test_windows_do_not_leak():
    reader = Reader(bytes(range(10)), "x")
    window = reader.window(4, "part")
    assert window.take(4) == bytes(range(4))
    with pytest.raises(MalformedWasm, match="ends early"):
        window.byte()
    assert reader.byte() == 4
    with pytest.raises(MalformedWasm, match="part claims 6 bytes and 5 are left"):
        reader.window(6, "part")
