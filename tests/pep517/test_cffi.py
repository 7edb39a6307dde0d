"""A project with a cffi module: cffi itself, from PyPI, is built for the machine to make it, and for WASI to run it."""

from making import made, unpack
from projects import PROJECT

SETUP = "from setuptools import setup\nsetup(cffi_modules=['build_answer.py:builder'], py_modules=['answer'])\n"
BUILDER = '''\
from cffi import FFI
builder = FFI()
builder.cdef("""
    typedef struct { double x; long y; } point;
    point moved(point at, double by, long times);
    long sum(int count, ...);
    extern "Python" double asked(double value, void *handle);
    double ask(double value, void *handle);
    typedef int compare(const void *, const void *);
    void qsort(void *base, size_t count, size_t size, compare *order);
    #define SIZE ...
""")
builder.set_source("_answer", """
    #include <stdarg.h>
    #include <stdlib.h>
    typedef struct { double x; long y; } point;
    #define SIZE ((int)sizeof(void *))
    static point moved(point at, double by, long times) { return (point){at.x + by * times, at.y - times}; }
    static long sum(int count, ...)
    {
        va_list all;
        long total = 0;
        va_start(all, count);
        while (count--) total += va_arg(all, long);
        va_end(all);
        return total;
    }
    static double asked(double value, void *handle);
    static double ask(double value, void *handle) { return asked(value, handle) + 1; }
""")
'''
ANSWER = """\
from _answer import ffi, lib

@ffi.def_extern()
def asked(value, handle):
    return ffi.from_handle(handle)(value)

def ask(value, function):
    return lib.ask(value, ffi.new_handle(function))

def calls():
    function = ffi.addressof(lib, "moved")
    at = lib.moved((1.5, 10), 0.25, 2)
    again = ffi.cast("point(*)(point, double, long)", function)(at, 1, 1)
    order = ffi.callback("compare", lambda a, b: ffi.cast("int *", b)[0] - ffi.cast("int *", a)[0])
    numbers = ffi.new("int[]", [2, 3, 1])
    lib.qsort(numbers, 3, ffi.sizeof("int"), order)
    total = lib.sum(3, ffi.cast("long", 1), ffi.cast("long", 2), ffi.cast("long", 3))
    return at.x, at.y, again.x, again.y, list(numbers), total, lib.SIZE, ask(2, lambda x: x * x)

def dynamic():
    from cffi import FFI
    found = FFI()
    found.cdef("long labs(long); int snprintf(char *, size_t, const char *, ...);")
    library, buffer = found.dlopen(None), found.new("char[20]")
    size = library.snprintf(buffer, 20, b"%s %d %.1f", found.new("char[]", b"is"), found.cast("int", 7), found.cast("double", 2.5))
    return library.labs(-5), size, found.string(buffer)
"""


def test_a_cffi_module_calls_and_is_called(wheel, guest, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    system = '[build-system]\nrequires = ["setuptools>=77", "cffi>=2"]\nbuild-backend = "setuptools.build_meta"\n'
    (project / "pyproject.toml").write_text(system + PROJECT + 'dependencies = ["cffi>=2"]\n')
    for name, text in {"setup.py": SETUP, "build_answer.py": BUILDER, "answer.py": ANSWER}.items():
        (project / name).write_text(text)
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    names = made(tmp_path)
    assert [name.split("-")[0] for name in names] == ["answer", "cffi", "pycparser"]
    assert names[1].endswith("-cp313-cp313-wasi_wasm32.whl")
    for name in names:
        site = unpack(tmp_path / "out" / name, tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer\nprint(*answer.calls())\nprint(*answer.dynamic())")
    assert ran.stdout == "2.0 8 3.0 7 [3, 2, 1] 6 4 5.0\n5 8 b'is 7 2.5'\n", ran.stderr


def test_pkg_config_knows_libffi(wheel, guest, tmp_path):
    """As a build system finds it that knows nothing else: by pkg-config, and the header."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["meson-python>=0.18", "pkgconf"]\nbuild-backend = "mesonpy"\n' + PROJECT
    )
    (project / "meson.build").write_text(
        "project('answer', 'c', version: '1.0')\npy = import('python').find_installation(pure: false)\n"
        "ffi = dependency('libffi', version: '>=3.4')\n"
        "py.extension_module('answer', 'answer.c', dependencies: ffi, install: true)\n"
    )
    (project / "answer.c").write_text(FFI_MODULE)
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(9.0), answer.twice(20))")
    assert ran.stdout == "3.0 41\n", ran.stderr


FFI_MODULE = """\
#include <Python.h>
#include <ffi.h>
#include <math.h>
static PyObject *ask(PyObject *self, PyObject *number)
{
    double value = PyFloat_AsDouble(number), result = 0;
    ffi_cif cif;
    ffi_type *types[] = {&ffi_type_double};
    void *values[] = {&value};
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_double, types) != FFI_OK)
        return PyErr_NoMemory();
    ffi_call(&cif, FFI_FN(sqrt), &result, values);
    return PyFloat_FromDouble(result);
}
static void handle(ffi_cif *cif, void *result, void **values, void *data)
{
    *(ffi_arg *)result = *(int *)values[0] * 2 + *(int *)data;
}
static PyObject *twice(PyObject *self, PyObject *number)
{
    int more = 1, value = PyLong_AsLong(number);
    ffi_cif cif;
    ffi_type *types[] = {&ffi_type_sint};
    void *code;
    ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
    if (!closure || ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_sint, types) != FFI_OK ||
        ffi_prep_closure_loc(closure, &cif, handle, &more, code) != FFI_OK)
        return PyErr_NoMemory();
    value = ((int (*)(int))code)(value);
    ffi_closure_free(closure);
    return PyLong_FromLong(value);
}
static PyMethodDef methods[] = {{"ask", ask, METH_O, NULL}, {"twice", twice, METH_O, NULL}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "answer", .m_size = -1, .m_methods = methods};
PyMODINIT_FUNC PyInit_answer(void) { return PyModule_Create(&definition); }
"""
