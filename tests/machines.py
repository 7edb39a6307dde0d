"""Two machines, as far as one can be made to look like two: everything that must not show in a wheel is another one.

They differ in folder, home, temporary folder and cache, user, umask, locale, time zone, hash seed and cores; sources are
written in another order, at another time and with other permissions.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENTRIES = ("build-python", "cxx", "downloads", "python", "sdk")
# To itself and all that it starts, a process is another user; to files it stays who it is, whose home may be closed.
OTHER_USER = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


def other_user() -> list[str]:
    """Give what begins a command of another user; nothing where the system does not allow for one."""
    probe = [*OTHER_USER, sys.executable, "-c", "import os; assert os.getuid() == 65534"]
    allowed = shutil.which(OTHER_USER[0]) and subprocess.run(probe, check=False, capture_output=True).returncode == 0
    return OTHER_USER if allowed else []


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where and how commands are run."""

    root: Path
    """Holds everything that they write."""
    before: Sequence[str]
    """What commands begin with."""
    umask: int
    environment: Mapping[str, str]
    mtime: int
    """Of sources."""
    mode: int
    """Of sources."""
    backwards: bool
    """Write sources in reverse order: folders list them in another."""

    def write(self, files: Mapping[str, str]) -> Path:
        """Write a project, and give its folder."""
        project = self.root / "project"
        for name in sorted(files, reverse=self.backwards):
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
            path.chmod(self.mode)
            os.utime(path, (self.mtime, self.mtime))
        return project

    def run(self, *words: str | Path, **more: str) -> None:
        """Run a module of Python's in the project's folder; it must succeed."""
        kept = ("PATH", "PIP_CERT", "PIP_FIND_LINKS", "HATCH_WASI_BUILD_PYTHON", "HATCH_WASI_SDK", "HATCH_WASI_PYTHON")
        env = {name: os.environ[name] for name in kept if name in os.environ} | dict(self.environment) | more
        argv = [*self.before, sys.executable, "-m", *map(os.fspath, words)]
        done = subprocess.run(
            argv, cwd=self.root / "project", env=env, umask=self.umask, capture_output=True, encoding="utf-8", check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def two_machines(folder: Path, cache: Path) -> tuple[Machine, Machine]:
    """Make them below `folder`; both have the toolchain of `cache`."""
    cores = sorted(os.sched_getaffinity(0))
    places = folder / "a", folder / "größere Stücke" / "in einem viel längeren Ordner" / "b"
    for place in places:
        (place / "home").mkdir(parents=True)
        (place / "tmp").mkdir()
        (place / "cache").mkdir()
        for name in ENTRIES:
            if (cache / name).is_dir():
                (place / "cache" / name).symlink_to(cache / name)
    return (
        Machine(
            root=places[0],
            before=["taskset", "-c", str(cores[0])],
            umask=0o022,
            environment=_environment(places[0], LC_ALL="C", TZ="UTC", PYTHONHASHSEED="1", USER="root"),
            mtime=1_700_000_000,
            mode=0o644,
            backwards=False,
        ),
        Machine(
            root=places[1],
            before=[*other_user(), "taskset", "-c", ",".join(map(str, cores))],
            umask=0o077,
            environment=_environment(
                places[1], LC_ALL="de_DE.UTF-8", LANG="C.UTF-8", TZ="Asia/Kolkata", PYTHONHASHSEED="2", USER="nobody"
            ),
            mtime=1_000_000_000,
            mode=0o600,
            backwards=True,
        ),
    )


def _environment(place: Path, **more: str) -> dict[str, str]:
    return {
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "HATCH_WASI_CACHE_DIR": str(place / "cache"),
        "PYTHONUTF8": "1",
        **more,
    }


def differences(one: Path, other: Path) -> list[str]:
    """Name what differs between two wheels; empty means that they are the same, byte for byte."""
    if one.read_bytes() == other.read_bytes():
        return []
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        names = [item.namelist() for item in (first, second)]
        if names[0] != names[1]:
            return [f"members: {names[0]} and {names[1]}"]
        found = []
        for name in names[0]:
            about = [{key: getattr(item.getinfo(name), key) for key in ABOUT} for item in (first, second)]
            found += [
                f"{name}: {key} {about[0][key]} and {about[1][key]}" for key in ABOUT if about[0][key] != about[1][key]
            ]
            if first.read(name) != second.read(name):
                found.append(f"{name}: {_first(first.read(name), second.read(name))}")
    return found or ["the archives themselves"]


ABOUT = ("date_time", "compress_type", "create_system", "external_attr", "extra", "comment", "flag_bits")


def _first(one: bytes, other: bytes) -> str:
    """Show where two contents begin to differ."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"at {at}: {one[max(at - 40, 0) : at + 40]!r} and {other[max(at - 40, 0) : at + 40]!r}"
