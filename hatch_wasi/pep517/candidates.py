"""Find what a requirement names: a wheel that WASI Python can install, else the sdist to build one from."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from httpx2 import HTTPError  # what unearth lets through
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version
from unearth import PackageFinder, TargetPython
from unearth.errors import UnpackError, URLError
from unearth.evaluator import Package
from unearth.link import Link

from hatch_wasi import process
from hatch_wasi.errors import BuildError, ProcessFailed
from hatch_wasi.fetch import is_offline
from hatch_wasi.pep517 import index_client
from hatch_wasi.pep517.requirements import Sources
from hatch_wasi.sources import archive
from hatch_wasi.text import one_line
from hatch_wasi.wheels.tags import PLATFORMS

__all__ = ["Fetched", "Finder", "Found", "NoRelease", "name_of"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A release of a project."""

    name: str
    version: str
    package: Package
    older_than: str = ""
    """Why this is not the newest release, in words; empty if it is."""
    has_extensions: bool = False
    """It has wheels for single platforms and none that is pure: a pure one of our making would lack something."""

    @property
    def is_wheel(self) -> bool:
        """Tell whether there is nothing to build."""
        return self.package.link.is_wheel

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A release, here."""

    path: Path
    """A wheel file, or the folder of a source tree."""
    sdist: Path | None = None
    """The archive that the tree is from."""

    @property
    def is_wheel(self) -> bool:
        """Tell whether there is nothing to build."""
        return self.path.is_file()


class NoRelease(BuildError):
    """There is nothing that satisfies a requirement."""


SHOWN = 6
"""How many versions a message names."""


class Finder:
    """Searches the indexes that pip is configured with."""

    def __init__(self, python: str, sources: Sources) -> None:
        """Search for Python `X.Y`; `sources` go before pip's configuration (`pip config list`)."""
        index_client.tame_warnings()
        known = _pip_configuration()
        # Without sources, the library has the index that everybody has.
        default = PackageFinder().sources[0]["url"]
        indexes = [sources.index_url or known.get("index-url", default), *sources.extra_index_urls]
        indexes += shlex.split(known.get("extra-index-url", "")) if sources.index_url is None else []
        links = [*sources.find_links, *shlex.split(known.get("find-links", ""))]
        version = tuple(map(int, python.split(".")))
        self._python = python
        self._known: dict[str, list[Package]] = {}
        trusted_hosts = shlex.split(known.get("trusted-host", ""))
        self._finder = index_client.IndexFinder(
            session=index_client.client(indexes, trusted_hosts),
            index_urls=indexes,
            find_links=[_as_url(link) for link in links],
            trusted_hosts=trusted_hosts,
            target_python=TargetPython(
                py_ver=version,
                platforms=list(PLATFORMS),
                impl="cp",
                abis=[f"cp{version[0]}{version[1]}", "abi3", "none"],
            ),
        )
        if sources.no_index:
            self._finder.sources = [source for source in self._finder.sources if source["type"] != "index"]
        if is_offline():
            self._finder.sources = [source for source in self._finder.sources if source["url"].startswith("file:")]

    def find(self, requirement: Requirement, *, source_only: bool = False, wheel_only: bool = False) -> Found:
        """Give the best release for `requirement`. Raises `BuildError` if there is none that can be used.

        A pure wheel is taken as it is, unless the release has wheels for other platforms too: it has extensions then,
        and those are what is wanted, if not `wheel_only`.
        """
        release = self._best(requirement)
        version = release[0].version
        wheels = [package for package in release if package.link.is_wheel]
        sdist = next((package for package in release if not package.link.is_wheel), None)
        ours = next((package for package in wheels if _is_for_wasi(package.link.filename)), None)
        pure = next((package for package in wheels if package is not ours), None)
        if source_only and sdist is None:
            message = f"{requirement.name} {version} has no sdist: there is nothing to build from"
            raise BuildError(message)
        if wheel_only and not wheels:
            message = f"{requirement.name} {version} has no wheel for WASI Python"
            raise BuildError(message, hint="let it be built: without --only-binary")
        has_extensions = self._has_extensions(requirement.name, version)
        chosen = None if source_only else ours or (pure if wheel_only or not has_extensions else None)
        chosen = chosen or sdist or release[0]
        lacking = has_extensions and pure is None and not chosen.link.is_wheel
        return Found(
            name=requirement.name,
            version=str(version),
            package=chosen,
            older_than=self._why_older(requirement, version),
            has_extensions=lacking,
        )

    def _best(self, requirement: Requirement) -> list[Package]:
        """Give what there is of the best version: a pre-release if it is asked for, or there is nothing else."""
        try:
            matches = list(self._finder.find_matches(requirement, allow_prereleases=True))
        except (URLError, HTTPError, OSError) as error:
            message = f"{requirement}: the package index cannot be read: {_reason(error)}"
            raise BuildError(
                message, hint="check the network, and the index: `pip config list`, --index-url"
            ) from error
        if not matches:
            raise self._no_release(requirement)
        # Asked about one version alone, packaging may take a pre-release; only among all it sees that there are others.
        allowed = set(requirement.specifier.filter({str(package.version) for package in matches}))
        best = next((package.version for package in matches if package.version in allowed), matches[0].version)
        return [package for package in matches if package.version == best]

    def _no_release(self, requirement: Requirement) -> NoRelease:
        """Say why nothing satisfies `requirement`."""
        yanked = [package for package in self._matching(requirement) if package.link.is_yanked]
        if yanked:
            newest = yanked[0]
            reason = f" ({one_line(newest.link.yank_reason)})" if newest.link.yank_reason else ""
            versions = list(dict.fromkeys(str(package.version) for package in yanked))
            message = f"all releases of {requirement} that there are were yanked: {', '.join(versions[:SHOWN])}{reason}"
            return NoRelease(message, hint=f"to take one nevertheless, name it: {requirement.name}=={versions[0]}")
        message = f"no release of {requirement} can be found for WASI Python"
        hint = "check its name and version, and pip's index configuration"
        hint = "offline, only indexes and links that are files are read" if is_offline() else hint
        hint = f"the folder of this name is ./{requirement.name}" if Path(requirement.name).is_dir() else hint
        return NoRelease(message, hint=hint)

    def _matching(self, requirement: Requirement) -> list[Package]:
        """List all files of all releases that `requirement` names, the newest first: for whatever system, yanked too."""
        return [
            package
            for package in self._everything(requirement.name)
            if package.version and requirement.specifier.contains(package.version, prereleases=True)
        ]

    def _everything(self, name: str) -> list[Package]:
        name = canonicalize_name(name)
        if name not in self._known:
            everything = index_client.IndexFinder(session=self._finder.session, ignore_compatibility=True)
            everything.sources = self._finder.sources
            self._known[name] = list(everything.find_all_packages(name, allow_yanked=True))
        return self._known[name]

    def _why_older(self, requirement: Requirement, version: str | None) -> str:
        """Say why a release newer than `version`, which was chosen, was not taken; empty if there is none."""
        chosen = Version(version or "0")
        newer = [
            package
            for package in self._matching(requirement)
            if not package.link.is_yanked
            and Version(str(package.version)) > chosen
            and (chosen.is_prerelease or not Version(str(package.version)).is_prerelease)
        ]
        if not newer:
            return ""
        newest = str(newer[0].version)
        files = [package for package in newer if str(package.version) == newest]
        pythons = {str(package.link.requires_python or "") for package in files}
        if not any(SpecifierSet(python).contains(self._python) for python in pythons):
            return f"{newest} is for Python {' or '.join(sorted(pythons))}"
        if all(package.link.is_wheel for package in files):
            return f"{newest} has no sdist, and its wheels are for other platforms"
        return f"{newest} has no file that WASI Python can use"

    def _has_extensions(self, name: str, version: str | None) -> bool:
        """Tell whether a release has wheels for single platforms, of whatever system."""
        return any(
            package.version == version and package.link.is_wheel and not _is_pure(package.link.filename)
            for package in self._everything(name)
        )

    def fetch(self, found: Found, folder: Path) -> Fetched:
        """Download a release into `folder`, and unpack it if it is no wheel. Raises `BuildError`, `FetchError`."""
        return self._fetch(found.package.link, found.label, folder)

    def fetch_url(self, requirement: Requirement, folder: Path) -> Fetched:
        """Download what a direct reference (PEP 508: `NAME @ URL`) names. Raises `BuildError`, `FetchError`."""
        return self._fetch(Link(str(requirement.url)), str(requirement), folder)

    def _fetch(self, link: Link, label: str, folder: Path) -> Fetched:
        if is_offline() and not link.is_file:
            message = f"{label} is not fetched: offline"
            raise BuildError(message)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if link.is_vcs:
                return Fetched(path=self._finder.download_and_unpack(link, folder / "unpacked", folder))
            file = self._finder.download(link, folder, download_reporter=index_client.bounded)
        except (UnpackError, URLError, HTTPError, OSError, ValueError) as error:
            message = f"{label} cannot be fetched: {_reason(error)}"
            raise BuildError(message) from error
        if link.is_wheel:
            return Fetched(path=file)
        unpacked = folder / "unpacked"
        archive.unpack(file, unpacked)
        tree = unpacked / (link.subdirectory or "")
        if not tree.resolve().is_relative_to(unpacked.resolve()):
            message = f"{label}: its subdirectory {link.subdirectory} is outside of the archive"
            raise BuildError(message)
        return Fetched(path=tree, sdist=file)


