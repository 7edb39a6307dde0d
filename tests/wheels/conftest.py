from collections.abc import Callable
from pathlib import Path

import pytest
from wasi_running import run_with_code_of_all_tests
from wheel_making import Lines, WheelMaker

from hatch_wasi import process
from hatch_wasi.cache import Cache
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wheels.install import Installation, open_wheels


@pytest.fixture
def make_wheel(tmp_path: Path) -> WheelMaker:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return WheelMaker(folder)


@pytest.fixture
def said() -> Lines:
    return Lines()


Install = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder that `install` installs into; its parent holds nothing else."""
    return tmp_path / "into" / "site"


@pytest.fixture
def install(tmp_path: Path, site: Path, wasi_python: WasiPython, said: Lines) -> Install:
    """Install wheel files into `site`."""

    def run(*wheels: Path, allow_abi_mismatch: bool = False) -> None:
        with open_wheels(wheels) as opened:
            Installation(
                site=site,
                python=wasi_python,
                cache=Cache(tmp_path / "cache"),
                console=said.console,
                run_wasi=run_with_code_of_all_tests,
                allow_abi_mismatch=allow_abi_mismatch,
            ).install(opened)

    return run


EXTENSION = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", "", -1, methods};
PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&definition); }
"""

SideModules = Callable[[str | None], bytes]


@pytest.fixture
def side_module(wasi_sdk: WasiSdk, wasi_python: WasiPython, tmp_path: Path) -> SideModules:
    """The side module `native`, compiled, with the given content of its ABI section (None: without one)."""

    def build(note: str | None) -> bytes:
        folder = tmp_path / "native"
        folder.mkdir(exist_ok=True)
        (folder / "native.c").write_text(EXTENSION)
        sources = [folder / "native.c"]
        if note is not None:
            escaped = note.replace("\\", "\\\\").replace('"', '\\"')
            (folder / "note.s").write_text(f'.section .custom_section.hatch_wasi.abi,"",@\n.ascii "{escaped}"\n')
            sources.append(folder / "note.s")
        link = (
            "-pie --import-memory --no-entry --unresolved-symbols=import-dynamic --experimental-pic --strip-debug "
            "--export-if-defined=__wasm_call_ctors --export=PyInit_native"
        )
        include = [f"-I{path}" for path in (wasi_python.include, wasi_python.include.parent)]
        emulated = [f"-D_WASI_EMULATED_{name}" for name in ("SIGNAL", "GETPID", "PROCESS_CLOCKS")]
        process.run(
            [*wasi_sdk.cc, "-fPIC", "-O1", *include, *emulated, *sources, "-nostdlib", "-o", folder / "native.so"]
            + [f"-Wl,{word}" for word in link.split()],
            what="the test's side module",
        )
        return (folder / "native.so").read_bytes()

    return build
