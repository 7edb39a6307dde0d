"""What an editable install leaves in the source tree, and what later builds make of it; pip and venvs are real."""

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from plain_module import MODULE

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
FILE = "import {0}; print({0}.__file__)"
HOOK = '[build-system]\nrequires = ["hatchling", "hatch-wasi"]\nbuild-backend = "hatchling.build"\n'


def modules_in(path):
    if path.suffix == ".whl":
        names = zipfile.ZipFile(path).namelist()
    else:
        with tarfile.open(path) as archive:
            names = archive.getnames()
    return [name for name in names if name.endswith(".so")]


def sdist(made):
    return Path(next(iter(SdistBuilder(str(made.root)).build())))


class TestNotIgnored:
    """A project whose version control does not ignore modules: they would be packed."""

    @pytest.fixture
    def made(self, project):
        made = project()
        (made.root / ".gitignore").unlink()
        return made

    def test_module_is_in_the_environment(self, made, environment):
        environment.install("-e", made.root)
        file = environment.run("-c", FILE.format("p.m")).strip()
        assert file == str(environment.site / "_hatch_wasi_editable_p" / "p" / f"m{SUFFIX}")
        assert environment.run("-c", "import p; print(p.__file__)").strip() == str(made.root / "src/p/__init__.py")
        assert list(made.root.glob("src/**/*.so")) == []

    def test_it_stays_when_objects_are_removed(self, made, environment):
        environment.install("-e", made.root)
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-c"], cwd=made.root, check=True)
        assert environment.run("-c", FILE.format("p.m")).strip().startswith(str(environment.site))

    def test_nothing_enters_later_builds(self, made, environment):
        environment.install("-e", made.root)
        assert modules_in(sdist(made)) == []
        assert modules_in(made.wheel()) == [f"p/m{SUFFIX}"]

    @pytest.mark.usefixtures("wasi")
    def test_a_wasi_wheel_is_built_beside_it(self, made, environment):
        environment.install("-e", made.root)
        assert modules_in(made.wheel()) == ["p/m.cpython-313-wasm32-wasi.so"]

    def test_uninstalled_without_a_trace(self, made, environment):
        before = set(environment.site.iterdir())
        environment.install("-e", made.root)
        environment.run("-m", "pip", "uninstall", "--yes", "p")
        assert set(environment.site.iterdir()) - before <= {environment.site / "__pycache__"}

    def test_placed_again_once_it_is_ignored(self, made, environment):
        environment.install("-e", made.root)
        made.write(".gitignore", "*.so\n")
        environment.install("-e", made.root)
        assert environment.run("-c", FILE.format("p.m")).strip() == str(made.root / f"src/p/m{SUFFIX}")


class TestPlaced:
    """A module that an editable install placed while it was ignored, and is not ignored any more."""

    @pytest.fixture
    def made(self, project):
        made = project()
        made.wheel("editable")
        assert (made.root / f"src/p/m{SUFFIX}").is_file()
        (made.root / ".gitignore").unlink()
        return made

    def test_native_wheel(self, made):
        (made.root / f"src/p/m{SUFFIX}").write_text("from the editable install")
        wheel = made.wheel()
        assert modules_in(wheel) == [f"p/m{SUFFIX}"]
        assert zipfile.ZipFile(wheel).read(f"p/m{SUFFIX}") == made.module("native").read_bytes()
        assert modules_in(made.wheel()) == [f"p/m{SUFFIX}"]  # nothing had to be built this time

    @pytest.mark.usefixtures("wasi")
    def test_wasi_wheel(self, made):
        assert modules_in(made.wheel()) == ["p/m.cpython-313-wasm32-wasi.so"]

    def test_not_even_as_an_artifact(self, made):
        configuration = made.root / "pyproject.toml"
        configuration.write_text(configuration.read_text() + '[tool.hatch.build]\nartifacts = ["*.so"]\n')
        (made.root / f"src/p/m{SUFFIX}").write_text("from the editable install")
        assert zipfile.ZipFile(made.wheel()).read(f"p/m{SUFFIX}") == made.module("native").read_bytes()

    def test_sdist_of_a_hook_for_all_targets(self, project):
        made = project(key="tool.hatch.build.hooks.wasi")
        made.wheel("editable")
        (made.root / ".gitignore").unlink()
        assert modules_in(sdist(made)) == []

    def test_removed_by_the_next_editable_install(self, made):
        made.wheel("editable")
        assert list(made.root.glob("src/**/*.so")) == []


def test_folder_ignores_itself(project):
    made = project()
    subprocess.run(["git", "init", "--quiet"], cwd=made.root, check=True)
    made.write(".gitignore", "/dist/\n")
    subprocess.run(["git", "add", "."], cwd=made.root, check=True)
    made.wheel()
    argv = ["git", "ls-files", "--others", "--exclude-standard"]
    assert subprocess.run(argv, cwd=made.root, check=True, stdout=subprocess.PIPE).stdout == b""
    assert (made.root / ".hatch/wasi").is_dir()


def test_extensions_without_a_package(project, environment):
    """Neither the module at the top nor the package that holds nothing else is in a folder that Python searches."""
    made = project()
    made.write(
        "pyproject.toml",
        f'{HOOK}[project]\nname = "Two-C.files"\nversion = "1"\n'
        '[[tool.hatch.build.hooks.wasi.extensions]]\nname = "top"\nsources = ["c/top.c"]\n'
        '[[tool.hatch.build.hooks.wasi.extensions]]\nname = "space.deep.inner"\nsources = ["c/inner.c"]\n',
    )
    for path in made.root.glob("src/**/*.*"):
        path.unlink()
    for leaf in ("top", "inner"):
        made.write(f"c/{leaf}.c", MODULE.format(leaf=leaf))
    environment.install("-e", made.root)
    for name in ("top", "space.deep.inner"):
        file = environment.run("-c", FILE.format(name)).strip()
        assert file.startswith(str(environment.site / "_hatch_wasi_editable_two_c_files"))
    environment.run("-c", "import space; assert list(space.__path__) == []")
    assert list(made.root.glob("*/*.so")) == []
    # An ordinary install needs no finder.
    environment.install("--force-reinstall", made.root)
    assert environment.run("-c", FILE.format("top")).strip() == str(environment.site / f"top{SUFFIX}")


def test_package_whose_own_code_is_an_extension(project, environment):
    made = project('[[{key}.extensions]]\nname = "p.__init__"\nsources = ["c/p.c"]\n')
    (made.root / ".gitignore").unlink()
    (made.root / "src/p/__init__.py").unlink()
    made.write("src/p/plain.py", "")
    made.write("c/p.c", MODULE.format(leaf="p"))
    environment.install("-e", made.root)
    environment.run(
        "-c", "import p, p.plain; assert p.__file__.endswith('.so'); assert p.plain.__file__.endswith('.py')"
    )


def test_src_layout_whose_names_are_not_ascii(project, environment):
    made = project()
    made.root.rename(made.root.with_name("ein Projekt mit Ümlauten"))
    made.root = made.root.with_name("ein Projekt mit Ümlauten")
    for ignored in ("*.so\n", ""):
        made.write(".gitignore", ignored)
        environment.install("-e", made.root)
        environment.run("-c", "import p.m")
        assert modules_in(made.wheel()) == [f"p/m{SUFFIX}"]
