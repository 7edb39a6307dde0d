"""The bill of materials in a wheel that the hook made (PEP 770)."""

import hashlib
import importlib.metadata
import json
import subprocess
import zipfile

import bills
import pytest
from plain_module import MODULE

from hatch_wasi import __version__, bootstrap

pytestmark = pytest.mark.usefixtures("wasi")

EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\n'
CXX = """\
#include <pybind11/pybind11.h>
PYBIND11_MODULE(%s, module) { module.def("one", [] { return 1; }); }
"""
MIXED = (
    EXTENSION
    + """\
libraries = ["own"]
library-dirs = ["lib"]
[[{key}.extensions]]
name = "p.plus"
sources = ["src/p/plus.cpp"]
include-from = ["pybind11"]
[[{key}.extensions]]
name = "p.calm"
sources = ["src/p/calm.cpp"]
exceptions = false
[[{key}.extensions]]
name = "p.cy"
sources = ["src/p/cy.pyx"]
"""
)


def test_it_names_the_toolchain_with_versions_and_hashes(project, toolchain):
    wheel = project().wheel()
    bill, sdk = bills.of(wheel), toolchain.sdk
    assert bill["metadata"]["component"] | {"bom-ref": ""} == {
        "type": "library", "bom-ref": "", "name": "p", "version": "1", "purl": "pkg:pypi/p@1",
    }  # fmt: skip
    assert bill["metadata"]["tools"]["components"] == [
        {"type": "application", "name": "hatch-wasi", "version": __version__}
    ]
    versions = {item["bom-ref"]: item.get("version") for item in bill["components"]}
    module = "module-p/m.cpython-313-wasm32-wasi.so"
    assert versions == {
        "compiler-rt": sdk.llvm,
        "cpython": toolchain.python.version,
        "hatch-wasi": __version__,
        "llvm": sdk.llvm,
        module: None,
        "wasi-libc": sdk.wasi_libc,
        "wasi-sdk": sdk.version or sdk.id,
    }
    for ref in ("compiler-rt", "cpython", "llvm", "wasi-libc"):
        assert bills.sha256(bills.component(bill, ref))
    (builtins,) = bills.component(bill, "compiler-rt")["components"]
    assert bills.sha256(builtins) == hashlib.sha256(sdk.builtins.read_bytes()).hexdigest()
    scopes = {item["bom-ref"]: item["scope"] for item in bill["components"]}
    assert {ref for ref, scope in scopes.items() if scope == "required"} == {"compiler-rt", "hatch-wasi", module}
    assert bills.needs(bill, module) == {"compiler-rt", "cpython", "hatch-wasi", "wasi-libc"}
    assert bills.needs(bill, "wheel") == {module}
    assert "timestamp" not in bill["metadata"]


def test_each_module_says_what_is_in_it(project, toolchain, cache):
    made = project(MIXED)
    made.write("src/p/m.c", MODULE.format(leaf="m") + "int own(void);\nint use(void) { return own(); }\n")
    made.write("src/p/plus.cpp", CXX % "plus")
    made.write("src/p/calm.cpp", MODULE.format(leaf="calm").replace(', .m_name = "calm"', ', "calm"'))
    made.write("src/p/cy.pyx", "one = 1\n")
    made.write("lib/own.c", "int own(void) { return 1; }\n")
    for words in (
        [*toolchain.sdk.cc, "-fPIC", "-c", "own.c"],
        [toolchain.sdk.program("llvm-ar"), "rcs", "libown.a", "own.o"],
    ):
        subprocess.run(words, cwd=made.root / "lib", check=True)
    wheel = made.wheel()
    bill, cxx = bills.of(wheel), bootstrap.ready_cxx(cache, toolchain.sdk)
    suffix = ".cpython-313-wasm32-wasi.so"
    always = {"compiler-rt", "cpython", "hatch-wasi", "wasi-libc"}
    own = hashlib.sha256((made.root / "lib" / "libown.a").read_bytes()).hexdigest()
    archive = f"archive-libown.a-{own[:12]}"
    expected = {
        "m": {archive},
        "plus": {"libc++", "libc++abi", "libunwind"},
        "calm": {"libc++-noeh", "libc++abi-noeh"},
        "cy": set(),
    }
    with zipfile.ZipFile(wheel) as contents:
        for name, more in expected.items():
            ref = f"module-p/{name}{suffix}"
            assert bills.needs(bill, ref) == always | more
            digest = hashlib.sha256(contents.read(f"p/{name}{suffix}")).hexdigest()
            assert bills.sha256(bills.component(bill, ref)) == digest
    assert bills.sha256(bills.component(bill, archive)) == own
    for exceptions, mark in ((True, ""), (False, "-noeh")):
        for path in cxx.archives(exceptions=exceptions):
            found = bills.component(bill, {"libc++.a": "libc++", "libc++abi.a": "libc++abi"}.get(path.name, "libunwind") + mark)  # fmt: skip
            assert found["version"] == cxx.llvm
            assert bills.sha256(found) == hashlib.sha256(path.read_bytes()).hexdigest()
    headers = bills.component(bill, "pypi-pybind11")
    assert headers["purl"] == f"pkg:pypi/pybind11@{importlib.metadata.version('pybind11')}"
    assert bills.properties(headers)["part"] == "headers"
    assert "pypi-pybind11" in bills.needs(bill, "wheel")
    assert bills.tools(bill) == {name: importlib.metadata.version(name) for name in ("cython", "hatchling")}


