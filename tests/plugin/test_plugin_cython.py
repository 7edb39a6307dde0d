"""Cython sources that say how they are compiled, and C that uses the headers Cython generates."""

import importlib.util
import sys

import pytest

EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.pyx"]\n'
# A whole program for either interpreter: the module's result, printed.
CHECK = "from p import m; print(m.result())"


@pytest.fixture
def made(project):
    """Make a project of `src/p/m.pyx` and other files."""

    def make(pyx, extension=EXTENSION, **options):
        made = project(extension, **options)
        (made.root / "src/p/m.c").unlink()
        made.write("src/p/m.pyx", pyx)
        return made

    return make


def result(made):
    """What `p.m.result()` gives in this interpreter."""
    made.wheel()
    module = made.module("native")
    spec = importlib.util.spec_from_file_location("p.m", module)
    loaded = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
        return loaded.result()
    finally:
        sys.modules.pop("p.m", None)


def refusal(made, capsys):
    with pytest.raises(SystemExit):
        made.wheel()
    return capsys.readouterr().err


LINES = """\
# A comment, and then how this is compiled.
# distutils: language = c++
# distutils: sources = c/half.cpp
# distutils: include_dirs = include  other/include
# distutils: define_macros = FACTOR=3  FLAG
# distutils: extra_compile_args = -DREPEATED -DLAST=1 -DLAST=4
#distutils: undef_macros = LAST_OF_ALL

cdef extern from "half.hpp":
    int half(int value)
    int FACTOR
    int LAST
def result():
    return half(8) * FACTOR * LAST
"""


def declared(made):
    made.write(
        "c/half.cpp",
        '#include "half.hpp"\n#ifndef FLAG\n#error FLAG\n#endif\nint half(int value) { return value / 2; }\n',
    )
    made.write("include/half.hpp", '#include "more.hpp"\n#ifdef __cplusplus\nint half(int value);\n#endif\n')
    made.write("other/include/more.hpp", "#ifndef REPEATED\n#error REPEATED\n#endif\n")
    return made


class TestLines:
    def test_native(self, made):
        assert result(declared(made(LINES))) == 48

    @pytest.mark.usefixtures("wasi")
    def test_wasi(self, made, guest):
        project = declared(made(LINES))
        assert guest("--site", project.unpack(), "-c", CHECK).stdout == "48\n"

    def test_what_is_configured_comes_first(self, made):
        project = made(
            "# distutils: define_macros = ONE=1\n# distutils: extra_compile_args = -DTWO=2\n"
            "cdef extern from *:\n    int ONE\n    int TWO\n    int THREE\ndef result():\n    return ONE, TWO, THREE\n",
            EXTENSION + 'define-macros = {{ THREE = 3 }}\nextra-compile-args = ["-UTWO", "-DTWO=0", "-UTWO"]\n',
        )
        assert result(project) == (1, 2, 3)

    def test_lines_of_a_declaration_file_that_is_cimported(self, made):
        project = made("from p.other cimport VALUE\n\ndef result():\n    return VALUE\n")
        project.write("src/p/__init__.pxd", "")
        project.write(
            "src/p/other.pxd",
            "# distutils: extra_compile_args = -DVALUE=5\ncdef extern from *:\n    int VALUE\n",
        )
        assert result(project) == 5

    def test_depends(self, made, commands):
        """A file that no compiler reports: what a macro names."""
        project = made(
            '# distutils: depends = data.h\n# distutils: include_dirs = src/data\ncdef extern from "data.h":\n'
            "    int VALUE\ndef result():\n    return VALUE\n"
        )
        project.write("src/data/data.h", "#define VALUE 1\n")
        assert result(project) == 1
        project.write("src/data/data.h", "#define VALUE 2\n")
        commands()
        project.wheel()
        assert [command for command in commands() if " -c " in command]

    def test_unknown(self, made, capsys):
        said = refusal(made("# distutils: langauge = c++\n# distutils: np_pythran = True\n"), capsys)
        assert "src/p/m.pyx: distutils: langauge is not known (did you mean 'language'?)\n" in said
        assert "src/p/m.pyx: distutils: np_pythran" in said

    @pytest.mark.parametrize("name", ["missing.c", "../outside.c", "/etc/passwd", "src/p/__init__.py"])
    def test_sources_that_are_none(self, made, capsys, name, tmp_path):
        (tmp_path / "outside.c").touch()
        said = refusal(made(f"# distutils: sources = {name}\n"), capsys)
        assert f"error: 1 configuration error: src/p/m.pyx: distutils: sources: '{name}'" in said

    def test_cxx_is_known_before_cython_is_installed(self, made, monkeypatch, tmp_path):
        """What makes the C++ library is asked for together with Cython."""
        from hatchling.builders.wheel import WheelBuilder

        from hatch_wasi.toolchain import cmake

        monkeypatch.setattr(cmake, "_candidates", lambda _: iter(()))
        monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")
        monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
        for line, is_cxx in (("# distutils: language = c++\n", True), ("", False)):
            asked = WheelBuilder(str(made(line).root)).config.dependencies
            assert any(name.startswith("cmake") for name in asked) == is_cxx