def _reason(error: Exception) -> str:
    """Return what went wrong, without what libraries wrap around it."""
    cause: BaseException = error
    while not isinstance(cause, OSError) and (inner := cause.__cause__ or cause.__context__):
        cause = inner
    return next((str(said) for said in (cause, error) if str(said)), type(error).__name__)


def _pip_configuration() -> dict[str, str]:
    """Read `pip config list`: lines `global.index-url='…'`, of which later ones win."""
    try:
        text = process.run_python(["-m", "pip", "config", "list"], what="reading pip's configuration")
    except ProcessFailed as error:
        message = f"pip is needed: {error.message}"
        raise BuildError(message, hint="pip install 'hatch-wasi[wheel]'") from error
    pairs = re.findall(r"^(?:global|install|:env:|download)\.([\w-]+)='(.*)'$", text, flags=re.MULTILINE)
    return {name.replace("_", "-"): value for name, value in pairs}


def _as_url(link: str) -> str:
    return Path(link).absolute().as_uri() if "://" not in link else link


def _tags(filename: str) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return frozenset()


def _is_for_wasi(filename: str) -> bool:
    return any(tag.platform in PLATFORMS for tag in _tags(filename))


def _is_pure(filename: str) -> bool:
    return any(tag.platform == "any" for tag in _tags(filename))


def name_of(file: Path) -> tuple[str, Version]:
    """Give the project's name and version by the name of a wheel or sdist file. Raises `ValueError`."""
    if file.suffix == ".whl":
        name, version, *_ = parse_wheel_filename(file.name)
        return name, version
    name, version = parse_sdist_filename(file.name)
    return canonicalize_name(name), version
