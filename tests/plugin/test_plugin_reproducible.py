"""The same project gives the same wheel by the hook: two machines that differ in all that must not matter."""

import pytest
from machines import differences, two_machines
from plain_module import MODULE

SPEAKING = """\
#include <Python.h>
#include <assert.h>
#include "names.h"
#undef NDEBUG
static PyObject *where(PyObject *self, PyObject *unused) {
    assert(self);
    return PyUnicode_FromFormat("%s %s %s %s", __FILE__, NAME, __DATE__, __TIME__);
}
static PyMethodDef methods[] = {{"where", where, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "plain", .m_methods = methods};
PyMODINIT_FUNC PyInit_plain(void) { return PyModule_Create(&definition); }
"""
CXX = """\
#include <Python.h>
#include <map>
#include <stdexcept>
#include <string>
namespace { struct Hidden : std::runtime_error { using std::runtime_error::runtime_error; }; }
static PyObject *find(PyObject *, PyObject *) {
    try {
        std::map<std::string, int> all{{__FILE__, 1}, {__DATE__ " " __TIME__, 2}};
        if (all.size() != 2) throw Hidden(__FILE__);
        return PyLong_FromLong(all.at(__FILE__));
    } catch (const std::exception &error) { PyErr_SetString(PyExc_ValueError, error.what()); return nullptr; }
}
static PyMethodDef methods[] = {{"find", find, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "plus", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_plus() { return PyModule_Create(&definition); }
"""
CYTHON = """\
cdef class Names:
    cdef dict found
    def __init__(self, **words):
        self.found = {name: len(value) for name, value in words.items()}
    def longest(self, *, str default="none"):
        return max(self.found, key=self.found.get, default=default)
"""
PYPROJECT = """\
[build-system]
requires = ["hatchling", "hatch-wasi"]
build-backend = "hatchling.build"
[project]
name = "mixed"
version = "1.0"
[tool.hatch.build.targets.wheel]
packages = ["src/mixed"]
[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]
name = "mixed.plain"
sources = ["src/mixed/plain.c", "src/mixed/parts/*.c"]
include-dirs = ["src/mixed/include"]
extra-compile-args = ["-g"]
[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]
name = "mixed.plus"
sources = ["src/mixed/plus.cpp"]
[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]
name = "mixed.names"
sources = ["src/mixed/names.pyx"]
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "src/mixed/__init__.py": "",
    "src/mixed/plain.c": SPEAKING,
    "src/mixed/parts/a.c": "const char *a(void) { return __FILE__; }\n",
    "src/mixed/parts/b.c": "const char *b(void) { return __FILE__; }\n",
    "src/mixed/include/names.h": '#define NAME __FILE__ " " __BASE_FILE__\n',
    "src/mixed/plus.cpp": CXX,
    "src/mixed/names.pyx": CYTHON,
    "src/mixed/data/größe.txt": "1\n",
}


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("epoch", [{}, {"SOURCE_DATE_EPOCH": "1700000000"}])
def test_two_machines_make_the_same_wheel(tmp_path, cache, epoch):
    wheels = []
    for machine in two_machines(tmp_path, cache.root):
        project = machine.write(FILES)
        machine.run("hatchling", "build", "-t", "wheel", HATCH_WASI_TARGET="wasi", **epoch)
        wheels += project.glob("dist/mixed-1.0-cp313-cp313-wasi_wasm32.whl")
    assert differences(*wheels) == []


def test_what_differs_is_named(project, tmp_path, wasi):
    made = project()
    one = made.wheel().rename(tmp_path / "one.whl")
    made.write("src/p/m.c", MODULE.format(leaf="m") + "const char *more(void) { return __FILE__; }\n")
    made.write("src/p/__init__.py", "new = 1\n")
    found = differences(one, made.wheel())
    assert "p/__init__.py: at 0: b'' and b'new = 1\\n'" in found
    assert [line for line in found if "dist-info/RECORD: at" in line]
    assert not [line for line in found if "METADATA" in line]
