"""Tools of a build that are compiled for this machine work while its Python answers as WASI's."""

from making import made, unpack
from projects import EXTENSION, PROJECT, SETUPTOOLS, write

# mypy is compiled by mypyc, which drops the branches of `if sys.platform == …` that are not taken where it runs.
TOOL = """\
import os, sys
import mypy.build, mypy.util
from mypy.modulefinder import BuildSource
from mypy.options import Options
assert mypy.util.__file__.endswith(".so"), "a compiled tool is wanted here"
options = Options()
options.incremental, options.cache_dir = False, os.devnull
options.sqlite_cache = False  # the Python that hatch-wasi builds has no SQLite
text = "import sys\\nif sys.platform == 'wasi':\\n    reveal_type(1)\\nelse:\\n    reveal_type('')\\n"
result = mypy.build.build([BuildSource("asked.py", None, text)], options)
open("told.py", "w").write(f"TOLD = {(result.errors, options.platform, sys.platform)!r}\\n")
"""


def test_a_compiled_tool_works_and_is_told_of_the_target(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    requires = SETUPTOOLS.replace('["setup', '["mypy>=1.15", "setup')
    (project / "pyproject.toml").write_text(requires + PROJECT + "[tool.setuptools]\npy-modules = ['told']\n")
    (project / "setup.py").write_text(TOOL + EXTENSION.format("answer.c", ""))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[list[str], str, str]] = {}
    exec((unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site") / "told.py").read_text(), found)
    (said,), *platforms = found["TOLD"]
    assert platforms == ["wasi", "wasi"]
    assert said.startswith("asked.py:3: "), "the branch for WASI is taken, and that alone"
