"""What a WASI build gives, and what it refuses."""

import json
import shutil

import pytest

from hatch_wasi.wasm.side_module import SideModule

pytestmark = pytest.mark.usefixtures("wasi")

EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\n'


def test_module_says_what_it_is_for(project, toolchain):
    made = project()
    made.wheel()
    module = SideModule.parse(made.module().read_bytes(), "m.so")
    content = module.custom("hatch_wasi.abi")
    assert json.loads(content) == {
        "schema": 1,
        "python": toolchain.python.version,
        "soabi": "cpython-313-wasm32-wasi",
        "triple": "wasm32-wasip1",
        "sdk": toolchain.sdk.version,
        "wasi_libc": toolchain.sdk.wasi_libc,
        "clang": toolchain.sdk.llvm,
    }
    assert content == json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode()


def test_module_exports_its_init_function_alone(project):
    made = project()
    made.wheel()
    names = set(SideModule.parse(made.module().read_bytes(), "m.so").exports)
    assert names - {"__wasm_call_ctors", "__wasm_apply_data_relocs", "__wasm_apply_global_relocs"} == {"PyInit_m"}


SPEAKING = """\
#include <Python.h>
#include <assert.h>
#undef NDEBUG
static PyObject *where(PyObject *self, PyObject *unused) {
    return PyUnicode_FromFormat("%s %s %s", __FILE__, __DATE__, __TIME__);
}
static PyMethodDef methods[] = {{"where", where, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "m", .m_methods = methods};
PyMODINIT_FUNC PyInit_m(void) { return PyModule_Create(&definition); }
"""


def test_two_folders_give_the_same_wheel(project, toolchain, tmp_path):
    first = project(EXTENSION + 'extra-compile-args = ["-g", "-I."]\n')
    first.write("src/p/m.c", SPEAKING)
    second = type(first)(tmp_path / "a" / "much longer place")
    shutil.copytree(first.root, second.root)
    one, other = first.wheel().read_bytes(), second.wheel().read_bytes()
    assert one == other
    module = first.module().read_bytes()
    for path in (tmp_path, toolchain.sdk.root, toolchain.python.root):
        assert str(path).encode() not in module
    assert b"Feb  2 2020" in module  # hatchling's default for SOURCE_DATE_EPOCH
    assert b".debug_info" not in module


