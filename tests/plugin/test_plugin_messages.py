"""What the hook says: which line is the headline, what is a warning, and what a log outlives."""

import re
import subprocess
from pathlib import Path

import pytest
from hatchling.bridge.app import Application
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from plain_module import MODULE

KEY = "tool.hatch.build.targets.wheel.hooks.wasi.extensions[0]"
EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\n'


class Recorder(Application):
    """Hatch's application, which also keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.infos, self.warnings = [], []

    def display_info(self, message="", **options):
        self.infos.append(message)

    def display_warning(self, message="", **options):
        self.warnings.append(message)


def recorded(made):
    app = Recorder()
    list(WheelBuilder(str(made.root), app=app).build(versions=["standard"]))
    return app


def refusal(made, capsys):
    with pytest.raises(SystemExit):
        made.wheel()
    return capsys.readouterr().err


def headline(said):
    [line] = [line for line in said.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")


class TestKinds:
    def test_progress_is_no_warning(self, project):
        app = recorded(project())
        assert app.warnings == []
        assert any(line.startswith("compiling for ") for line in app.infos)

    def test_warnings_are(self, project):
        app = recorded(project(EXTENSION + 'include-dirs = ["no", "src"]\nlibrary-dirs = ["lib"]\n'))
        assert len(app.warnings) == 2
        for warning, key, folder in zip(app.warnings, ("include-dirs", "library-dirs"), ("no", "lib"), strict=True):
            assert warning.startswith(f"warning: {KEY}.{key}: '{folder}' does not exist below ")

    @pytest.mark.usefixtures("wasi")
    def test_audit_that_cannot_write(self, project, capsys):
        made = project()
        (made.root / ".hatch/wasi/audited/x").mkdir(parents=True)
        said = refusal(made, capsys)
        assert re.match(r"p-1-cp\d+-cp\d+-wasi_wasm32\.whl could not be audited: ", headline(said))
        assert "Traceback" not in said


class TestHeadlines:
    @pytest.mark.parametrize(
        ("source", "place"),
        [
            ("def f():\n    return undeclared(\n", "3:0"),
            ("cdef extern from *:\n    int x\ncdef int unused(:\n    pass\n", "3:16"),
            ("cimport nowhere\n", "1:8"),
            ("cdef int f(object x):\n    cdef int *p = x\n    return p\n", "2:18"),
        ],
    )
    def test_cython(self, project, capsys, source, place):
        made = project(EXTENSION.replace("m.c", "m.pyx"))
        made.write("src/p/m.pyx", source)
        said = headline(refusal(made, capsys))
        assert said.startswith(f"p.m: translating src/p/m.pyx failed: src/p/m.pyx:{place}: ")

    def test_cython_in_an_included_file(self, project, capsys):
        made = project(EXTENSION.replace("m.c", "m.pyx"))
        made.write("src/p/m.pyx", 'include "part.pxi"\n')
        made.write("src/p/part.pxi", "cdef int f(:\n    pass\n")
        assert "failed: src/p/part.pxi:1:11: " in headline(refusal(made, capsys))

    def test_compiler(self, project, capsys):
        made = project()
        made.write("src/p/m.c", "int x = ;\n")
        assert headline(refusal(made, capsys)).startswith("p.m: compiling src/p/m.c failed: src/p/m.c:1:9: error: ")


class TestLogs:
    def test_none_is_cited_that_shows_nothing_more(self, project, capsys):
        made = project()
        made.write("src/p/m.c", "int x = ;\n")
        assert "  log: " not in refusal(made, capsys)

    def test_one_that_is_cited_is_there_when_the_build_environment_is_gone(self, project, environment, no_cache):
        made = project()
        made.write("src/p/m.c", "".join(f"int wrong{number} = ;\n" for number in range(2000)))
        [sdist] = SdistBuilder(str(made.root)).build()
        argv = [environment.python, "-m", "pip", "install", "--no-build-isolation", "--no-deps", sdist]
        done = subprocess.run(argv, env=environment.env, capture_output=True, encoding="utf-8", check=False)
        [log] = re.findall(r"  log: (.*)", done.stdout + done.stderr)
        assert Path(log).is_relative_to(no_cache)
        assert "wrong1000" in Path(log).read_text()


class TestMacros:
    def test_numbers(self, project):
        made = project(EXTENSION + "define-macros = {{ A = 1.5, B = -2, C = 1e30, D = true }}\n")
        check = "_Static_assert(A == 1.5 && B == -2 && C == 1e30 && D == 1, {!r});\n".format("values").replace("'", '"')
        made.write("src/p/m.c", check + MODULE.format(leaf="m"))
        made.wheel()
        assert made.module("native").is_file()


class TestStandards:
    @pytest.mark.parametrize(
        ("suffix", "std", "language"), [("c", "c++17", "C++"), ("c", "gnu++20", "C++"), ("cpp", "c11", "C")]
    )
    def test_of_a_language_that_is_not_there(self, project, capsys, suffix, std, language):
        made = project(EXTENSION.replace("m.c", f"m.{suffix}") + f'std = "{std}"\n')
        made.write(f"src/p/m.{suffix}", MODULE.format(leaf="m"))
        said = headline(refusal(made, capsys))
        assert said.startswith(f"1 configuration error: {KEY}.std is '{std}', but no source is {language}")

    @pytest.mark.parametrize("target", ["native", "wasi"])
    def test_each_is_for_its_language(self, project, monkeypatch, target, toolchain):
        monkeypatch.setenv("HATCH_WASI_TARGET", target)
        sources = '"src/p/m.c", "src/p/more.cpp"'
        arguments = '["-std=c11", "-std=c++17", "-Werror"]'
        made = project(EXTENSION.replace('"src/p/m.c"', sources) + f"extra-compile-args = {arguments}\n")
        made.write("src/p/m.c", '_Static_assert(__STDC_VERSION__ == 201112L, "C11");\n' + MODULE.format(leaf="m"))
        made.write("src/p/more.cpp", 'static_assert(__cplusplus == 201703L, "C++17");\n')
        made.wheel()
        assert made.module(target).is_file()

    def test_of_cython(self, project, capsys):
        made = project(EXTENSION.replace("m.c", "m.pyx") + 'std = "c++17"\n')
        made.write("src/p/m.pyx", "")
        assert f"{KEY}.std" in refusal(made, capsys)
        made.write("src/p/m.pyx", "# distutils: language = c++\n")
        made.wheel()
        assert made.module("native").is_file()