def test_it_follows_the_version_and_the_date(project, monkeypatch):
    made = project()
    (made.root / "pyproject.toml").write_text(
        (made.root / "pyproject.toml").read_text().replace('version = "1"', 'dynamic = ["version"]')
        + '[tool.hatch.version]\npath = "src/p/__init__.py"\n'
    )  # fmt: skip
    made.write("src/p/__init__.py", '__version__ = "1.0"\n')
    first = bills.of(made.wheel())
    made.write("src/p/__init__.py", '__version__ = "1!2.0+a"\n')
    second = bills.of(made.wheel())
    assert [bill["metadata"]["component"]["purl"] for bill in (first, second)] == ["pkg:pypi/p@1.0", "pkg:pypi/p@1%212.0%2Ba"]  # fmt: skip
    assert first["serialNumber"] != second["serialNumber"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert bills.of(made.wheel())["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"


def test_it_is_there_when_nothing_is_built_again(project, commands):
    made = project()
    first = made.wheel().read_bytes()
    commands()
    assert made.wheel().read_bytes() == first
    assert commands() == []
    (made.root / ".hatch/wasi/cpython-313-wasm32-wasi" / "hatch-wasi.cdx.json").unlink()
    assert made.wheel().read_bytes() == first


def test_one_of_the_projects_own_stays(project):
    made = project()
    text = (made.root / "pyproject.toml").read_text()
    place = "[tool.hatch.build.targets.wheel]\n"
    (made.root / "pyproject.toml").write_text(text.replace(place, f'{place}sbom-files = ["own.cdx.json"]\n'))
    made.write("own.cdx.json", "{}")
    names = ["own.cdx.json", "hatch-wasi.cdx.json"]
    assert bills.places(made.wheel()) == [f"p-1.dist-info/sboms/{name}" for name in names]


def test_there_is_none_where_none_is_wanted_or_nothing_is_to_be_accounted_for(project, monkeypatch):
    made = project(settings="sbom = false")
    assert bills.places(made.wheel()) == []
    toml = made.root / "pyproject.toml"
    toml.write_text(toml.read_text().replace("sbom = false", "sbom = true"))
    assert len(bills.places(made.wheel())) == 1
    assert bills.places(made.wheel("editable")) == []
    toml.write_text(toml.read_text() + "marker = \"sys_platform == 'win32'\"\n")
    assert bills.places(made.wheel()) == []
    toml.write_text(toml.read_text().replace("marker", "# marker"))
    monkeypatch.setenv("HATCH_WASI_TARGET", "native")
    assert bills.places(made.wheel()) == []


def test_a_date_that_is_none(project, monkeypatch, capsys):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(SystemExit):
        project().wheel()
    assert "SOURCE_DATE_EPOCH must be a number of seconds since 1970, not 'yesterday'" in capsys.readouterr().err


def test_the_abi_is_in_it_as_the_module_says(project):
    made = project()
    bill = bills.of(made.wheel())
    about = bills.properties(bills.component(bill, "module-p/m.cpython-313-wasm32-wasi.so"))
    assert json.loads(about["abi"])["soabi"] == "cpython-313-wasm32-wasi"
