"""Builds that run what they have built: that runs on WASI Python, in the midst of the build."""

import pytest
from making import fails, made, unpack
from projects import CMAKE_CXX, write

RUNNING = """\
import os, subprocess, sys
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
class Run(build_ext):
    def run(self):
        super().run()
        told = "import sys, helper, answer; open('told.txt', 'w').write(f'{answer.ask(9.0)} {sys.argv[1]} {helper.WHERE}')"
        subprocess.run([sys.executable, "-c", told, "a word"], cwd=self.build_lib, check=True)
helper = {"PYTHONPATH": os.path.abspath("helpers"), "WHERE": "here"}
os.environ.update(helper)
"""
STUBS = "nanobind_add_stub(stub MODULE answer OUTPUT answer.pyi PYTHON_PATH $<TARGET_FILE_DIR:answer> DEPENDS answer)\n"


@pytest.mark.parametrize("name", ["setuptools-c", "limited-api"])
def test_a_module_is_run_by_its_build(wheel, tmp_path, name):
    """It has the words, the variables and the folder that it would have; the second's name does not tell its platform."""
    project = write(name, tmp_path / "project")
    text = (project / "setup.py").read_text().partition("\n")[2]
    (project / "setup.py").write_text(RUNNING + text.replace("setup(", "setup(cmdclass={'build_ext': Run}, "))
    (project / "helpers").mkdir()
    (project / "helpers" / "helper.py").write_text("import os, sys\nWHERE = os.environ['WHERE'] + ' ' + sys.platform\n")
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert (site / "told.txt").read_text() == "7.0 a word here wasi"


def test_what_fails_there_fails_the_build(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    text = (project / "setup.py").read_text().partition("\n")[2]
    running = RUNNING.replace("answer.ask(9.0)", "answer.ask()")
    (project / "setup.py").write_text(running + text.replace("setup(", "setup(cmdclass={'build_ext': Run}, "))
    (project / "helpers").mkdir()
    (project / "helpers" / "helper.py").write_text("WHERE = 1\n")
    assert "TypeError: answer.ask() takes exactly one argument" in fails(wheel(project), tmp_path)


@pytest.mark.parametrize("stable", ["", "STABLE_ABI "])
def test_stubs_are_made_of_a_module(wheel, tmp_path, stable):
    name = "scikit-build-core-nanobind"
    project = write(name, tmp_path / "project")
    text = (CMAKE_CXX % ("nanobind", "nanobind")).replace("module(answer ", f"module(answer {stable}")
    (project / "CMakeLists.txt").write_text(
        text + STUBS + "install(FILES ${CMAKE_BINARY_DIR}/answer.pyi DESTINATION .)\n"
    )
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert "def ask(arg: float, /) -> float" in (site / "answer.pyi").read_text()
