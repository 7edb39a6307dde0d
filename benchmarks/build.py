"""Building an extension of 64 files: the hook against the bare compiler, setuptools, and hatchling with nothing to do.

Usage: build.py [FOLDER-WITH-SETUPTOOLS]. The build python has no setuptools; `pip install --target FOLDER setuptools`
makes one for it. Without it that row is left out.
"""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench import MODULE, Case, build_python, build_wheel, interleave, make_project, run, scratch, table, toolchain

from hatch_wasi.bootstrap import Toolchain
from hatch_wasi.config import HookConfig
from hatch_wasi.extension.wasi import WasiRecipe

FILES = 64
PARTS = 10
ROUNDS = 3
QUICK_ROUNDS = 15
FUNCTION = """
static double work{index}_{part}(PyObject *list) {{
    double total = {part};
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(list); at++) {{
        PyObject *item = PyList_GET_ITEM(list, at);
        if (PyLong_Check(item)) total += {index} * PyLong_AsDouble(item);
        else if (PyFloat_Check(item)) total -= PyFloat_AS_DOUBLE(item) / {part}.5;
        else if (PyUnicode_Check(item)) total += PyUnicode_GET_LENGTH(item) * strlen(PyUnicode_AsUTF8(item));
        else if (PyBytes_Check(item)) for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(item); i++)
            total += (PyBytes_AS_STRING(item)[i] ^ {index}) % ({part} + 3);
    }}
    return total;
}}
"""


def sources() -> dict[str, str]:
    """Generate the C files: each of about 150 lines, and one that has them all."""
    files = {}
    for index in range(FILES - 1):
        parts = "".join(FUNCTION.format(index=index, part=part) for part in range(PARTS))
        calls = " + ".join(f"work{index}_{part}(list)" for part in range(PARTS))
        files[f"part{index}.c"] = (
            f"#include <Python.h>\n{parts}\ndouble part{index}(PyObject *list);\n"
            f"double part{index}(PyObject *list) {{ return {calls}; }}\n"
        )
    declared = "".join(f"double part{index}(PyObject *);\n" for index in range(FILES - 1))
    summed = " + ".join(f"part{index}(list)" for index in range(FILES - 1))
    files["module.c"] = (
        f"#include <Python.h>\n{declared}\nstatic PyObject *total(PyObject *self, PyObject *list)"
        f"{{ return PyFloat_FromDouble({summed}); }}\n"
        'static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {0}};\n' + MODULE
    )
    return files


def fresh(project: Path) -> None:
    """Build the wheel with no objects from before."""
    shutil.rmtree(project / ".hatch", ignore_errors=True)
    build_wheel(project)


def plain(project: Path, tools: Toolchain) -> None:
    """Run the hook's own commands with nothing around them: clang as often as there are processors, then one link."""
    recipe = WasiRecipe(tools.sdk, tools.python, project, 0)
    table_ = {"extensions": [{"name": "bench._native", "sources": ["bench/*.c"]}]}
    (extension,) = HookConfig.from_table(table_, key="bench", root=project, environ={}).extensions
    out = project / "plain"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    objects = [str(out / f"{Path(source).stem}.o") for source in extension.sources]
    commands = [
        recipe.compile(extension, source, target, f"{target}.d")
        for source, target in zip(extension.sources, objects, strict=True)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(run, cwd=project), commands))
    run(recipe.link(extension, objects, str(out / "_native.so")), cwd=project)


def setuptools(project: Path, tools: Toolchain, packages: Path) -> None:
    """Cross-build by setuptools under the build python, which is told that it is the WASI one (CPython's own variables)."""
    shutil.rmtree(project / "build", ignore_errors=True)
    data = project / "sysconfigdata"
    data.mkdir(exist_ok=True)
    shutil.copy(tools.python.sysconfigdata, data)
    recipe = WasiRecipe(tools.sdk, tools.python, project, 0)
    table_ = {"extensions": [{"name": "bench._native", "sources": ["bench/*.c"]}]}
    (extension,) = HookConfig.from_table(table_, key="bench", root=project, environ={}).extensions
    compiler = recipe.compile(extension, "S", "O", "D")
    compiler = compiler[: compiler.index("-MMD")]
    linker = recipe.link(extension, ["OBJECT"], "OUTPUT")
    shared = [word for word in linker if word not in ("-o", "OUTPUT", "OBJECT")]
    env = {
        "PYTHONPATH": f"{packages}:{data}",
        "_PYTHON_HOST_PLATFORM": "wasi-wasm32",
        "_PYTHON_SYSCONFIGDATA_NAME": tools.python.sysconfigdata.stem,
        # As -I: setuptools adds the build python's own headers, and -isystem would come after those.
        "CC": " ".join(compiler).replace("-isystem", "-I"),
        "LDSHARED": " ".join(shared),
        "CFLAGS": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    program = (
        "import glob; from setuptools import setup, Extension;"
        "setup(name='bench', version='1.0', packages=['bench'], script_args=['-q', 'build'],"
        "ext_modules=[Extension('bench._native', sorted(glob.glob('bench/*.c')))])"
    )
    run([build_python(tools), "-c", program], cwd=project, env=env)


def main() -> None:
    """Measure and print."""
    tools = toolchain()
    with scratch() as folder:
        project = make_project(folder / "project", sources())
        bare = make_project(folder / "bare", sources(), extension=False)
        name = "plain parallel clang, then wasm-ld"
        cases: dict[str, Case] = {
            name: partial(plain, project, tools),
            "hatch-wasi: hatchling build, the whole wheel": partial(fresh, project),
        }
        if len(sys.argv) > 1:
            cases["setuptools"] = partial(setuptools, project, tools, Path(sys.argv[1]).absolute())
        table(f"An extension of {FILES} files", interleave(cases, ROUNDS, warm=1), base=name)
        cases = {
            "hatchling build of the project without the extension": partial(build_wheel, bare),
            "hatch-wasi, nothing changed": partial(build_wheel, project),
        }
        first = next(iter(cases))
        table("A rebuild with nothing changed", interleave(cases, QUICK_ROUNDS, warm=2), base=first)


if __name__ == "__main__":
    main()
