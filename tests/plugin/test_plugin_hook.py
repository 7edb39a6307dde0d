"""How the hook behaves towards Hatch; built for the interpreter that runs the tests."""

import os
import shutil
import signal
import sys
import sysconfig
import tomllib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from hatch_wasi.cache import Cache
from hatch_wasi.toolchain import cmake

EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\n'
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
FOREIGN = "m.cpython-313-wasm32-wasi.so"
KEY = "tool.hatch.build.targets.wheel.hooks.wasi"


def refusal(made, capsys, version="standard"):
    with pytest.raises(SystemExit) as caught:
        made.wheel(version)
    assert caught.value.code == 1
    return capsys.readouterr().err


class TestConfiguration:
    def test_everything_wrong_is_said_and_nothing_is_written(self, project, capsys):
        made = project(EXTENSION.replace("m.c", "no.c") + 'std = 1\nnmae = "x"\n', settings='targt = "wasi"')
        said = refusal(made, capsys)
        assert said.startswith("error: 4 configuration errors:\n")
        for issue in (
            f"{KEY}.targt is not known (did you mean 'target'?)",
            f"{KEY}.extensions[0].nmae is not known (did you mean 'name'?)",
            f"{KEY}.extensions[0].sources[0] 'src/p/no.c' does not exist below {made.root}",
            f'{KEY}.extensions[0].std must be a string, not an integer: write "1"',
        ):
            assert f"  {issue}\n" in said
        assert not (made.root / ".hatch").exists()

    def test_global_table(self, project, capsys):
        made = project(EXTENSION + "std = 1\n", key="tool.hatch.build.hooks.wasi")
        assert "error: 1 configuration error: tool.hatch.build.hooks.wasi.extensions[0].std" in refusal(made, capsys)

    def test_no_extensions(self, project, capsys):
        assert project("").wheel().name == "p-1-py3-none-any.whl"
        assert "warning: the build hook wasi is on, but declares no extensions" in capsys.readouterr().err

    def test_hatch_decides_whether_it_runs(self, project, monkeypatch):
        made = project(settings="enable-by-default = false")
        assert made.wheel().name == "p-1-py3-none-any.whl"
        monkeypatch.setenv("HATCH_BUILD_HOOK_ENABLE_WASI", "1")
        assert made.wheel().name.startswith("p-1-cp3")
        monkeypatch.setenv("HATCH_BUILD_NO_HOOKS", "1")
        assert made.wheel().name == "p-1-py3-none-any.whl"

    def test_quiet(self, project, capsys, monkeypatch):
        monkeypatch.setenv("HATCH_QUIET", "1")
        project().wheel()
        assert capsys.readouterr().err == ""


class TestDependencies:
    def asked(self, made):
        return [name for name in WheelBuilder(str(made.root)).config.dependencies if not name.startswith("hatch")]

    def test_native_needs_nothing(self, project):
        assert self.asked(project()) == []

    def test_cython_for_a_pyx(self, project):
        made = project(EXTENSION.replace("m.c", "*.pyx"))
        [asked] = self.asked(made)
        assert Requirement(asked).name == "Cython"

    def test_wasmtime_while_there_is_no_toolchain(self, project, monkeypatch, tmp_path):
        monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")
        monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
        content = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
        asked = list(map(Requirement, self.asked(project())))
        assert asked == list(map(Requirement, content["project"]["optional-dependencies"]["run"]))
        assert not (tmp_path / "cache").exists()

    @pytest.mark.usefixtures("wasi")
    def test_nothing_once_there_is_one(self, project):
        assert self.asked(project()) == []

    def test_cmake_while_there_is_no_cxx_library(self, project, monkeypatch, tmp_path):
        monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")
        monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setattr(cmake, "_candidates", lambda _: iter(()))  # what the machine has is its business
        plain = self.asked(project())
        assert {Requirement(name).name for name in self.asked(project(EXTENSION.replace("m.c", "*.cc")))} == {
            *(Requirement(name).name for name in plain),
            "cmake",
            "ninja",
        }

    def test_wrong_configuration_is_the_builds_business(self, project):
        assert self.asked(project(EXTENSION + "std = 1\n")) == []


