"""The build python: a native interpreter of the same X.Y, found on the machine or built from the same sources."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Workspace
from hatch_wasi.console import Console
from hatch_wasi.cpython import recipe
from hatch_wasi.cpython.native import NativeTools
from hatch_wasi.errors import ProcessFailed, ToolchainError

__all__ = ["configure", "find", "make"]

VARIABLE = "HATCH_WASI_BUILD_PYTHON"
# What building CPython asks of it: the stdlib of the sources to be imported by it (a release of another Z may not
# bear that: 3.13.0 does not run with 3.13.5's linecache), and what pip and venv need.
PROBE = "import sys, sysconfig, linecache, zlib, ssl, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"


def candidates(short_version: str) -> Iterator[Path]:
    """List interpreters to try: the one that `HATCH_WASI_BUILD_PYTHON` names, this one, and those on the PATH."""
    said = os.environ.get(VARIABLE, "auto")
    if said not in ("auto", "build"):
        yield Path(said).expanduser()
    elif said == "auto":
        if sys.version_info[:2] == tuple(map(int, short_version.split("."))):
            yield Path(sys.base_prefix, "bin", f"python{short_version}")
        for folder in os.get_exec_path():
            yield Path(folder, f"python{short_version}")


def find(short_version: str, library: Path, console: Console) -> Path | None:
    """Give an interpreter of this X.Y that can run with the sources' `library` (their Lib folder), or None.

    Raises `ToolchainError` if the one that the user named cannot.
    """
    for path in candidates(short_version):
        if not path.is_file():
            reason = "there is no such file"
        else:
            try:
                env = process.base_environment({"PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"})
                said = process.run([path, "-c", PROBE], what=f"trying {path}", env=env, timeout=60).strip()
            except ProcessFailed as error:
                reason = error.message
            else:
                if said == short_version:
                    return path.resolve()
                reason = f"it is Python {said}"
            console.detail(f"not used as build python: {path}: {reason}")
        if os.environ.get(VARIABLE, "auto") != "auto":
            message = f"{VARIABLE}={path} cannot be used as build python: {reason}"
            raise ToolchainError(message, hint=f"name a Python {short_version}, or set it to `build`")
    return None


def configure(source: Path, tools: NativeTools, workspace: Workspace) -> None:
    """Configure the native interpreter in `source/cross-build/build`."""
    folder = source / "cross-build" / "build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    process.run(
        [*recipe.configure_build_python("../../configure"), *tools.configure_options],
        what="configuring the build python",
        cwd=folder,
        env=process.base_environment({**tools.variables, "MODULE_BUILDTYPE": "static"}),
        log=workspace.log("configure-build-python"),
        hold=workspace.hold,
    )


def make(source: Path, tools: NativeTools, workspace: Workspace, jobs: int) -> Path:
    """Compile it and give its path; run again, it goes on where it stopped."""
    folder = source / "cross-build" / "build"
    libraries = folder / "travelling"
    libraries.mkdir(exist_ok=True)
    for library in tools.libraries:
        shutil.copy(library, libraries)
    env = process.base_environment(tools.variables)
    # make reads $$ as $, the shell leaves it alone between quotes: the linker gets $ORIGIN.
    options = "LINKFORSHARED=-Wl,--export-dynamic"
    if tools.libraries:
        env["LD_LIBRARY_PATH"] = str(libraries)
        options += " -Wl,-rpath,'$$ORIGIN/../lib'"
    process.run(
        [tools.make, f"-j{jobs}", "python", "pybuilddir.txt", options],
        what="compiling the build python",
        cwd=folder,
        env=env,
        log=workspace.log("make-build-python"),
        hold=workspace.hold,
    )
    return folder / "python"
