"""Environments for WASI Python: folders with a site-packages of their own, as PEP 405 has them for other Pythons.

`run` looks for one each time it starts, so this imports next to nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CONFIG", "LAUNCHERS", "OWN", "Environment", "current", "of_folder", "search_path"]

CONFIG = "pyvenv.cfg"
KEY = "hatch-wasi"
"""What makes the file one of ours. It has no `home`: no Python of this machine takes the folder for its own."""
OWN = ".hatch-wasi"
"""Beginning of the names that hatch-wasi keeps for itself. No wheel may have a file below such a folder."""
LAUNCHERS = f"{OWN}/bin"
"""Where the programs of an environment are, in its site-packages: they appear and vanish with the packages."""
LIMIT = 1 << 16
"""Bytes of a `pyvenv.cfg` that are read."""
OTHERS = 0o022
"""Permission bits that let a group or everybody write."""


class Environment:
    """A folder with a file `pyvenv.cfg` of ours."""

    def __init__(self, root: str, version: str) -> None:
        """Describe the folder `root` for WASI Python `version`, an X.Y."""
        self.root = root
        self.version = version

    @property
    def site_packages(self) -> str:
        """Return the folder of its packages."""
        return os.path.join(self.root, "lib", f"python{self.version}", "site-packages")

    @property
    def programs(self) -> str:
        """Return the folder that activation puts on the PATH: a link to `LAUNCHERS`."""
        return os.path.join(self.root, "bin")


def of_folder(folder: str) -> Environment | None:
    """Return the environment whose root or site-packages `folder` is; None if it is neither."""
    folder = os.path.realpath(folder)
    found = _read(folder)
    if found is None and os.path.basename(folder) == "site-packages":
        found = _read(os.path.dirname(os.path.dirname(os.path.dirname(folder))))
        if found is not None and os.path.realpath(found.site_packages) != folder:
            return None
    return found


def current(variables: Mapping[str, str], tell: Callable[[str], None] | None = None) -> Environment | None:
    """Return the environment that is activated, else the one that the working folder is in; None if there is none.

    The user chose the first (VIRTUAL_ENV). The second is only found, so it must be the user's or root's and no one
    else may write to it; `tell` gets a sentence about each one that is ignored for that.
    """
    activated = variables.get("VIRTUAL_ENV")
    if activated and (found := _read(os.path.abspath(activated))):
        return found
    try:
        folder = os.getcwd()
    except OSError:
        return None  # it was removed
    while True:
        if found := _read(folder):
            reason = _distrust(found)
            if not reason:
                return found
            if tell is not None:
                tell(f"the environment {folder} is ignored: {reason}; to use it, activate it or name it by its path")
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def search_path(path: str) -> str:
    """Return `path`, a value of PATH, without the programs of environments: they are not for this machine."""
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if not _is_programs(folder))


def _is_programs(folder: str) -> bool:
    folder = folder.rstrip("/")
    if f"/{LAUNCHERS}" in folder:
        return True
    return os.path.basename(folder) == "bin" and _read(os.path.dirname(folder)) is not None


def _distrust(found: Environment) -> str:
    """Return why another user could have put code into an environment; empty if none could."""
    library = os.path.join(found.root, "lib")
    folders = (library, os.path.dirname(found.site_packages), found.site_packages)
    for path in (found.root, os.path.join(found.root, CONFIG), *folders):
        try:
            facts = os.stat(path)
        except FileNotFoundError:
            continue  # only those who may write above can make it, and that was looked at
        except OSError as error:
            return f"{path}: {error.strerror}"
        if facts.st_uid not in (0, os.geteuid()):
            return f"{path} belongs to another user"
        if facts.st_mode & OTHERS:
            return f"others may write to {path}"
    return ""


def _read(root: str) -> Environment | None:
    text = _content(os.path.join(root, CONFIG))
    if text is None:
        return None
    values = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in text.splitlines())}
    version = values.get("version", "")
    parts = version.split(".")
    if KEY not in values or len(parts) < 2 or not all(_is_number(part) for part in parts[:2]):
        return None
    return Environment(root, ".".join(parts[:2]))


def _is_number(text: str) -> bool:
    """Check for the digits of a version: what is in the file becomes part of a path."""
    return text.isascii() and text.isdecimal() and len(text) <= 4


def _content(path: str) -> str | None:
    """Return the text of a small regular file; None if it is something else. A pipe must not make anybody wait."""
    try:
        # Most folders have no such file: the cheapest question first.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        if os.fstat(descriptor).st_mode & 0o170000 != 0o100000:
            return None
        return os.read(descriptor, LIMIT).decode()
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)