def test_source_date_epoch(project, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = project()
    made.write("src/p/m.c", SPEAKING)
    made.wheel()
    assert b"Nov 14 2023" in made.module().read_bytes()


@pytest.fixture
def no_cxx(toolchain, cache, tmp_path, monkeypatch):
    """A cache that has the toolchain, no C++ library, and nothing to make one from."""
    (tmp_path / "cache").mkdir()
    for path in cache.root.iterdir():
        if path.name not in {"cxx", "downloads"}:
            (tmp_path / "cache" / path.name).symlink_to(path)
    monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")


class TestRefusals:
    def refusal(self, made, capsys):
        with pytest.raises(SystemExit) as caught:
            made.wheel()
        assert caught.value.code == 1
        assert not list(made.root.glob("dist/*.whl"))
        return capsys.readouterr().err

    def test_cxx_where_its_library_cannot_be_made(self, project, capsys, no_cxx):
        made = project(EXTENSION.replace("m.c", "m.cpp"))
        made.write("src/p/m.cpp", "int x;")
        said = self.refusal(made, capsys)
        assert "error: no source of LLVM 22: upstream: " in said
        assert "set HATCH_WASI_LLVM_SOURCE to it" in said

    def test_limited_api_of_the_future(self, project, capsys):
        said = self.refusal(project(EXTENSION + 'py-limited-api = "3.99"'), capsys)
        assert "extensions[0].py-limited-api is 3.99, newer than the Python to build for, 3.13" in said

    def test_no_init_function(self, project, capsys):
        made = project()
        made.write("src/p/m.c", "#include <Python.h>\nPyObject *PyInit_n(void) { return NULL; }\n")
        said = self.refusal(made, capsys)
        assert "no source of p.m defines PyInit_m" in said
        assert "correct tool.hatch.build.targets.wheel.hooks.wasi.extensions[0].name" in said
        assert not list(made.root.glob(".hatch/wasi/*/p.m/*.so"))

    def test_compiler_error(self, project, capsys):
        made = project()
        made.write("src/p/m.c", "#include <Python.h>\nint x = ;\nnonsense\n")
        said = self.refusal(made, capsys)
        lines = said.splitlines()
        [command] = [line for line in lines if line.startswith("+ ")]
        assert "-fPIC" in command
        assert "src/p/m.c" in command
        assert "src/p/m.c:2:9: error: expected expression" in lines
        [last] = [line for line in lines if line.startswith("error: ")]
        assert last == "error: p.m: compiling src/p/m.c failed: src/p/m.c:2:9: error: expected expression"

    def test_missing_library(self, project, capsys):
        said = self.refusal(project(EXTENSION + 'libraries = ["nowhere"]\n'), capsys)
        assert "p.m: linking m.cpython-313-wasm32-wasi.so failed: " in said
        assert "-lnowhere" in said


def test_python_may_be_a_folder(project, toolchain, monkeypatch):
    monkeypatch.setenv("HATCH_WASI_PYTHON", str(toolchain.python.root))
    assert project(settings='python = "3.99"').wheel().name == "p-1-cp313-cp313-wasi_wasm32.whl"


def test_libraries_that_are_part_of_python(project):
    made = project(EXTENSION + 'libraries = ["m", "c", "pthread", "dl"]\n')
    assert made.wheel().name == "p-1-cp313-cp313-wasi_wasm32.whl"


def test_own_static_library(project, toolchain):
    """A position-independent archive, built elsewhere; the module is linked again when it changes."""
    import subprocess

    made = project(EXTENSION + 'libraries = ["own"]\nlibrary-dirs = ["lib"]\n')
    made.write("src/p/m.c", SPEAKING.replace("PyUnicode_FromFormat", "own(), PyUnicode_FromFormat").replace(
        "static PyObject *where", "int own(void);\nstatic PyObject *where"))  # fmt: skip
    made.write("lib/own.c", "int own(void) { return 1; }\n")

    def archive(flags):
        cc = [*toolchain.sdk.cc, "-fPIC", *flags, "-c", "own.c", "-o", "own.o"]
        subprocess.run(cc, cwd=made.root / "lib", check=True)
        ar = [toolchain.sdk.program("llvm-ar"), "rcs", "libown.a", "own.o"]
        subprocess.run(ar, cwd=made.root / "lib", check=True)

    archive(["-O2"])
    made.wheel()
    before = made.module().read_bytes()
    assert "own" not in {item.name for item in SideModule.parse(before, "m.so").imports}
    (made.root / "lib/libown.a").unlink()
    made.write("lib/own.c", "int twice(int a) { return a * 2; }\nint own(void) { return 3; }\n")
    archive(["-O0"])
    made.wheel()
    assert made.module().read_bytes() != before


def test_commands_are_seen_at_v(project, capsys, monkeypatch):
    made = project()
    made.write("src/p/m.c", SPEAKING + "int f(void) { int unused; return 0; }\n")
    made.wheel()
    assert "\n+ " not in capsys.readouterr().err
    shutil.rmtree(made.root / ".hatch")
    monkeypatch.setenv("HATCH_VERBOSE", "1")
    made.wheel()
    said = capsys.readouterr().err
    assert "src/p/m.c:10:19: warning: unused variable 'unused'" in said
    assert "\n+ " in said


UNDEFINED = """\
#include <Python.h>
#include <math.h>
int nowhere(int), weakly(int) __attribute__((weak));
extern int no_data;
static int *const addresses[] = {&no_data};
static PyObject *use(PyObject *self, PyObject *unused) {
    return PyFloat_FromDouble(nowhere(1) + (weakly ? weakly(1) : 0) + *addresses[0] + erf(0.5));
}
static PyMethodDef methods[] = {{"use", use, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "m", .m_methods = methods};
PyMODINIT_FUNC PyInit_m(void) { return PyModule_Create(&definition); }
"""


def test_undefined_symbols_are_refused(project, capsys):
    made = project()
    made.write("src/p/m.c", UNDEFINED)
    with pytest.raises(SystemExit):
        made.wheel()
    said = capsys.readouterr().err
    assert "\nwarning: p.m: it needs what WASI Python does not have: no_data, nowhere\n" in said
    assert "it needs what WASI Python does not have: no_data, nowhere\n" in said
    assert list((made.root / "dist").iterdir()) == []


def test_optional_is_left_out(project, capsys):
    made = project(EXTENSION + "optional = true\n")
    made.write("src/p/m.c", "broken")
    assert made.wheel().name == "p-1-py3-none-any.whl"
    assert "warning: p.m is left out, it is optional: p.m: compiling src/p/m.c failed" in capsys.readouterr().err
    made.wheel()
    assert "warning: p.m is left out" in capsys.readouterr().err


def test_optional_cxx_is_left_out(project, capsys, no_cxx):
    made = project('[[{key}.extensions]]\nname = "p.x"\nsources = ["src/p/x.cpp"]\noptional = true\n' + EXTENSION)
    made.write("src/p/x.cpp", "int x;")
    assert made.wheel().name == "p-1-cp313-cp313-wasi_wasm32.whl"
    assert "warning: p.x is left out, it is optional" in (said := capsys.readouterr().err)
    assert "p.x is C++, which cannot be built here: no source of LLVM 22" in said


def test_stable_abi_only_if_all_are(project):
    limited = EXTENSION.replace("p.m", "p.n").replace("m.c", "n.c") + 'py-limited-api = "3.9"\n'
    made = project(EXTENSION + limited)
    made.write("src/p/n.c", (made.root / "src/p/m.c").read_text().replace("_m(", "_n("))
    assert made.wheel().name == "p-1-cp313-cp313-wasi_wasm32.whl"


def test_marker_is_read_for_the_target(project, monkeypatch):
    made = project(EXTENSION + "marker = \"sys_platform == 'wasi' and python_version == '3.13'\"\n")
    assert made.wheel().name == "p-1-cp313-cp313-wasi_wasm32.whl"
    monkeypatch.setenv("HATCH_WASI_TARGET", "native")
    assert made.wheel().name == "p-1-py3-none-any.whl"


class TestIncremental:
    @pytest.fixture
    def made(self, project, commands):
        made = project(EXTENSION.replace('"src/p/m.c"', '"src/p/*.c"'))
        made.write("src/p/other.c", '#include "other.h"\nint other(void) { return OTHER; }\n')
        made.write("src/p/other.h", "#define OTHER 1\n")
        made.wheel()
        assert self.programs(commands()) == ["abi.s.o", "m.c.o", "module", "other.c.o", "setjmp.c.o"]
        return made

    def programs(self, lines):
        outputs = [line.split(" -o ")[1].split()[0].rpartition("/")[2] for line in lines]
        return sorted("module" if output.endswith(".so") else output for output in outputs)

    def test_nothing_changed(self, made, commands):
        before = made.module().stat().st_mtime_ns
        made.wheel()
        assert commands() == []
        (made.root / "src/p/__pycache__").mkdir()  # the folder changed: the quick answer does not hold
        made.wheel()
        assert commands() == []
        assert made.module().stat().st_mtime_ns == before

    def test_source(self, made, commands):
        made.write("src/p/m.c", SPEAKING)
        made.wheel()
        assert self.programs(commands()) == ["m.c.o", "module"]

    def test_header(self, made, commands):
        made.write("src/p/other.h", "#define OTHER 2\n")
        made.wheel()
        assert self.programs(commands()) == ["module", "other.c.o"]

    def test_new_source(self, made, commands):
        made.write("src/p/third.c", "int third;\n")
        made.wheel()
        assert self.programs(commands()) == ["module", "third.c.o"]

    def test_source_gone(self, made, commands):
        (made.root / "src/p/other.c").unlink()
        made.wheel()
        assert self.programs(commands()) == ["module"]
        left = {path.name for path in made.root.glob(".hatch/wasi/*/p.m/src/p/*")}
        assert {name for name in left if name.startswith("other")} == set()

    def test_command(self, made, commands):
        configuration = made.root / "pyproject.toml"
        configuration.write_text(configuration.read_text() + 'extra-link-args = ["-Wl,--strip-all"]\n')
        made.wheel()
        assert self.programs(commands()) == ["module"]

    def test_damaged_object(self, made, commands):
        [found] = made.root.glob(".hatch/wasi/*/p.m/src/p/m.c.o")
        found.write_bytes(b"")
        (made.root / "src/p/__pycache__").mkdir()
        made.wheel()
        assert self.programs(commands()) == ["m.c.o"]  # the same again: the module stays good

    def test_module_gone(self, made, commands):
        made.module().unlink()
        made.wheel()
        assert self.programs(commands()) == ["module"]

    def test_failure_keeps_what_succeeded(self, made, commands):
        other = made.write("src/p/other.c", "broken\n")
        made.write("src/p/m.c", SPEAKING)
        with pytest.raises(SystemExit):
            made.wheel()
        commands()
        other.write_text("int other;\n")
        made.wheel()
        assert self.programs(commands()) in (["module", "other.c.o"], ["m.c.o", "module", "other.c.o"])

    def test_renamed_extension(self, made, commands):
        configuration = made.root / "pyproject.toml"
        configuration.write_text(configuration.read_text().replace('"p.m"', '"p.q.m"'))
        made.wheel()
        assert [path.name for path in made.root.glob(".hatch/wasi/*-wasi/p.*")] == ["p.q.m"]


def test_cython_is_run_again_when_a_pxd_changes(copy, commands):
    project = copy("tests/packages/cythonized")
    project.wheel()
    assert len(commands()) == 6
    project.write("src/cythonized/limits.pxd", "cdef enum: HIGHEST = 2000\n")
    project.wheel()
    assert [" -m cython " in line for line in commands()] == [True, False, False]
