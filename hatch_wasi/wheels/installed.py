"""What is installed in a folder, read from its .dist-info folders (PEP 376, PEP 627)."""

import json
import posixpath
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
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
    name: str
    """As it writes itself in METADATA."""
    files: frozenset[str] | None
    """What its RECORD lists, relative to the folder it is installed in and below it; None if it has no RECORD."""

    @property
    def label(self) -> str:
        """`name 1.0`, for a person."""
        return f"{self.project} {self.version}"

    def direct_url(self, site: Path) -> str:
        """Give where it was installed from, if not from an index (PEP 610); empty if it was, or nobody knows.

        With a repository's commit, an archive's hash and a subdirectory, as pip writes it: it names the same again.
        """
        try:
            found = json.loads((site / self.folder / "direct_url.json").read_text(encoding="utf-8"))
            url, repository, archive = str(found["url"]), found.get("vcs_info"), found.get("archive_info") or {}
            if repository:
                url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
            words = [f"{name}={value}" for name, value in archive.get("hashes", {}).items()][:1]
            words += [f"subdirectory={found['subdirectory']}"] if "subdirectory" in found else []
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return ""
        return f"{url}#{'&'.join(words)}" if words else url

    def needs(self, site: Path) -> set[str]:
        """Give the normalized names of what its METADATA says that it requires, whatever the markers."""
        return {canonicalize_name(requirement.name) for requirement in self.requires(site)}

    def metadata(self, site: Path, field: str) -> list[str]:
        """Give the values of a field of its METADATA."""
        return _headers(site / self.folder, field)

    def tags(self, site: Path) -> list[str]:
        """Give the tags that its WHEEL says it is for (PEP 425)."""
        return _headers(site / self.folder, "Tag", "WHEEL")

    def requires(self, site: Path, markers: Mapping[str, str] | None = None) -> list[Requirement]:
        """Give what its METADATA says that it requires, in an environment if there are `markers`.

        Nobody knows which extras were asked for, so those do not count. What says nothing is passed over.
        """
        found = []
        for line in self.metadata(site, "Requires-Dist"):
            with suppress(InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
                need = Requirement(line)
                if markers is None or need.marker is None or need.marker.evaluate({**markers, "extra": ""}):
                    found.append(need)
        return found

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
            Distribution(
                project=canonicalize_name(name),
                version=version,
                folder=folder.name,
                name=next(iter(_headers(folder, "Name")), name),
                files=files,
            ),
        )
    return found


def _headers(folder: Path, name: str, file: str = "METADATA") -> list[str]:
    try:
        text = (folder / file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [str(value) for value in HeaderParser().parsestr(text).get_all(name) or []]


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
