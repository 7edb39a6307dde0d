"""What is installed in a folder, read from its .dist-info folders (PEP 376, PEP 627)."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels import record

__all__ = ["Distribution", "bytecode_of", "owners", "scan"]


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """An installed distribution."""

    project: str
    """Normalized name (PEP 503)."""
    version: str
    folder: str
    """Name of its .dist-info folder."""
    files: frozenset[str] | None
    """What its RECORD lists, relative to the folder it is installed in and below it; None if it has no RECORD."""

    @property
    def label(self) -> str:
        """`name 1.0`, for a person."""
        return f"{self.project} {self.version}"

    def provides(self, requirement: Requirement) -> bool:
        """Tell whether it is what `requirement` asks for; pre-releases count, where it came from does not."""
        if canonicalize_name(requirement.name) != self.project:
            return False
        try:
            return requirement.specifier.contains(Version(self.version), prereleases=True)
        except InvalidVersion:
            return not requirement.specifier


def scan(site: Path) -> list[Distribution]:
    """List what is installed in `site`, which need not be there. Raises `WheelError` if a RECORD cannot be read."""
    found = []
    for folder in sorted(path for path in site.glob("*.dist-info") if path.is_dir()):
        name, _, version = folder.name.removesuffix(".dist-info").partition("-")
        try:
            text = (folder / "RECORD").read_text(encoding="utf-8")
        except FileNotFoundError:
            files = None
        except (OSError, UnicodeDecodeError) as error:
            message = f"{folder / 'RECORD'} cannot be read: {error}"
            raise WheelError(message, hint=f"remove {folder} and what belongs to it") from error
        else:
            files = frozenset(_inside(record.parse(text, str(folder / "RECORD"))))
        found.append(
            Distribution(project=canonicalize_name(name), version=version, folder=folder.name, files=files),
        )
    return found


def _inside(paths: Iterable[str]) -> Iterable[str]:
    # A RECORD may list files elsewhere (../../bin/x); what is outside the folder is not ours to touch.
    for path in paths:
        name = posixpath.normpath(path)
        if not name.startswith(("/", "../")) and name not in (".", ".."):
            yield name


def owners(installed: Iterable[Distribution]) -> dict[str, Distribution]:
    """Say for each file whose it is."""
    return {name: distribution for distribution in installed for name in distribution.files or ()}


def bytecode_of(name: str) -> tuple[str, str]:
    """Give the folder and the beginning of the name of the bytecode of the source `name`, of any Python (PEP 3147)."""
    folder, base = posixpath.split(name)
    return posixpath.join(folder, "__pycache__"), base.removesuffix("py")
