"""What an extension for WASI exports: what a shared library on Linux does, for Python and for ctypes."""

import pytest

from hatch_wasi.wasm.side_module import SideModule

pytestmark = pytest.mark.usefixtures("wasi")

OWN = {"__wasm_call_ctors", "__wasm_apply_data_relocs", "__wasm_apply_global_relocs", "hatch_wasi_describe_exception"}
HEAD = """\
#include <Python.h>
static PyObject *seven(PyObject *self, PyObject *unused) { return PyLong_FromLong(7); }
static PyMethodDef methods[] = {{"seven", seven, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "m", NULL, 0, methods, NULL, NULL, NULL, NULL};
"""
INIT = "PyMODINIT_FUNC %s(void) { return PyModuleDef_Init(&definition); }\n"
PLAIN = """\
static int hidden_by_static(void) { return 1; }
__attribute__((visibility("hidden"))) int hidden_by_attribute(void) { return hidden_by_static(); }
int twice(int value) { return 2 * value; }
int counter = 5;
"""


def extension(name="p.m", source="src/p/m.c", **settings):
    lines = "".join(f"{key.replace('_', '-')} = {value!r}\n" for key, value in settings.items())
    return f'[[{{key}}.extensions]]\nname = "{name}"\nsources = ["{source}"]\n{lines}'


def exports(made):
    return set(SideModule.parse(made.module().read_bytes(), "m").exports) - OWN


def evaluate(guest, made, expression, before=""):
    done = guest("--site", made.unpack(), "-c", f"{before}\nprint({expression})")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CTYPES = "import ctypes, glob, p\n[path] = glob.glob(p.__path__[0] + '/m.*.so')\nlib = ctypes.CDLL(path)"


@pytest.mark.parametrize("source", ["src/p/m.c", "src/p/m.cpp"])
@pytest.mark.parametrize("init", ["PyInit_m", None])
def test_plain_functions_and_variables_are_found_by_ctypes(project, guest, source, init):
    made = project(extension(source=source))
    text = PLAIN if source.endswith(".c") else f'extern "C" {{\n{PLAIN}}}\n'
    made.write(source, (HEAD + INIT % init if init else "") + text)
    expression = "lib.twice(4), ctypes.c_int.in_dll(lib, 'counter').value, hasattr(lib, 'hidden_by_attribute')"
    assert evaluate(guest, made, expression, CTYPES) == "8 5 False"
    if init:
        assert evaluate(guest, made, "p.m.seven()", "import p.m") == "7"
    assert exports(made) == {"twice", "counter", *([init] if init else [])}


def test_a_module_of_data_alone(project, guest):
    made = project(extension())
    made.write("src/p/m.c", "int table[] = {1, 2, 3};\n")
    assert evaluate(guest, made, "list((ctypes.c_int * 3).in_dll(lib, 'table'))", CTYPES) == "[1, 2, 3]"


@pytest.mark.parametrize("source", ["src/p/m.c", "src/p/m.cpp"])
def test_a_projects_own_visibility_wins(project, source):
    made = project(extension(source=source, extra_compile_args=["-fvisibility=hidden"]))
    text = PLAIN if source.endswith(".c") else f'extern "C" {{\n{PLAIN}}}\n'
    made.write(source, HEAD + INIT % "PyInit_m" + text)
    made.wheel()
    assert exports(made) == {"PyInit_m"}


def test_templates_and_the_library_of_cxx_are_not_exported(project):
    made = project(extension(source="src/p/m.cpp"))
    text = "#include <map>\n#include <string>\nint entries(const char *key) {\n"
    text += "    static std::map<std::string, int> known; known[key]++; return known.size();\n}\n"
    made.write("src/p/m.cpp", HEAD + INIT % "PyInit_m" + text)
    made.wheel()
    assert exports(made) == {"PyInit_m", "_Z7entriesPKc"}


def test_several_modules_in_one_file(project, guest):
    made = project(extension())
    made.write("src/p/m.c", HEAD + INIT % "PyInit_m" + INIT % "PyInit_other" + INIT % "PyInitU_9ca")
    before = (
        "import importlib.machinery, importlib.util, p.m\n"
        "def load(name):\n"
        "    loader = importlib.machinery.ExtensionFileLoader(name, p.m.__file__)\n"
        "    spec = importlib.util.spec_from_loader(name, loader)\n"
        "    return importlib.util.module_from_spec(spec)\n"
    )
    assert evaluate(guest, made, "p.m.seven(), load('p.other').seven(), load('é').seven()", before) == "7 7 7"


@pytest.mark.parametrize("functions", [["PyInit_p"], ["PyInit_p", "PyInit___init__"]])
def test_a_package_that_is_an_extension(project, guest, functions):
    made = project(extension("p.__init__", "src/p/init.c"))
    made.write("src/p/init.c", HEAD + "".join(INIT % name for name in functions))
    assert evaluate(guest, made, "p.seven(), bool(p.__path__)", "import p") == "7 True"
    assert exports(made) == set(functions)


def test_the_function_of_pep_793(project):
    """No Python that can be built here calls it: what counts is that it is exported, and that the audit takes it."""
    made = project(extension())
    made.write("src/p/m.c", HEAD + "void *PyModExport_m(void) { return &definition; }\n")
    made.wheel()
    assert exports(made) == {"PyModExport_m"}


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("src/p/m.c", INIT % "PyInit_other", "PyInit_other"),
        ("src/p/m.c", "static " + INIT.replace("PyMODINIT_FUNC", "PyObject *") % "PyInit_m", "PyInit_m"),
        ("src/p/m.cpp", "PyObject *PyInit_m(void) { return PyModuleDef_Init(&definition); }", "_Z8PyInit_mv"),
    ],
)
def test_one_that_python_could_not_import_is_refused(project, capsys, source, text, said):
    made = project(extension(source=source))
    made.write(source, HEAD + text)
    with pytest.raises(SystemExit):
        made.wheel()
    error = capsys.readouterr().err
    assert "no source of p.m defines PyInit_m" in error
    assert said in error


def test_static_libraries_are_exported_where_python_imports_nothing(project, wasi_sdk):
    import subprocess

    made = project(extension(extra_link_args=["liblow.a"]))
    made.write("low.c", "int low(void) { return 4; }\nint lower(void) { return 3; }\n")
    flags = ["-fPIC", "-fvisibility=default", "-c", "low.c"]
    subprocess.run([*wasi_sdk.cc, *flags], cwd=made.root, check=True)
    subprocess.run([wasi_sdk.program("llvm-ar"), "rcs", "liblow.a", "low.o"], cwd=made.root, check=True)
    made.write("src/p/m.c", HEAD + INIT % "PyInit_m" + "extern int low(void); int high(void) { return low(); }\n")
    made.wheel()
    assert exports(made) == {"PyInit_m", "high"}
    made.write("src/p/m.c", "extern int low(void); int high(void) { return low(); }\n")
    made.wheel()
    assert exports(made) == {"high", "low", "lower"}
