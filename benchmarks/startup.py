"""Start-up: `hatch-wasi run -c pass` against the native build python, and the import of a side module."""

import os
import sys
from functools import partial
from pathlib import Path

from bench import (
    MODULE,
    Case,
    build_python,
    build_wheel,
    hatch_wasi,
    interleave,
    make_project,
    run,
    scratch,
    table,
    toolchain,
)

ROUNDS = 15
SOURCE = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
"""
IMPORT = "import time; {}; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"


def nothing(argv: list[object]) -> None:
    """Run a Python that has nothing to do."""
    run([*argv, "-c", "pass"])


def main() -> None:
    """Measure and print."""
    native = build_python(toolchain())
    command = Path(sys.executable).with_name("hatch-wasi")
    with scratch() as folder:
        cases: dict[str, Case] = {
            "native python -c pass": partial(nothing, [native]),
            "native python -I -S -c pass": partial(nothing, [native, "-I", "-S"]),
            "hatch-wasi run -c pass": partial(nothing, [command, "run"]),
        }
        table("Start-up, warm", interleave(cases, ROUNDS, warm=2), base="native python -c pass")
        for name in ("bench", "bench2"):
            project = make_project(folder / name, {"native.c": SOURCE + MODULE}, name=name)
            hatch_wasi("install", "-q", build_wheel(project))

        def timed(before: str, module: str) -> float:
            return float(hatch_wasi("run", "-c", IMPORT.format(before, module), cwd=folder))

        first = "the first side module, the host's loader included"
        imports: dict[str, Case] = {
            first: partial(timed, "import bench", "bench._native"),
            "each next side module": partial(timed, "import bench._native, bench2", "bench2._native"),
            "a small pure module (colorsys)": partial(timed, "pass", "colorsys"),
        }
        table("Import, warm, by the guest's clock", interleave(imports, ROUNDS, warm=2), base=first)


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
