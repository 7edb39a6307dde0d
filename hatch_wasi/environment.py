"""Environments for WASI Python: folders with a site-packages of their own, as PEP 405 has them for other Pythons.

`run` looks for one each time it starts, so this imports next to nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG", "PIP", "Environment", "current", "is_pip_of_ours", "of_folder"]

CONFIG = "pyvenv.cfg"
KEY = "hatch-wasi"
"""What makes the file one of ours. It has no `home`: no Python of this machine takes the folder for its own."""


PIP = b"""#!/bin/sh
# What is installed by the pip of an environment is for it: hatch-wasi has the commands.
VIRTUAL_ENV=$(dirname -- "$(readlink -f -- "$0")")/../../../..
export VIRTUAL_ENV
exec hatch-wasi "$@"
"""
"""`bin/pip`: that of this machine's Python would be found instead, and install there."""


class Environment:
    """A folder with a file `pyvenv.cfg` of ours."""

    def __init__(self, root: str, version: str) -> None:
        """Describe the folder `root` for WASI Python `version`, an X.Y."""
        self.root = root
        self.version = version

    @property
    def site_packages(self) -> str:
        """Where its packages are."""
        return os.path.join(self.root, "lib", f"python{self.version}", "site-packages")

    @property
    def programs(self) -> str:
        """Where scripts are: a link into site-packages, with which they appear and vanish at once."""
        return os.path.join(self.root, "bin")


def of_folder(folder: str) -> Environment | None:
    """Give the environment whose root or site-packages `folder` is; None if it is neither."""
    folder = os.path.realpath(folder)
    found = _read(folder)
    if found is None and os.path.basename(folder) == "site-packages":
        found = _read(os.path.dirname(os.path.dirname(os.path.dirname(folder))))
        if found is not None and os.path.realpath(found.site_packages) != folder:
            return None
    return found


def current(variables: Mapping[str, str]) -> Environment | None:
    """Give the environment that is activated, else the one that the working folder is in; None if there is none."""
    activated = variables.get("VIRTUAL_ENV")
    if activated and (found := _read(os.path.abspath(activated))):
        return found
    try:
        folder = os.getcwd()
    except OSError:
        return None  # it was removed
    while True:
        if found := _read(folder):
            return found
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def is_pip_of_ours(file: str) -> bool:
    """Tell whether `file` is the `pip` that an environment begins with, which a real one may replace."""
    try:
        with open(file, "rb") as content:
            return content.read(len(PIP) + 1) == PIP
    except OSError:
        return False


def _read(root: str) -> Environment | None:
    try:
        with open(os.path.join(root, CONFIG), encoding="utf-8") as file:
            pairs = [line.partition("=") for line in file]
    except (OSError, UnicodeDecodeError):
        return None
    values = {name.strip(): value.strip() for name, _, value in pairs}
    version = values.get("version", "")
    parts = version.split(".")
    if KEY not in values or len(parts) < 2 or not all(part.isdecimal() for part in parts[:2]):
        return None
    return Environment(root, ".".join(parts[:2]))
