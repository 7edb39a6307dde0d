"""CMake and Ninja, for what can be built by nothing else (LLVM's parts): the machine's, the running environment's (the
packages of that name on PyPI), or the distribution's, unpacked privately.
"""

import importlib.util
import os
import re
import shutil
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError, ProcessFailed, ToolchainError
from hatch_wasi.fetch import is_offline
from hatch_wasi.sources.apt import Apt, installed
from hatch_wasi.sources.machine import Distribution

__all__ = ["REQUIREMENTS", "CMake", "find", "present"]

REQUIREMENTS = ("cmake>=3.20", "ninja>=1.10")
"""What to install where neither is there. LLVM 19 to 23 ask for CMake 3.20."""
MINIMUM = (3, 20)
PACKAGES = ("cmake", "ninja-build")


@dataclass(frozen=True, kw_only=True)
class CMake:
    """The two programs, and how they are to be run."""

    cmake: Path
    ninja: Path
    origin: str
    """For the manifest."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that they need to run."""

    @property
    def environment(self) -> dict[str, str]:
        """Give the environment to run them in: nothing of this process's that steers a CMake build.

        cmake-env-variables(7): CMAKE_GENERATOR, CMAKE_TOOLCHAIN_FILE, CMAKE_CXX_COMPILER_LAUNCHER and many more.
        """
        env = process.base_environment(self.variables)
        return {name: value for name, value in env.items() if not name.startswith(("CMAKE_", "NINJA_"))}

    def configure(self, source: Path, build: Path, settings: Mapping[str, str]) -> list[str | Path]:
        """Give the command that prepares `build` by `settings` (the `-D` of cmake(1))."""
        options = [f"-D{name}={value}" for name, value in settings.items()]
        return [self.cmake, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={self.ninja}", "-S", source, "-B", build, *options]

    def build(self, build: Path, targets: tuple[str, ...], jobs: int) -> list[str | Path]:
        """Give the command that makes `targets` in `build`."""
        return [self.ninja, "-C", build, "-j", str(jobs), *targets]


def present() -> CMake | None:
    """Give the machine's or the environment's, if both are there and run."""
    cmake = next(filter(_is_new_enough, _candidates("cmake")), None)
    ninja = next(filter(_version, _candidates("ninja")), None) if cmake else None
    if cmake is None or ninja is None:
        return None
    return CMake(cmake=cmake, ninja=ninja, origin=f"cmake {_version(cmake)}, ninja {_version(ninja)}")


def _candidates(name: str) -> Iterator[Path]:
    if found := shutil.which(name):
        yield Path(found)
    # The packages hold the program and a script that starts it; in an isolated build only the program surely runs.
    spec = importlib.util.find_spec(name)
    folders = [Path(place) / "data" / "bin" for place in (spec.submodule_search_locations or ())] if spec else []
    for folder in (*folders, Path(sysconfig.get_path("scripts"))):
        if os.access(path := folder / name, os.X_OK):
            yield path


def _version(program: Path) -> str:
    """Ask `program` for its version; empty if it does not run."""
    try:
        text = process.run([program, "--version"], what=f"asking {program.name}", env=process.base_environment())
    except ProcessFailed:
        return ""
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found[0] if found else ""


def _is_new_enough(program: Path) -> bool:
    version = _version(program)
    return bool(version) and tuple(map(int, version.split(".")[:2])) >= MINIMUM


def find(cache: Cache, folder: Path, log: Path) -> CMake:
    """Give both programs, unpacking the distribution's below `folder` if there are none; apt's output goes to `log`.

    Raises `ToolchainError` where they cannot be had.
    """
    if found := present():
        return found
    hint = f"install {' and '.join(REQUIREMENTS)} (from PyPI, into the environment that builds), or your system's"
    if is_offline():
        message = "there is no CMake with Ninja on this machine, and packages cannot be fetched (offline)"
        raise ToolchainError(message, hint=hint)
    root = folder / "root"
    try:
        if not (folder / "complete").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            with cache.lock("apt"):
                machine = Distribution.detect()
                apt = Apt(machine, cache.folder("apt") / machine.codename, log)
                apt.unpack_closure(PACKAGES, root, without=installed() - {*PACKAGES, "cmake-data"})
            (folder / "complete").touch()
    except (FetchError, ToolchainError) as error:
        message = f"there is no CMake with Ninja on this machine, and none from the distribution: {error.message}"
        raise ToolchainError(message, hint=hint, log=error.log) from error
    libraries = sorted({str(path.parent) for path in root.glob("usr/lib/*/lib*.so*")} | {str(root / "usr" / "lib")})
    return CMake(
        cmake=root / "usr" / "bin" / "cmake",
        ninja=root / "usr" / "bin" / "ninja",
        origin="the distribution's packages",
        variables={"LD_LIBRARY_PATH": os.pathsep.join(libraries)},
    )
