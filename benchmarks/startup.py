"""Start-up: `hatch-wasi run -c pass` against the native build python, and the import of a side module."""

import os
import sys
from functools import partial
from pathlib import Path

from bench import MODULE, build_wheel, hatch_wasi, interleave, make_project, run, scratch, table, toolchain

ROUNDS = 15
SOURCE = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
"""
IMPORT = "import time; began = time.perf_counter(); import bench._native; print(time.perf_counter() - began)"


def nothing(argv: list[object]) -> None:
    """Run a Python that has nothing to do."""
    run([*argv, "-c", "pass"])


def main() -> None:
    """Measure and print."""
    native = toolchain().python.build_python
    command = Path(sys.executable).with_name("hatch-wasi")
    with scratch() as folder:
        cases = {
            "native python -c pass": partial(nothing, [native]),
            "native python -I -S -c pass": partial(nothing, [native, "-I", "-S"]),
            "hatch-wasi run -c pass": partial(nothing, [command, "run"]),
        }
        table("Start-up, warm", interleave(cases, ROUNDS, warm=2), base="native python -c pass")
        wheel = build_wheel(make_project(folder / "project", {"native.c": SOURCE + MODULE}))
        hatch_wasi("install", "-q", wheel)
        own = partial(hatch_wasi, "run", "-c", IMPORT, cwd=folder)
        pure = partial(hatch_wasi, "run", "-c", IMPORT.replace("bench._native", "colorsys"), cwd=folder)
        cases = {
            "a small pure module of the stdlib (colorsys)": lambda: float(pure()),
            "a side module in a package": lambda: float(own()),
        }
        title = "Import, warm, by the guest's clock"
        table(title, interleave(cases, ROUNDS, warm=2), base="a small pure module of the stdlib (colorsys)")


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