PUBLIC = """\
cdef extern from "used.h":
    int use(int value) except? -1
cdef public int twice(int value) except? -1:
    return 2 * value
cdef api int thrice(int value) except? -1:
    return 3 * value
def result():
    return use(7)
"""
USER = """\
#include <Python.h>
#include "{folder}m.h"
#include "used.h"
int use(int value) {{ return twice(value) + 1; }}
"""


class TestGeneratedHeaders:
    def using(self, made, folder="", more=""):
        project = made(PUBLIC, EXTENSION.replace('m.pyx"', 'm.pyx", "c/used.c"') + more)
        project.write("src/p/used.h", "int use(int value);\n")
        project.write("c/used.c", USER.format(folder=folder))
        return project

    @pytest.mark.parametrize(
        ("folder", "more"), [("", 'include-dirs = ["src/p"]'), ("p/", 'include-dirs = ["src", "src/p"]')]
    )
    def test_native(self, made, folder, more):
        assert result(self.using(made, folder, more=more)) == 15

    @pytest.mark.usefixtures("wasi")
    def test_wasi(self, made, guest):
        project = self.using(made, more='include-dirs = ["src/p"]')
        assert guest("--site", project.unpack(), "-c", CHECK).stdout == "15\n"

    def test_compiled_again_when_the_declarations_change(self, made):
        project = self.using(made, more='include-dirs = ["src/p"]')
        assert result(project) == 15
        project.write("src/p/m.pyx", PUBLIC.replace("int twice(int", "long twice(long"))
        project.write("c/used.c", USER.format(folder="") + "long (*check)(long) = twice;\n")
        assert result(project) == 15

    def test_none_is_left_of_what_is_no_longer_public(self, made, capsys):
        project = self.using(made, more='include-dirs = ["src/p"]')
        project.wheel()
        project.write("src/p/m.pyx", PUBLIC.replace("cdef public", "cdef").replace("cdef api", "cdef"))
        assert "c/used.c:2:10: fatal error: m.h" in refusal(project, capsys)

    def test_api_of_another_module(self, made, environment):
        both = EXTENSION + EXTENSION.replace("p.m", "p.other").replace("src/p/m.pyx", "src/p/other.pyx")
        project = made("cdef api int thrice(int value) except? -1:\n    return 3 * value\n", both)
        project.write(
            "src/p/other.pyx",
            'cdef extern from "m_api.h":\n    int import_p__m() except -1\n    int thrice(int value) except? -1\n'
            "def result():\n    import_p__m()\n    return thrice(5)\n",
        )
        environment.install(project.root)
        assert environment.run("-c", "from p import other; print(other.result())") == "15\n"


def test_source_whose_name_is_a_pattern(project):
    made = project('[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/[m]?*.c"]\n')
    (made.root / "src/p/m.c").rename(made.root / "src/p/[m]?*.c")
    made.wheel()
    assert made.module("native").is_file()
