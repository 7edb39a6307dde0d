"""A project's source tree: what builds it (PEP 517, PEP 518), and a copy of it to build in."""

import os
import shutil
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.errors import BuildError

__all__ = ["Backend", "External", "copy", "read"]

# PEP 517, "Source trees": without a build-backend, setuptools' compatibility backend.
LEGACY = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools >= 40.8.0",)
JUNK = (
    "__pycache__", "*.pyc", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".tox", ".venv", ".hatch", "_skbuild",
)  # fmt: skip


# What of `dep:generic/NAME` is in WASI Python, or in its toolchain, as PEP 725's registry calls it.
BROUGHT = frozenset({"bzip2", "libffi", "python", "sqlite", "sqlite3", "xz", "zlib"})


@dataclass(frozen=True, kw_only=True)
class External:
    """What a project says it needs of others on the machine it is for (PEP 725, `external.host-requires`)."""

    packages: tuple[str, ...] = ()
    """Requirements on Python packages, of which there are wheels: `dep:pypi/NAME@VERSION`."""
    lacking: tuple[str, ...] = ()
    """What hatch-wasi does not bring, as it is written there."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """`build-system` of a pyproject.toml."""

    name: str
    """`module:object`."""
    requires: tuple[str, ...]
    path: tuple[str, ...] = ()
    """Folders of the project that it is imported from."""
    external: External = External()


def read(root: Path) -> Backend:
    """Read how the tree at `root` is built. Raises `BuildError` if it is no project."""
    pyproject, setup = root / "pyproject.toml", root / "setup.py"
    if not pyproject.is_file():
        if not setup.is_file():
            message = f"{root} is not a Python project: it has neither pyproject.toml nor setup.py"
            raise BuildError(message)
        return Backend(name=LEGACY, requires=LEGACY_REQUIRES)
    try:
        content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{pyproject} cannot be read: {error}"
        raise BuildError(message) from error
    system, external = content.get("build-system"), _external(content.get("external"))
    if system is None:
        return Backend(name=LEGACY, requires=LEGACY_REQUIRES, external=external)
    requires, name, path = system.get("requires"), system.get("build-backend", LEGACY), system.get("backend-path", [])
    if not isinstance(requires, list) or not isinstance(name, str) or not isinstance(path, list):
        message = f"{pyproject}: build-system must have `requires`, a list of requirements (PEP 518)"
        raise BuildError(message)
    return Backend(name=name, requires=tuple(map(str, requires)), path=tuple(map(str, path)), external=external)


def _external(table: object) -> External:
    """Read `external`; a provisional standard, of which nothing is an error here."""
    needs = table.get("host-requires", []) if isinstance(table, dict) else []
    packages, lacking = [], []
    for need in needs if isinstance(needs, list) else []:
        kind, _, rest = str(need).partition(";")[0].strip().removeprefix("dep:").removeprefix("pkg:").partition("/")
        name, _, version = rest.partition("@")
        if kind == "pypi":
            exact = f"=={version}" if version[:1].isdigit() else version
            packages.append(f"{name}{exact}")
        elif name not in BROUGHT:
            lacking.append(str(need))
    return External(packages=tuple(packages), lacking=tuple(lacking))


def copy(root: Path, folder: Path) -> None:
    """Copy the tree at `root` to `folder`: builds leave files, and those of another machine would be found again.

    Builds may write to the copy, whether or not anyone may write to the tree.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, symlinks=True, ignore=shutil.ignore_patterns(*JUNK))
    for parent, _, names in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in names)):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and not mode & stat.S_IWUSR:
                path.chmod(stat.S_IMODE(mode) | stat.S_IWUSR)
