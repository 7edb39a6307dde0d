"""Make an environment for WASI Python: a folder as PEP 405 has it, whose programs run on WASI."""

import os
import shutil
from pathlib import Path

from hatch_wasi import activation, launchers
from hatch_wasi.cache import replace_file
from hatch_wasi.environment import CONFIG, LAUNCHERS, Environment, of_folder
from hatch_wasi.errors import UsageError
from hatch_wasi.wasi_python import WasiPython

__all__ = ["create"]


def create(folder: Path, python: WasiPython, *, clear: bool = False, prompt: str | None = None) -> Environment:
    """Make `folder` an environment for `python`; one that is an environment keeps its packages, unless `clear`.

    Raises `UsageError` if something else is there, or it cannot be written.
    """
    root = folder.absolute()
    found = of_folder(str(root))
    try:
        if os.pathsep in str(root):
            message = f"{folder} has a {os.pathsep} in its path, which ends a name on the PATH"
            raise UsageError(message, hint="name another folder")
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
    site = Path(made.site_packages)
    programs = site / LAUNCHERS
    is_new = not os.path.lexists(root / CONFIG)
    programs.mkdir(parents=True, exist_ok=True)
    if is_new:
        _close(root, site)
    _link(root / "bin", os.path.relpath(programs, root))
    replace_file(programs.parent / launchers.MARK, b"")
    for name, content in launchers.programs(python.short_version).items():
        replace_file(programs / name, content, mode=launchers.PROGRAM)
    for name, content in activation.scripts(root, prompt).items():
        replace_file(programs / name, content)
    # Last: an environment is one when it has this.
    text = (
        f"hatch-wasi = 1\nversion = {python.version}\nimplementation = CPython\nwasi-libc = {python.wasi_libc}\n"
        f"include-system-site-packages = false\nprompt = {' '.join(prompt.split())}\n"
    )
    replace_file(root / CONFIG, text.encode("utf-8", "surrogateescape"))


def _close(root: Path, site: Path) -> None:
    """Take away what the umask may leave others: an environment that others may write to is not used by itself."""
    for folder in (root, *(parent for parent in (site, *site.parents) if root in parent.parents)):
        mode = folder.stat().st_mode
        if mode & 0o022:
            folder.chmod(mode & 0o7755)


def _link(link: Path, target: str) -> None:
    if link.is_symlink():
        if str(link.readlink()) == target:
            return
        link.unlink()
    link.symlink_to(target)
