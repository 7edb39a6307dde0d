"""The installed tree: what it holds, what it does not name, and that it runs by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.cpython.recipe import recipe_id
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.module import Module


def test_the_layout(wasi_python: WasiPython, wasi_sdk: WasiSdk) -> None:
    root = wasi_python.root
    assert root.name == f"{wasi_python.version}-{wasi_sdk.id}-{recipe_id()}"
    assert wasi_python.wasm.is_file()
    assert (wasi_python.include / "Python.h").is_file()
    assert (wasi_python.include / "pyconfig.h").is_file()
    assert list((wasi_python.stdlib / "lib-dynload").iterdir()) == []
    assert list((wasi_python.stdlib / "site-packages").iterdir()) == []
    assert (wasi_python.stdlib / "__pycache__" / "os.cpython-313.pyc").is_file()
    assert not (wasi_python.stdlib / "test").exists()
    assert (root / "static" / "libpython3.13.a").is_file()


def test_nothing_names_the_machine_that_built_it(wasi_python: WasiPython, cache: Cache) -> None:
    """A Nix build was once refused for one such path."""
    marks = [os.fsencode(cache.root) + b"/", b"/.partial-", os.fsencode(Path.home()) + b"/."]
    for path in wasi_python.root.rglob("*"):
        if path.is_symlink():
            assert not path.readlink().is_absolute(), path
        elif path.is_file():
            data = path.read_bytes()
            assert not any(mark in data for mark in marks), path


def test_the_interpreter_carries_no_debug_information(wasi_python: WasiPython) -> None:
    module = Module(wasi_python.wasm.read_bytes(), "python.wasm")
    assert not [name for name, _ in module.custom if name.startswith(".debug")]


@pytest.mark.parametrize(
    "symbol",
    ["PyObject_Call", "PyExc_ValueError", "malloc", "strtok", "qsort", "erf", "strtold", "mmap", "raise", "getpid",
     "times", "pthread_cond_broadcast", "gzopen64", "BZ2_bzRead", "lzma_auto_decoder", "sqlite3_open_v2", "__multi3", "__stack_pointer", "__indirect_function_table", "memory",
     "hatch_wasi_dl", "hatch_wasi_signals"],
)  # fmt: skip
def test_extensions_find_what_they_need(wasi_python: WasiPython, symbol: str) -> None:
    assert symbol in Module(wasi_python.wasm.read_bytes(), "python.wasm").exports


def test_it_imports_wasi_alone(wasi_python: WasiPython) -> None:
    """So it runs on every stock runtime; loading extensions is the embedder's offer."""
    module = Module(wasi_python.wasm.read_bytes(), "python.wasm")
    assert {imported.module for imported in module.imports} == {"wasi_snapshot_preview1"}


# Frozen modules alone: no stdlib is mounted here.
LOAD = """
import _frozen_importlib as f, _frozen_importlib_external as e
try:
    e.ExtensionFileLoader("x", "/x.so").create_module(f.ModuleSpec("x", None, origin="/x.so"))
except ImportError as error:
    print(error)
"""


def test_it_runs_without_a_loader_and_says_what_has_one(wasi_python: WasiPython) -> None:
    """On any engine: wasmtime knows nothing of the loader here."""
    assert trial.run_command(wasi_python.wasm, ["-V"]) == (0, f"Python {wasi_python.version}\n")
    said = "/x.so: this runtime has no loader for extension modules; run Python by `hatch-wasi run`\n"
    assert trial.run_command(wasi_python.wasm, ["-I", "-S", "-c", LOAD]) == (0, said)


def test_the_wrapper_runs_it(wasi_python: WasiPython, tmp_path: Path) -> None:
    link = tmp_path / "bin"
    link.mkdir()
    (link / "hatch-wasi").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hatch_wasi "$@"\n')
    (link / "hatch-wasi").chmod(0o755)
    script = wasi_python.root / "bin" / "python3.13"
    env = {**os.environ, "PATH": f"{link}:/usr/bin:/bin"}
    done = subprocess.run(
        [script, "-c", "import sys; print(sys.platform, sys.argv[1:])", "a b", "-v"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "wasi ['a b', '-v']\n"
    env["PATH"] = "/usr/bin:/bin"
    done = subprocess.run([script, "-V"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert "pip install 'hatch-wasi[run]'" in done.stderr