def test_sdists_are_left_alone(project, monkeypatch):
    monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")
    made = project(key="tool.hatch.build.hooks.wasi")
    [sdist] = SdistBuilder(str(made.root)).build()
    assert Path(sdist).is_file()
    assert not (made.root / ".hatch").exists()


def test_objects_do_not_enter_an_sdist(project):
    import tarfile

    made = project()
    made.wheel()
    [sdist] = SdistBuilder(str(made.root)).build()
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if ".hatch" in name or name.endswith(".so")]


def test_exceptions_can_be_left_out(project, capsys):
    made = project(EXTENSION.replace("m.c", "m.cpp") + "exceptions = false\n")
    made.write("src/p/m.cpp", CXX + "void fail() { throw 1; }\n")
    with pytest.raises(SystemExit):
        made.wheel()
    assert "-fno-exceptions" in capsys.readouterr().err


def test_headers_of_a_package(project, capsys, tmp_path, monkeypatch):
    (tmp_path / "site" / "kept").mkdir(parents=True)
    (tmp_path / "site" / "kept" / "__init__.py").write_text("def get_include(): return __path__[0]\n")
    (tmp_path / "site" / "kept" / "kept.h").write_text("const char *where = __FILE__;\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    made = project(EXTENSION + 'include-from = ["kept"]\n')
    source = (made.root / "src/p/m.c").read_text()
    made.write("src/p/m.c", f"#include <kept.h>\n{source}")
    made.wheel()
    module = made.module("native").read_bytes()
    assert b"/include/kept.h" in module
    assert str(tmp_path).encode() not in module
    for package, why in (("nowhere", "No module named 'nowhere'"), ("json", "has no attribute 'get_include'")):
        configuration = made.root / "pyproject.toml"
        configuration.write_text(configuration.read_text().replace('"kept"', f'"{package}"'))
        with pytest.raises(SystemExit):
            made.wheel()
        said = capsys.readouterr().err
        assert f"extensions[0].include-from: {package} does not say where its headers are: " in said
        assert why in said
        made.write("pyproject.toml", (text := configuration.read_text()) + "optional = true\n")
        assert made.wheel().name == "p-1-py3-none-any.whl"
        assert "warning: p.m is left out, it is optional: " in capsys.readouterr().err
        configuration.write_text(text.replace(f'"{package}"', '"kept"'))


def test_cxx(project):
    made = project(EXTENSION.replace("m.c", "m.cpp") + 'std = "c++17"\n')
    made.write("src/p/m.cpp", CXX)
    sys.path.insert(0, str(made.unpack()))
    try:
        from p import m

        assert m.sorted() == "abc"
    finally:
        sys.path.pop(0)
        for name in ("p", "p.m"):
            sys.modules.pop(name, None)


CXX = """\
#include <Python.h>
#include <algorithm>
#include <string>
static PyObject *sorted(PyObject *, PyObject *) {
    std::string text = "cab";
    std::sort(text.begin(), text.end());
    return PyUnicode_FromString(text.c_str());
}
static PyMethodDef methods[] = {{"sorted", sorted, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "m", nullptr, 0, methods};
PyMODINIT_FUNC PyInit_m() { return PyModule_Create(&definition); }
"""


class TestEditable:
    @pytest.mark.parametrize("target", ["native", "wasi"])
    def test_module_is_written_beside_the_package(self, project, monkeypatch, target, capsys):
        monkeypatch.setenv("HATCH_WASI_TARGET", target)
        made = project(EXTENSION.replace("src/p/m.c", "c/m.c"))
        made.write("c/m.c", (made.root / "src/p/m.c").read_text())
        made.wheel("editable")
        assert [path.relative_to(made.root).as_posix() for path in made.root.glob("[!.]*/**/*.so")] == [
            f"src/p/m{SUFFIX}"
        ]
        assert ("an editable install is for the interpreter that runs it" in capsys.readouterr().err) == (
            target == "wasi"
        )

    def test_nothing_is_done_twice(self, project, commands):
        made = project()
        made.wheel("editable")
        before = (made.root / f"src/p/m{SUFFIX}").stat()
        commands()
        made.wheel("editable")
        assert commands() == []
        assert (made.root / f"src/p/m{SUFFIX}").stat() == before
        (made.root / f"src/p/m{SUFFIX}").unlink()
        made.wheel("editable")
        assert commands() == []
        assert (made.root / f"src/p/m{SUFFIX}").read_bytes() == made.module("native").read_bytes()

    def test_renamed(self, project):
        made = project()
        made.wheel("editable")
        configuration = made.root / "pyproject.toml"
        configuration.write_text(configuration.read_text().replace('"p.m"', '"p.sub.m"'))
        made.wheel("editable")
        # Nothing in the source tree is imported as p.sub.m: the editable wheel holds it.
        assert list(made.root.glob("src/**/*.so")) == []

    def test_a_standard_wheel_can_be_built_beside_it(self, project):
        made = project()
        made.wheel("editable")
        assert f"p/m{SUFFIX}" in {path.relative_to(made.root / "site").as_posix() for path in made.unpack().rglob("*")}


class TestCopies:
    def test_another_platforms_is_refused(self, project, capsys):
        made = project()
        (made.root / ".gitignore").unlink()
        made.write(f"src/p/{FOREIGN}", "")
        said = refusal(made, capsys)
        assert f"error: the wheel would hold src/p/{FOREIGN}, a copy of p.m that this build did not make\n" in said
        assert "hint: add *.so to .gitignore" in said

    def test_found_although_nothing_else_changed(self, project, capsys):
        made = project()
        made.write(f"src/p/{FOREIGN}", "")
        made.wheel()
        (made.root / ".gitignore").unlink()
        assert "a copy of p.m" in refusal(made, capsys)
        (made.root / f"src/p/{FOREIGN}").unlink()
        made.wheel()
        made.write(f"src/p/{FOREIGN}", "")
        assert "a copy of p.m" in refusal(made, capsys)

    def test_even_if_the_marker_leaves_the_extension_out(self, project, capsys):
        made = project(EXTENSION + "marker = \"sys_platform == 'wasi'\"\n")
        (made.root / ".gitignore").unlink()
        made.write(f"src/p/m{SUFFIX}", "")
        assert "a copy of p.m" in refusal(made, capsys)

    def test_an_editable_build_minds_none(self, project):
        made = project()
        (made.root / ".gitignore").unlink()
        made.write(f"src/p/{FOREIGN}", "")
        made.wheel("editable")


class TestClean:
    def clean(self, made, version):
        list(WheelBuilder(str(made.root)).build(versions=[version], clean_only=True))

    def test_standard(self, project):
        made = project()
        made.wheel()
        assert (made.root / ".hatch/wasi").is_dir()
        self.clean(made, "standard")
        assert not (made.root / ".hatch").exists()

    def test_others_things_in_hatchs_folder_stay(self, project):
        made = project()
        made.write(".hatch/other", "")
        made.wheel()
        self.clean(made, "standard")
        assert [path.name for path in (made.root / ".hatch").iterdir()] == ["other"]

    def test_what_an_editable_install_runs_goes_only_on_request(self, project):
        made = project()
        made.wheel("editable")
        module = made.root / f"src/p/m{SUFFIX}"
        self.clean(made, "standard")
        assert module.is_file()
        self.clean(made, "editable")
        assert not module.exists()
        assert not (made.root / ".hatch").exists()

    def test_nothing_to_clean(self, project):
        self.clean(project(), "standard")


def test_cython_is_missing(copy, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "Cython", None)
    said = refusal(copy("tests/packages/cythonized"), capsys)
    assert "error: cythonized._primes: Cython is not installed, and src/cythonized/_primes.pyx needs it" in said


def test_cython_error(copy, capsys):
    project = copy("tests/packages/cythonized")
    project.write("src/cythonized/_primes.pyx", "cdef int f(:\n")
    said = refusal(project, capsys)
    assert "src/cythonized/_primes.pyx:1:11: " in said
    assert "\nerror: cythonized._primes: translating src/cythonized/_primes.pyx failed: " in said


def test_project_that_cannot_be_written(project, capsys):
    made = project()
    made.write(".hatch", "in the way")
    assert f"error: objects cannot be written to {made.root}/.hatch/wasi/" in refusal(made, capsys)


def test_no_compiler(project, capsys, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    said = refusal(project(), capsys)
    assert "error: p.m: compiling src/p/m.c: cannot run no-such-compiler: No such file or directory" in said


def test_another_compiler_means_again(project, commands, monkeypatch, tmp_path):
    made = project()
    made.wheel()
    commands()
    compiler = tmp_path / "cc"
    compiler.write_text(f'#!/bin/sh\nexec {sysconfig.get_config_var("CC").split()[0]} "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    made.wheel()
    assert len(commands()) == 2
    made.wheel()
    assert commands() == []
    compiler.write_text(compiler.read_text() + "# upgraded\n")
    made.wheel()
    assert len(commands()) == 2


def test_top_level_module(project):
    made = project(EXTENSION.replace("p.m", "m"))
    assert f"m{SUFFIX}" in {path.name for path in made.unpack().iterdir()}


def test_two_targets_live_side_by_side(project, commands, monkeypatch, toolchain):
    made = project()
    for _ in range(2):
        for target in ("wasi", "native"):
            monkeypatch.setenv("HATCH_WASI_TARGET", target)
            made.wheel()
    assert len(commands()) == 6
    assert {path.name.partition(".")[2] for path in made.root.glob(".hatch/wasi/*/p.m/*.so")} == {
        EXTENSION_SUFFIXES[0].removeprefix("."), FOREIGN.removeprefix("m."),
    }  # fmt: skip


def test_no_toolchain_and_no_way_to_one(project, capsys, monkeypatch, tmp_path):
    """Whatever the reason is, it is told in one message and nothing is left."""
    monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")
    monkeypatch.setenv("HATCH_WASI_SDK", "existing")
    monkeypatch.setenv("WASI_SDK_PATH", str(tmp_path / "nowhere"))
    monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
    made = project()
    said = refusal(made, capsys)
    assert said.startswith("error: ")
    assert str(tmp_path / "nowhere") in said
    assert "Traceback" not in said
    assert not list(made.root.glob("dist/*"))
    assert Cache(tmp_path / "cache").entries("sdk") == []


def test_killed_while_compiling(project, tmp_path):
    """What a killed build leaves does not harm the next."""
    import subprocess
    import time

    made = project(EXTENSION.replace("m.c", "*.c"))
    made.write("src/p/slow.c", "int slow;\n")
    compiler = tmp_path / "cc"
    real = sysconfig.get_config_var("CC").split()[0]
    compiler.write_text(f"""#!/bin/sh
case "$*" in *slow.c*) if [ -e {tmp_path}/slow ]; then
    echo half > "$(echo "$*" | sed 's/.* -o //')"; echo $$ > {tmp_path}/pid; exec sleep 60
fi esac
exec {real} "$@"
""")
    compiler.chmod(0o755)
    (tmp_path / "slow").touch()
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    env = {**os.environ, "CC": str(compiler)}
    with subprocess.Popen(argv, cwd=made.root, env=env, stderr=subprocess.DEVNULL) as running:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
        running.kill()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    (tmp_path / "slow").unlink()
    subprocess.run(argv, cwd=made.root, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert made.module("native").read_bytes()[:4] != b"half"


def test_two_folders_give_the_same_module(project, tmp_path):
    """Natively too, debug information included."""
    first = project(EXTENSION + 'extra-compile-args = ["-g"]\n')
    second = type(first)(tmp_path / "a" / "much longer place")
    shutil.copytree(first.root, second.root)
    first.wheel()
    second.wheel()
    module = first.module("native").read_bytes()
    assert module == second.module("native").read_bytes()
    assert str(tmp_path).encode() not in module


def test_build_folder_is_shared_by_no_two_builds_at_once(project, tmp_path):
    """Two builds of one project at once both succeed."""
    import subprocess

    made = project()
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    running = [
        subprocess.Popen([*argv, str(tmp_path / str(index))], cwd=made.root, stderr=subprocess.DEVNULL)
        for index in range(3)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    shutil.rmtree(tmp_path / "0")


def test_what_a_compiler_prints_does_not_steer_the_terminal(project, capsys, monkeypatch):
    made = project()
    made.write("src/p/m.c", '#error "\x1b]0;owned\x07\x1b[31mRED\u202e"\n')
    monkeypatch.setenv("CFLAGS", "-fdiagnostics-color=always")
    said = refusal(made, capsys)
    assert r"\x1b]0;owned\x07RED\u202e" in said
    assert all(line.isprintable() for line in said.split("\n"))
