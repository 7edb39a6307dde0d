"""Projects of unusual shape: no Python files, rewritten paths, folders that nobody may write to."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest
from hatchling.builders.sdist import SdistBuilder
from plain_module import MODULE

from hatch_wasi.extension import FOLDER, work_folder

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
WASI = ".cpython-313-wasm32-wasi.so"
EXTENSION = '[[{{key}}.extensions]]\nname = "{name}"\nsources = ["{source}"]\n'


@pytest.fixture
def bare(project):
    """Make a project without Python files; the keyword arguments are file names (`__` for a slash) and contents."""

    def make(name, source, tool=""):
        made = project()
        for path in made.root.glob("src/p/*"):
            path.unlink()
        (made.root / "src/p").rmdir()
        (made.root / "src").rmdir()
        made.write(
            "pyproject.toml",
            '[build-system]\nrequires = ["hatchling", "hatch-wasi"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "one-file"\nversion = "1"\n{tool}\n'
            f'[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]\nname = "{name}"\nsources = ["{source}"]\n',
        )
        made.write(source, MODULE.format(leaf=name.rpartition(".")[2]))
        return made

    return make


def refusal(made, capsys):
    with pytest.raises(SystemExit):
        made.wheel()
    return capsys.readouterr().err


def files(wheel):
    return [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]


class TestNoPythonFiles:
    def test_native(self, bare):
        made = bare("onefile", "onefile.c")
        wheel = made.wheel()
        assert files(wheel) == [f"onefile{SUFFIX}"]
        assert wheel.name.startswith("one_file-1-cp3")
        assert made.wheel() == wheel  # when nothing had to be built too
        assert files(wheel) == [f"onefile{SUFFIX}"]

    @pytest.mark.usefixtures("wasi")
    def test_wasi(self, bare, guest):
        made = bare("space.sub.onefile", "c/onefile.c")
        assert files(made.wheel()) == [f"space/sub/onefile{WASI}"]
        done = guest("--site", made.unpack(), "-c", "import space.sub.onefile as m; print(m.__name__)")
        assert done.stdout == "space.sub.onefile\n", done.stderr

    def test_from_its_sdist(self, bare, tmp_path):
        made = bare("onefile", "onefile.c")
        made.wheel()
        [sdist] = SdistBuilder(str(made.root)).build()
        with tarfile.open(sdist) as archive:
            assert sorted(archive.getnames()) == [
                f"one_file-1/{name}" for name in (".gitignore", "PKG-INFO", "onefile.c", "pyproject.toml")
            ]
        shutil.unpack_archive(sdist, tmp_path / "unpacked")
        unpacked = type(made)(tmp_path / "unpacked" / "one_file-1")
        assert files(unpacked.wheel()) == [f"onefile{SUFFIX}"]

    @pytest.mark.parametrize("file", ["tests/__init__.py", "tests/test_it.py", "noxfile.py", "docs/conf.py"])
    def test_helpers_are_no_reason_to_ask(self, bare, file):
        made = bare("onefile", "onefile.c")
        made.write(file, "")
        assert files(made.wheel()) == [f"onefile{SUFFIX}"]

    @pytest.mark.parametrize(
        ("name", "file", "named"),
        [
            ("_fast", "fast/__init__.py", "fast"),
            ("_fast", "src/fast/__init__.py", "src/fast"),
            ("_fast", "fast.py", "fast.py"),
            ("_fast", "src/other.py", "src/other.py"),
            ("space._fast", "space/slow.py", "space/slow.py"),
            ("space._fast", "lib/space/slow.py", "lib/space/slow.py"),
        ],
    )
    def test_python_files_are_not_left_out_silently(self, bare, capsys, name, file, named):
        made = bare(name, "c/fast.c")
        made.write(file, "")
        said = refusal(made, capsys)
        assert f"error: Hatch cannot tell whether {named} belongs in the wheel" in said
        assert "Traceback" not in said
        assert not list(made.root.glob("dist/*"))

    def test_found_when_it_appears_later(self, bare, capsys):
        made = bare("_fast", "fast.c")
        made.wheel()
        made.wheel()
        made.write("fast/__init__.py", "")
        assert "whether fast belongs in the wheel" in refusal(made, capsys)

    def test_wrong_selections_are_hatchs_business(self, bare):
        made = bare("onefile", "onefile.c", '[tool.hatch.build.targets.wheel]\ninclude = [""]')
        with pytest.raises(ValueError, match="include"):
            made.wheel()


class TestPaths:
    @pytest.mark.parametrize(
        ("tool", "name"),
        [
            ('packages = ["src/p"]', "p.m"),
            ('only-include = ["src/p"]\nsources = ["src"]', "p.m"),
            ('only-include = ["src/p"]\nsources = {"src/p" = "q"}', "q.m"),
            ('only-include = ["src/p"]\nsources = {"src" = "space"}', "space.p.m"),
            ('only-include = ["src/p"]\nsources = {"" = "space"}', "space.src.p.m"),
            ('only-include = ["src/p"]\nsources = {"src/p" = "q", "q" = "r"}', "q.m"),
        ],
    )
    def test_module_is_where_its_name_says(self, project, tool, name):
        made = project(EXTENSION.format(name=name, source="src/p/m.c"))
        configuration = made.root / "pyproject.toml"
        configuration.write_text(configuration.read_text().replace('packages = ["src/p"]', tool))
        place = name.replace(".", "/")
        assert sorted(files(made.wheel())) == sorted([f"{place.rpartition('/')[0]}/__init__.py", f"{place}{SUFFIX}"])

    def test_two_hooks_and_two_targets(self, project):
        made = project()
        configuration = made.root / "pyproject.toml"
        configuration.write_text(
            configuration.read_text().replace(
                '[project]\nname = "p"\nversion = "1"', '[project]\nname = "p"\ndynamic = ["version"]'
            )
            + '[tool.hatch.version]\npath = "src/p/__init__.py"\n[tool.hatch.build.hooks.custom]\n'
        )
        made.write("src/p/__init__.py", "__version__ = '1.5'\n")
        made.write(
            "hatch_build.py",
            "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
            "class Hook(BuildHookInterface):\n"
            "    def initialize(self, version, build_data):\n"
            "        open(self.root + '/src/p/generated.txt', 'w').close()\n"
            "        build_data['artifacts'].append('generated.txt')\n",
        )
        made.write(".gitignore", "*.so\ngenerated.txt\n")
        argv = [sys.executable, "-m", "hatchling"]
        subprocess.run([*argv, "build", "-t", "sdist", "-t", "wheel"], cwd=made.root, check=True)
        assert {path.suffix for path in made.root.glob("dist/p-1.5*")} == {".gz", ".whl"}
        assert set(files(next(made.root.glob("dist/*.whl")))) == {"p/__init__.py", "p/generated.txt", f"p/m{SUFFIX}"}
        done = subprocess.run([*argv, "version"], cwd=made.root, check=True, stdout=subprocess.PIPE, encoding="utf-8")
        assert done.stdout == "1.5\n"

    def test_another_copy_that_is_included_by_force(self, project, capsys):
        made = project()
        configuration = made.root / "pyproject.toml"
        text = configuration.read_text()
        force = "[tool.hatch.build.targets.wheel.force-include]\n"
        made.write("other/m.so", "")
        configuration.write_text(f'{text}{force}"other/m.so" = "p/m{SUFFIX}"\n')
        assert "error: the wheel would hold other/m.so, a copy of p.m" in refusal(made, capsys)
        configuration.write_text(f'{text}{force}"other/m.so" = "p/other.so"\n')
        assert set(files(made.wheel())) == {"p/__init__.py", "p/other.so", f"p/m{SUFFIX}"}

    def test_symlinked_project(self, project, tmp_path):
        made = project()
        (tmp_path / "link").symlink_to(made.root)
        linked = type(made)(tmp_path / "link")
        assert f"p/m{SUFFIX}" in files(linked.wheel())
        assert str(tmp_path).encode() not in made.module("native").read_bytes()


class TestReadOnly:
    @pytest.fixture
    def build(self, tmp_path):
        """Build a project's wheel as someone who may not write to it, into another folder."""
        # Root sees through permissions, unless it gives up what makes it do so.
        before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []

        def run(made, **env):
            for path in (made.root, *made.root.rglob("*")):
                path.chmod(path.stat().st_mode & ~0o222)
            argv = [*before, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "out"]
            temporary = tmp_path / "temporary"
            temporary.mkdir(exist_ok=True)
            env = {**os.environ, "TMPDIR": str(temporary), "HATCH_VERBOSE": "1", **env}
            done = subprocess.run(argv, cwd=made.root, env=env, capture_output=True, encoding="utf-8", check=False)
            for path in (made.root, *made.root.rglob("*")):
                path.chmod(path.stat().st_mode | 0o200)
            assert done.returncode == 0, done.stderr
            [wheel] = (tmp_path / "out").iterdir()
            return wheel, [line for line in done.stderr.splitlines() if line.startswith("+ ")]

        return run

    def test_native(self, project, build, tmp_path):
        made = project()
        wheel, commands = build(made)
        module = zipfile.ZipFile(wheel).read(f"p/m{SUFFIX}")
        assert len(commands) == 2
        assert str(tmp_path).encode() not in module
        assert not (made.root / ".hatch").exists()
        [private] = (tmp_path / "temporary").iterdir()
        assert private.stat().st_mode & 0o777 == 0o700
        assert build(made) == (wheel, [])  # the next one finds what was made
        made.wheel()
        assert made.module("native").read_bytes() == module

    @pytest.mark.usefixtures("wasi")
    def test_wasi(self, copy, build):
        made = copy("tests/packages/cythonized")
        wheel, _ = build(made)
        content = wheel.read_bytes()
        made.wheel()
        [usual] = made.root.glob("dist/*.whl")
        assert usual.name == wheel.name
        assert usual.read_bytes() == content

    def test_folder_of_a_project_that_may_be_written(self, tmp_path):
        assert work_folder(tmp_path) == tmp_path / FOLDER
        assert list(tmp_path.iterdir()) == []
