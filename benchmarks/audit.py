"""Auditing a large wheel, beside what only tests its checksums, and beside auditwheel on a native wheel.

Usage: audit.py [--wheel WHEEL] [--auditwheel PROGRAM NATIVE-WHEEL]. Without a wheel one of 19 real modules, 10 MB, is made.
`pip install auditwheel` gives the program; the native wheel is best the same project's for manylinux.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from bench import MODULE, Case, hatch_wasi, interleave, run, scratch, table, toolchain
from build import sources
from wheel.wheelfile import WheelFile

from hatch_wasi.bootstrap import Toolchain
from hatch_wasi.config import HookConfig
from hatch_wasi.extension.wasi import WasiRecipe

MODULES = 19
SIZE = 520_000
"""Bytes of each."""
PARTS = 6
ROUNDS = 9
LEAF = """\
#include <Python.h>
static const unsigned char table[] = {{{table}}};
double part0(PyObject *);
static PyObject *look(PyObject *self, PyObject *list) {{
    return PyFloat_FromDouble(table[PyList_GET_SIZE(list) % sizeof table] + part0(list)); }}
static PyMethodDef methods[] = {{{{"look", look, METH_O, ""}}, {{0}}}};
"""


def make_wheel(folder: Path, tools: Toolchain) -> Path:
    """Make a wheel `bench` of modules with real code, each filled up with a table."""
    recipe = WasiRecipe(tools.sdk, tools.python, folder, 0)
    files = dict(list(sources().items())[:PARTS])
    content = {}
    for index in range(MODULES):
        name = f"native{index}"
        filling = ",".join(str(byte * 167 % 251) for byte in range(SIZE - 60_000))
        files["leaf.c"] = LEAF.format(table=filling) + MODULE.replace("_native", name)
        for file, text in files.items():
            (folder / file).write_text(text)
        extension = {"name": f"bench.{name}", "sources": list(files)}
        (declared,) = HookConfig.from_table({"extensions": [extension]}, key="b", root=folder, environ={}).extensions
        for file in files if index == 0 else ["leaf.c"]:
            run(recipe.compile(declared, file, f"{file}.o", f"{file}.d"), cwd=folder)
        for file, text in recipe.support(declared).items():
            (folder / file).write_text(text)
            run(recipe.compile_support(file, f"{file}.o"), cwd=folder)
        objects = [f"{file}.o" for file in (*files, *recipe.support(declared))]
        run(recipe.link(declared, objects, f"{name}.so"), cwd=folder)
        content[f"bench/{name}{recipe.target.ext_suffix}"] = (folder / f"{name}.so").read_bytes()
    tag = f"{recipe.target.interpreter_tag}-{recipe.target.interpreter_tag}-wasi_wasm32"
    wheel = folder / f"bench-1.0-{tag}.whl"
    with WheelFile(wheel, "w") as file:
        for member, data in content.items():
            file.writestr(member, data)
        file.writestr("bench-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: bench\nVersion: 1.0\n")
        file.writestr("bench-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
    return wheel


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--auditwheel", nargs=2, metavar=("PROGRAM", "NATIVE-WHEEL"))
    args = parser.parse_args()
    with scratch() as folder:
        wheel = args.wheel or make_wheel(folder, toolchain())
        print(hatch_wasi("audit", wheel).strip())
        audit = f"hatch-wasi audit {wheel.name}"
        cases: dict[str, Case] = {
            "python -m zipfile -t, of the same wheel": partial(run, [sys.executable, "-m", "zipfile", "-t", wheel]),
            audit: partial(hatch_wasi, "audit", wheel),
        }
        if args.auditwheel:
            program, native = args.auditwheel
            cases[f"auditwheel show {Path(native).name}"] = partial(run, [program, "show", native])
        table("Auditing a wheel", interleave(cases, ROUNDS), base=audit)


if __name__ == "__main__":
    main()
