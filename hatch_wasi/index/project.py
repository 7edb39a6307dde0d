"""A project in an index: its files, which of them are yanked, and which version a person would take."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from packaging.version import Version

from hatch_wasi.index.entry import Entry

__all__ = ["File", "Project", "projects"]


@dataclass(frozen=True, kw_only=True)
class File:
    """A wheel in its place."""

    entry: Entry
    url: str
    """Where it is served, relative to the project's page, quoted."""
    yanked: str | None
    """The reason; None if it is not yanked."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """One project."""

    key: str
    """Normalized name: the name of its folder (PEP 503)."""
    files: tuple[File, ...]
    """By version, oldest first, then by name."""

    @property
    def latest(self) -> File:
        """Give the file that stands for it: pre-releases and what is yanked come last, as in pip."""
        return max(self.files, key=_rank)

    @property
    def name(self) -> str:
        """Give its name as its latest version spells it."""
        return self.latest.entry.name

    @property
    def versions(self) -> list[str]:
        """List its versions, oldest first, each once."""
        return [version for version, _ in self.releases()]

    def releases(self) -> Iterator[tuple[str, list[File]]]:
        """Give its files by version, oldest first; ways to write one version are one."""
        for _, files in groupby(self.files, key=lambda file: file.entry.parsed_version):
            same = list(files)
            yield same[0].entry.version, same


def _rank(file: File) -> tuple[bool, bool, Version, str]:
    version = file.entry.parsed_version
    return file.yanked is None, not version.is_prerelease, version, file.entry.filename


def projects(files: Iterable[File]) -> list[Project]:
    """Sort `files` into projects, by name."""
    ordered = sorted(files, key=lambda file: (file.entry.project, file.entry.parsed_version, file.entry.filename))
    grouped = groupby(ordered, key=lambda file: file.entry.project)
    return [Project(key=key, files=tuple(same)) for key, same in grouped]
