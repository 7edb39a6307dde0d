"""Check, before wheels are written into a folder, that they take nothing away from what is there or from each other."""

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.installed import Distribution, owners
from hatch_wasi.wheels.names import check_distinct
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["check"]


def check(
    site: Path, wheels: Sequence[Wheel], installed: Sequence[Distribution], remove: Collection[str], scripts: str
) -> frozenset[str]:
    """Check that nothing of `wheels` would replace another's file in `site`, nor be written through a link.

    `remove` are the files that make way, and `scripts` is the folder of programs. A file may belong to several
    distributions if it is the same in all, such as the `__init__.py` of a namespace package (pkgutil, pkg_resources):
    returns the names of these. Raises `WheelError`.
    """
    owner = owners(installed)
    shared = set()
    new: dict[str, Wheel] = {}
    for wheel in wheels:
        names = wheel.installed_names(scripts)
        check_distinct(names, wheel.path.name)
        for name in names:
            other = new.setdefault(name, wheel)
            if other is not wheel:
                if _of_wheel(wheel, name) != _of_wheel(other, name):
                    message = f"{wheel.path.name} and {other.path.name} both have {name!r}"
                    raise WheelError(message, hint="they cannot be installed in one folder; nothing was changed")
                shared.add(name)
            if os.path.lexists(site / name) and name not in remove:
                if name not in owner or _of_wheel(wheel, name) != _of_file(site / name):
                    raise _taken(wheel, name, site, owner)
                shared.add(name)
    check_distinct(new, "the wheels together")
    _check_folders(site, new, remove)
    return frozenset(shared)


def _of_wheel(wheel: Wheel, name: str) -> bytes:
    """Return the hash of what a wheel has to write to `name`; one of its own for what is not just a file."""
    member = next((member for member, place in wheel.places.items() if place == name), None)
    if member is None:
        return os.fsencode(wheel.project)
    hasher = hashlib.sha256()
    for chunk in wheel.archive.chunks(member):
        hasher.update(chunk)
    return hasher.digest()


def _of_file(path: Path) -> bytes:
    """Return the hash of a regular file; empty if it is something else."""
    if path.is_symlink() or not path.is_file():
        return b""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _taken(wheel: Wheel, name: str, site: Path, owner: Mapping[str, Distribution]) -> WheelError:
    whose = f"belongs to {owner[name].label}" if name in owner else "is there already, and belongs to no package"
    message = f"{wheel.path.name}: {name!r} {whose}"
    return WheelError(message, hint=f"remove it from {site} first; nothing was changed")


def _check_folders(site: Path, names: Collection[str], remove: Collection[str]) -> None:
    """Check that the folders of the files `names` are folders, or will be."""
    folders = {folder for name in names for folder in ((site / name).parent, (site / name).parent / "__pycache__")}
    for path in {parent for folder in folders for parent in (folder, *folder.parents) if site in parent.parents}:
        name = path.relative_to(site).as_posix()
        if os.path.lexists(path) and name not in remove and (path.is_symlink() or not path.is_dir()):
            message = f"{path} is not a folder, and the wheel has files below it"
            raise WheelError(message, hint="move it away; nothing was changed")
