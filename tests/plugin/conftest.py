"""Projects built by the real hatchling in this process, and a look at what came out."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from plain_module import MODULE

REPOSITORY = Path(__file__).parents[2]


class Project:
    """A copy of a project that a test may change."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def wheel(self, version: str = "standard") -> Path:
        """Build as hatchling does; SystemExit is the hook's refusal."""
        return Path(next(iter(WheelBuilder(str(self.root)).build(versions=[version]))))

    def unpack(self) -> Path:
        site = self.root / "site"
        shutil.rmtree(site, ignore_errors=True)
        with zipfile.ZipFile(self.wheel()) as wheel:
            wheel.extractall(site)
        return site

    def module(self, target: str = "wasi") -> Path:
        """The one extension module that was made."""
        folder = {"wasi": "*-wasi", "native": "*[!i]"}[target]
        [module] = self.root.glob(f".hatch/wasi/{folder}/*/*.so")
        return module


class Environment:
    """A fresh environment that sees this one's packages (hatchling, hatch-wasi, pip), as a build environment would."""

    def __init__(self, root: Path, cache: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True)
        self.python = root / "bin" / "python"
        self.site = next(root.glob("lib/python*/site-packages"))
        here = sysconfig.get_path("purelib")
        (self.site / "parent.pth").write_text(f"import site; site.addsitedir({here!r})\n")
        self.env = {**os.environ, "HATCH_WASI_CACHE_DIR": str(cache), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            [self.python, *arguments], env=self.env, cwd=self.site, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *what: str | Path) -> None:
        self.run("-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index", *what)


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Project]:
    """Copy a project of the repository: `tests/packages/craft`."""

    def make(name: str) -> Project:
        root = tmp_path / "project"
        ignored = shutil.ignore_patterns(".hatch", "dist", "*.so", "__pycache__")
        shutil.copytree(REPOSITORY / name, root, ignore=ignored)
        return Project(root)

    return make


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Project]:
    """Make a project `p` with extensions given as TOML (default: `p.m` from `src/p/m.c`)."""

    def make(
        extensions: str = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\n',
        *,
        settings: str = "",
        key: str = "tool.hatch.build.targets.wheel.hooks.wasi",
    ) -> Project:
        made = Project(tmp_path / "project")
        made.write(
            "pyproject.toml",
            '[build-system]\nrequires = ["hatchling", "hatch-wasi"]\nbuild-backend = "hatchling.build"\n'
            '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n'
            '[tool.hatch.build.targets.wheel]\npackages = ["src/p"]\nexclude = ["*.c"]\n'
            f"[{key}]\n{settings}\n" + extensions.format(key=key),
        )
        made.write("src/p/__init__.py", "")
        made.write("src/p/m.c", MODULE.format(leaf="m"))
        made.write(".gitignore", "*.so\n")
        return made

    return make


@pytest.fixture(autouse=True)
def _settled_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HATCH_WASI_TARGET", "HATCH_WASI_SDK", "HATCH_WASI_PYTHON", "HATCH_VERBOSE", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wasi(monkeypatch: pytest.MonkeyPatch, toolchain: object) -> None:
    """Build for WASI."""
    monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Give the commands that were run since it was last asked, as `-v` shows them."""
    monkeypatch.setenv("HATCH_VERBOSE", "1")

    def since() -> list[str]:
        return [line[2:] for line in capsys.readouterr().err.splitlines() if line.startswith("+ ")]

    return since


@pytest.fixture
def no_cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def environment(tmp_path, no_cache):
    return Environment(tmp_path / "venv", no_cache)
