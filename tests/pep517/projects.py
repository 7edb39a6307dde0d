"""Small projects, one for each way to build: the same module `answer` in C, C++ or Cython, with a function `ask`."""

from pathlib import Path

C = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
static PyObject *ask(PyObject *self, PyObject *number)
{
    double value = PyFloat_AsDouble(number);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(sqrt(value) + sizeof(long));
}
static PyMethodDef methods[] = {{"ask", ask, METH_O, NULL}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "answer", .m_size = -1, .m_methods = methods};
PyMODINIT_FUNC PyInit_answer(void) { return PyModule_Create(&definition); }
"""
CXX = """\
#include <Python.h>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>
static PyObject *ask(PyObject *, PyObject *number)
{
    try {
        double value = PyFloat_AsDouble(number);
        if (value < 0) throw std::domain_error("negative: " + std::to_string(value));
        std::vector<double> all{std::sqrt(value), double(sizeof(long))};
        return PyFloat_FromDouble(all.at(0) + all.at(1));
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_ValueError, error.what());
        return nullptr;
    }
}
static PyMethodDef methods[] = {{"ask", ask, METH_O, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "answer", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_answer() { return PyModule_Create(&definition); }
"""
CYTHON = """\
from libc.math cimport sqrt
def ask(double value):
    return sqrt(value) + sizeof(long)
"""
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
PROJECT = '[project]\nname = "answer"\nversion = "1.0"\n'
EXTENSION = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('answer', ['{}'], {})])\n"
CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(answer LANGUAGES C)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
python_add_library(answer MODULE answer.c WITH_SOABI)
install(TARGETS answer DESTINATION .)
"""
MESON = """\
project('answer', 'c', version: '1.0')
py = import('python').find_installation(pure: false)
assert(meson.get_compiler('c').sizeof('long') == 4)
py.extension_module('answer', 'answer.c', dependencies: meson.get_compiler('c').find_library('m', required: false), install: true)
"""
HATCH = """\
[tool.hatch.build.targets.wheel]
only-include = []
bypass-selection = true
[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]
name = "answer"
sources = ["answer.c"]
"""

# A build script, as poetry-core runs one, and a hook of the project's own, as hatchling does; both compile by setuptools.
BUILD_EXT = """\
from setuptools import Distribution, Extension
def compile():
    command = Distribution({"name": "answer", "ext_modules": [Extension("answer", ["answer.c"])]}).get_command_obj("build_ext")
    command.inplace = True
    command.ensure_finalized()
    command.run()
    return command.get_outputs()[0]
"""
POETRY = """\
[build-system]
requires = ["poetry-core>=2", "setuptools>=77"]
build-backend = "poetry.core.masonry.api"
[tool.poetry]
packages = [{ include = "answers" }]
include = [{ path = "answer*.so", format = "wheel" }]
[tool.poetry.build]
script = "script.py"
"""
OWN_HOOK = """
import os
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
class CustomHook(BuildHookInterface):
    def initialize(self, version, build_data):
        made = compile()
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include"][os.path.abspath(made)] = os.path.basename(made)
"""
PYBIND11 = """\
#include <cmath>
#include <pybind11/pybind11.h>
#include <stdexcept>
#include <string>
static double ask(double value)
{
    if (value < 0) throw std::domain_error("negative: " + std::to_string(value));
    return std::sqrt(value) + sizeof(long);
}
PYBIND11_MODULE(answer, module) { module.def("ask", &ask); }
"""
CMAKE_CXX = """\
cmake_minimum_required(VERSION 3.18)
project(answer LANGUAGES CXX)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(%s CONFIG REQUIRED)
%s_add_module(answer answer.cpp)
install(TARGETS answer DESTINATION .)
"""
SCIKIT = '[build-system]\nrequires = ["scikit-build-core>=0.11"%s]\nbuild-backend = "scikit_build_core.build"\n'
CFFI = """\
import cffi
maker = cffi.FFI()
maker.cdef("double twice(double); typedef double (*function)(double); double apply(function, double);")
maker.set_source("_twice", "static double twice(double x) { return 2 * x; } typedef double (*function)(double);"
                 "static double apply(function f, double x) { return f(x); }")
"""

PROJECTS = {
    "setuptools-c": {"pyproject.toml": SETUPTOOLS + PROJECT, "setup.py": EXTENSION.format("answer.c", ""), "answer.c": C},
    "setuptools-cxx": {
        "pyproject.toml": SETUPTOOLS + PROJECT,
        "setup.py": EXTENSION.format("answer.cpp", "extra_compile_args=['-std=c++17', '-march=native']"),
        "answer.cpp": CXX,
    },
    "setuptools-cython": {
        "pyproject.toml": SETUPTOOLS.replace('["setup', '["cython>=3.1", "setup') + PROJECT,
        "setup.py": EXTENSION.format("answer.pyx", ""),
        "answer.pyx": CYTHON,
    },
    "setup.py-alone": {
        "setup.py": EXTENSION.replace("setup(ext", "setup(name='answer', version='1.0', ext").format("answer.c", ""),
        "answer.c": C,
    },
    "limited-api": {
        "pyproject.toml": SETUPTOOLS + PROJECT,
        "setup.py": EXTENSION.format("answer.c", "define_macros=[('Py_LIMITED_API', '0x030b0000')], py_limited_api=True"),
        "setup.cfg": "[bdist_wheel]\npy_limited_api = cp311\n",
        "answer.c": C,
    },
    "scikit-build-core": {
        "pyproject.toml": '[build-system]\nrequires = ["scikit-build-core>=0.11"]\n'
        'build-backend = "scikit_build_core.build"\n' + PROJECT,
        "CMakeLists.txt": CMAKE,
        "answer.c": C,
    },
    "scikit-build-core-pybind11": {
        "pyproject.toml": SCIKIT % ', "pybind11>=3"' + PROJECT,
        "CMakeLists.txt": CMAKE_CXX % ("pybind11", "pybind11"),
        "answer.cpp": PYBIND11,
    },
    "scikit-build-core-nanobind": {
        "pyproject.toml": SCIKIT % ', "nanobind>=2"' + PROJECT,
        "CMakeLists.txt": CMAKE_CXX % ("nanobind", "nanobind"),
        "answer.cpp": PYBIND11.replace("pybind11/pybind11.h", "nanobind/nanobind.h").replace("PYBIND11_MODULE", "NB_MODULE"),
    },
    "poetry-core-script": {
        "pyproject.toml": POETRY + PROJECT,
        "script.py": BUILD_EXT + "compile()\n",
        "answers/__init__.py": "",
        "answer.c": C,
    },
    "hatchling-own-hook": {
        "pyproject.toml": '[build-system]\nrequires = ["hatchling", "setuptools>=77"]\n'
        'build-backend = "hatchling.build"\n' + PROJECT + "[tool.hatch.build.targets.wheel.hooks.custom]\n"
        "[tool.hatch.build.targets.wheel]\nonly-include = []\nbypass-selection = true\n",
        "hatch_build.py": BUILD_EXT + OWN_HOOK,
        "answer.c": C,
    },
    "meson-python": {
        "pyproject.toml": '[build-system]\nrequires = ["meson-python>=0.18"]\nbuild-backend = "mesonpy"\n' + PROJECT,
        "meson.build": MESON,
        "answer.c": C,
    },
}  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """Write the project `name` to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in PROJECTS[name].items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text)
    return folder
