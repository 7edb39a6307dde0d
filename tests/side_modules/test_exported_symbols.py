"""Which names are exported. What objects define is tested with real ones: tests/disguise and tests/plugin."""

from pathlib import Path

import pytest

from hatch_wasi.side_modules import exports


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("m", ["PyInit_m", "PyModExport_m"]),
        ("p.q._m", ["PyInit__m", "PyModExport__m"]),
        ("p.lančmít", ["PyInitU_lanmt_2sa6t", "PyModExportU_lanmt_2sa6t"]),  # PEP 489's own example
        ("スパム", ["PyInitU_zck5b2b", "PyModExportU_zck5b2b"]),
        ("p.q.__init__", ["PyInit_q", "PyInit___init__", "PyModExport_q", "PyModExport___init__"]),
        ("__init__", ["PyInit___init__", "PyModExport___init__"]),
    ],
)
def test_functions_that_initialize_a_module(name: str, functions: list[str]) -> None:
    assert exports.init_functions(name) == functions
    assert all(map(exports.is_init, functions))


def test_names_of_cxx_are_left_out_of_very_many() -> None:
    names = [f"_Z8mangled_{number:06}v" for number in range(50_000)]
    assert len(exports.words(["plain", *names[:100]])) == 101
    assert exports.words(["plain", *names, "plain"]) == ["-Wl,--export-if-defined=plain"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0asm", b"\x7fELF" + bytes(100), b"\0asm\1\0\0\0\0", b"\0asm\1\0\0\0\0\xff\xff\xff\x7f\7linking\2\x08\xff",
        b"!<arch>\n", b"!<arch>\nx", b"!<arch>\n" + b"a.o/".ljust(48) + b"no size   `\n", b"!<thin>\n" + b"/9".ljust(48) + b"5         `\n",
    ],
)  # fmt: skip
def test_what_is_no_object_has_no_symbols(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert exports.symbols([str(tmp_path / "x"), str(tmp_path / "not there")]) == []
