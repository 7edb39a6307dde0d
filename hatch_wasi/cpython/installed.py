"""Native Pythons that are installed on this machine: on the PATH, and where version managers keep them."""

import fnmatch
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hatch_wasi import process

__all__ = ["candidates"]

CONDA_ROOTS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")


def candidates(short_version: str, home: Path | None = None) -> Iterator[Path]:
    """List the places where an interpreter X.Y may be, the likeliest first; some may not exist, or be listed twice.

    `home` is the user's home folder; None: this user's.
    """
    name = f"python{short_version}"
    if sys.version_info[:2] == tuple(map(int, short_version.split("."))):
        yield Path(sys.base_prefix, "bin", name)
    for folder in os.get_exec_path(process.base_environment()):
        yield Path(folder, name)
    for prefix in _prefixes(short_version, home or Path.home()):
        yield prefix / "bin" / name


def _prefixes(short_version: str, home: Path) -> Iterator[Path]:
    """List the prefixes of installations: `bin` is below them."""
    data = _folder("XDG_DATA_HOME", home / ".local" / "share")
    yield from _newest(_folder("PYENV_ROOT", home / ".pyenv") / "versions", f"{short_version}*")
    yield from _newest(_folder("UV_PYTHON_INSTALL_DIR", data / "uv" / "python"), f"cpython-{short_version}*")
    yield from _newest(_folder("MISE_DATA_DIR", data / "mise") / "installs" / "python", f"{short_version}*")
    yield from _newest(_folder("ASDF_DATA_DIR", home / ".asdf") / "installs" / "python", f"{short_version}*")
    yield _folder("HATCH_DATA_DIR", data / "hatch") / "env" / "virtual" / ".pythons" / short_version / "python"
    yield from _conda(home)
    tag = "cp" + short_version.replace(".", "")
    yield Path("/opt/python", f"{tag}-{tag}")  # manylinux images
    for root in (Path("/opt/homebrew"), Path("/usr/local"), Path("/home/linuxbrew/.linuxbrew")):
        yield root
        yield root / "opt" / f"python@{short_version}"
    yield Path("/Library/Frameworks/Python.framework/Versions", short_version)


def _folder(variable: str, default: Path) -> Path:
    said = os.environ.get(variable)
    return Path(said).expanduser() if said else default


def _newest(folder: Path, pattern: str) -> list[Path]:
    """List the folders of versions that match; 3.13.10 comes before 3.13.9."""
    return sorted(_matching(folder, pattern), key=lambda path: (_numbers(path.name), path.name), reverse=True)


def _matching(folder: Path, pattern: str) -> list[Path]:
    """List what matches in `folder`; nothing if it is not there, or another user's who keeps it private."""
    try:
        return [folder / name for name in fnmatch.filter(os.listdir(folder), pattern)]  # noqa: PTH208 - glob raises
    except OSError:
        return []


def _numbers(text: str) -> list[int]:
    return [int(part) for part in "".join(char if char.isdigit() else " " for char in text).split()]


def _conda(home: Path) -> Iterator[Path]:
    if active := os.environ.get("CONDA_PREFIX"):
        yield Path(active)
    try:
        text = (home / ".conda" / "environments.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    yield from (Path(line) for line in text.splitlines() if line.startswith("/"))
    roots = [home / name for name in CONDA_ROOTS] + [Path("/opt/conda")]
    for root in roots:
        yield root
        yield from sorted(_matching(root / "envs", "*"))
