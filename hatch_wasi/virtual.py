"""Make an environment for WASI Python: a folder as PEP 405 has it, whose programs run on WASI."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from venv import EnvBuilder

from hatch_wasi.cache import replace_file
from hatch_wasi.environment import CONFIG, PIP, Environment, of_folder
from hatch_wasi.errors import UsageError
from hatch_wasi.wasi_python import WasiPython

__all__ = ["create"]

PROGRAM = b"""#!/bin/sh
exec hatch-wasi run --site "$(dirname -- "$(readlink -f -- "$0")")/.." "$@"
"""
"""Finds the packages beside itself, so the folder may be moved. Scripts of wheels are in the same folder."""


def create(folder: Path, python: WasiPython, *, clear: bool = False, prompt: str | None = None) -> Environment:
    """Make `folder` an environment for `python`; one that is an environment keeps its packages, unless `clear`.

    Raises `UsageError` if something else is there, or it cannot be written.
    """
    root = folder.absolute()
    found = of_folder(str(root))
    try:
        if root.exists() and not root.is_dir():
            message = f"{folder} is not a folder"
            raise UsageError(message)
        if found is None and root.is_dir() and any(root.iterdir()):
            message = f"{folder} is not empty, and no environment for WASI Python"
            raise UsageError(message, hint="name another folder")
        if found and found.version != python.short_version and not clear:
            message = f"{folder} is an environment for Python {found.version}"
            raise UsageError(message, hint="--clear makes it one for another, without its packages")
        made = Environment(str(root), python.short_version)
        if clear:
            shutil.rmtree(root / "lib", ignore_errors=True)
        _write(root, made, python, prompt or root.name)
    except OSError as error:
        message = f"{folder} cannot be made an environment: {error.strerror}"
        raise UsageError(message) from error
    return made


def _write(root: Path, made: Environment, python: WasiPython, prompt: str) -> None:
    programs = Path(made.site_packages) / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    link = root / "bin"
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(programs, root))
    elif not link.exists():
        link.unlink()
        link.symlink_to(os.path.relpath(programs, root))
    replace_file(programs / "python", PROGRAM, mode=0o755)
    for name in ("python3", f"python{python.short_version}"):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to("python")
    for name in ("pip", "pip3"):
        if not os.path.lexists(programs / name):  # else of an environment before, or of a package
            replace_file(programs / name, PIP, mode=0o755)
    EnvBuilder(prompt=prompt).setup_scripts(
        SimpleNamespace(
            env_dir=str(root),
            env_name=root.name,
            prompt=f"({prompt}) ",
            bin_name="bin",
            bin_path=str(programs),
            env_exe=str(root / "bin" / "python"),
        )
    )
    # Last: an environment is one when it has this.
    text = (
        f"hatch-wasi = 1\nversion = {python.version}\nimplementation = CPython\nwasi-libc = {python.wasi_libc}\n"
        f"include-system-site-packages = false\nprompt = {prompt}\n"
    )
    replace_file(root / CONFIG, text.encode())
