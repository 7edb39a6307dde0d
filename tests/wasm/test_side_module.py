"""Side modules, made by hand and by a real linker."""

import subprocess
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hatch_wasi.errors import MalformedWasm
from hatch_wasi.wasm.sections import with_run_path
from hatch_wasi.wasm.side_module import SideModule

HEADER = b"\0asm\1\0\0\0"
SOURCE = r"""
extern int other(int), absent(void) __attribute__((weak));
extern int far_data;
_Alignas(64) char space[1000];
static int twice(int n) { return 2 * n; }
__attribute__((visibility("default"))) int shown = 4;
__attribute__((visibility("default"))) int (*pick(int n))(int) { return n + far_data ? twice : other; }
__attribute__((visibility("default"))) int probe(void) { return absent ? absent() : space[shown]; }
__asm__(".section .custom_section.hatch_wasi.abi,\"\",@\n.ascii \"{}\"\n");
"""


def custom(name: bytes, content: bytes) -> bytes:
    section = bytes([len(name)]) + name + content
    return b"\0" + bytes([len(section)]) + section


def dylink(content: bytes) -> bytes:
    return HEADER + custom(b"dylink.0", content)


@pytest.fixture(scope="module")
def linked(wasi_sdk, tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("side")
    for name, text in (("needed", "int far_data;"), ("module", SOURCE)):
        (folder / f"{name}.c").write_text(text)
        link = ["-nostdlib", "-shared", "-Wl,--no-entry,--unresolved-symbols=import-dynamic,--experimental-pic"]
        library = ["needed.so"] if name == "module" else []
        argv = [*wasi_sdk.cc, "-fPIC", "-O1", *link, f"{name}.c", *library, "-o", f"{name}.so"]
        subprocess.run(argv, check=True, cwd=folder, capture_output=True)
    return (folder / "module.so").read_bytes()


def test_linked_module(linked):
    side = SideModule.parse(linked, "module.so")
    assert side.needed == ("needed.so",)
    assert side.dylink.memory_size >= 1004
    assert side.dylink.memory_alignment == 64
    assert side.dylink.table_size >= 1
    assert {"shown": "global", "pick": "func", "probe": "func"}.items() <= {
        name: item.kind for name, item in side.exports.items()
    }.items()
    imported = {(item.module, item.name): item for item in side.imports}
    assert not side.is_weak(imported["GOT.func", "other"])
    assert side.is_weak(imported["GOT.func", "absent"])
    assert not side.is_weak(imported["GOT.mem", "far_data"])
    assert side.custom("hatch_wasi.abi") == b"{}"
    assert side.custom("nothing") is None


def test_sections_of_dylink():
    content = b"\x01\x04\x05\x03\x02\x01\x02\x09\x02\x04a.so\x02bc\x03\x05\x01\x01e\x80\x02"
    content += b"\x04\x08\x01\x03env\x01w\x01\x05\x09\x01\x07$ORIGIN\x77\x01!"
    found = SideModule.parse(dylink(content), "x.so").dylink
    assert (found.memory_size, found.memory_alignment, found.table_size, found.table_alignment) == (5, 8, 2, 2)
    assert found.needed == ("a.so", "bc")
    assert found.export_flags == {"e": 256}
    assert found.import_flags == {("env", "w"): 1}
    assert found.runtime_path == ("$ORIGIN",)


@pytest.mark.parametrize("places", [("$ORIGIN/x",), ("$ORIGIN/" + "long/" * 50, "é"), ()])
def test_a_run_path_takes_the_place_of_another(linked, places):
    before = SideModule.parse(linked, "m.so")
    once = with_run_path(linked, "m.so", ["$ORIGIN/old", "$ORIGIN/older"])
    after = SideModule.parse(with_run_path(once, "m.so", places), "m.so")
    assert after.dylink == replace(before.dylink, runtime_path=places)
    assert after.module.custom[1:] == before.module.custom[1:]
    assert list(after.exports) == list(before.exports)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEADER, "x.so is not a side module: it does not begin with a dylink.0 section"),
        (HEADER + custom(b"name", b""), "does not begin with a dylink.0 section"),
        (HEADER + b"\x01\x01\x00" + custom(b"dylink.0", b""), "does not begin with a dylink.0 section"),
        (dylink(b"\x01\x05\x05\x03\x02\x01\x00"), "1 bytes too many"),
        (dylink(b"\x01\x04\x05\x19\x02\x01"), "an alignment is 2 to the power of 25"),
        (dylink(b"\x01\x08\x05\x03\xff\xff\xff\xff\x0f\x01"), "4294967295 table slots are announced"),
        (dylink(b"\x02\x02\xff\x01"), "ends early|announced"),
        (dylink(b"\x01\x7f"), "claims 127 bytes and 0 are left"),
        (dylink(b"") + b"\x05\x03\x01\x00\x01", "x.so is not a side module: it has a memory of its own"),
        (dylink(b"") + b"\x04\x04\x01\x70\x00\x05", "x.so is not a side module: it has a table of its own"),
    ],
)
def test_what_is_no_side_module(data, reason):
    with pytest.raises(MalformedWasm, match=reason):
        SideModule.parse(data, "x.so")


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_and_bit_flipped_linked_module(linked, data):
    flipped = bytearray(linked)
    for bit in data.draw(st.lists(st.integers(0, len(linked) * 8 - 1), min_size=1, max_size=5)):
        flipped[bit // 8] ^= 1 << bit % 8
    for changed in (bytes(flipped), linked[: data.draw(st.integers(0, len(linked)))]):
        try:
            SideModule.parse(changed, "module.so")
        except MalformedWasm as error:
            assert error.message.startswith("module.so")  # noqa: PT017 - either outcome is right
