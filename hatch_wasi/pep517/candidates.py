"""Find what a requirement names: a wheel that WASI Python can install, else the sdist to build one from."""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from httpx2 import HTTPError  # what unearth lets through
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version
from unearth import PackageFinder, TargetPython
from unearth.errors import UnpackError, URLError
from unearth.evaluator import Package

from hatch_wasi import process
from hatch_wasi.errors import BuildError, ProcessFailed

__all__ = ["Finder", "Found", "name_of"]

PLATFORMS = ("wasi_wasm32", "wasi_0_0_0_wasm32")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A release of a project."""

    name: str
    version: str
    package: Package

    @property
    def is_wheel(self) -> bool:
        """Tell whether there is nothing to build."""
        return self.package.link.is_wheel


class Finder:
    """Searches the indexes that pip is configured with."""

    def __init__(
        self, python: str, *, index_url: str | None = None, extra: Sequence[str] = (), find_links: Sequence[str] = ()
    ) -> None:
        """Search for Python `X.Y`; what is given here goes before pip's configuration (`pip config list`)."""
        known = _pip_configuration()
        # Without sources, the library has the index that everybody has.
        default = PackageFinder().sources[0]["url"]
        indexes = [index_url or known.get("index-url", default), *extra]
        indexes += shlex.split(known.get("extra-index-url", "")) if index_url is None else []
        links = [*find_links, *shlex.split(known.get("find-links", ""))]
        version = tuple(map(int, python.split(".")))
        self._finder = PackageFinder(
            index_urls=indexes,
            find_links=[_as_url(link) for link in links],
            trusted_hosts=shlex.split(known.get("trusted-host", "")),
            target_python=TargetPython(
                py_ver=version,
                platforms=list(PLATFORMS),
                impl="cp",
                abis=[f"cp{version[0]}{version[1]}", "abi3", "none"],
            ),
        )

    def find(self, requirement: Requirement, *, source_only: bool = False) -> Found:
        """Give the best release for `requirement`. Raises `BuildError` if there is none that can be used.

        A pure wheel is taken as it is, unless the release has wheels for other platforms too: it has extensions then,
        and those are what is wanted.
        """
        try:
            matches = list(self._finder.find_matches(requirement))
        except (URLError, HTTPError, OSError) as error:
            message = f"{requirement}: the package index cannot be read: {error}"
            raise BuildError(message) from error
        if not matches:
            message = f"no release of {requirement} can be found for WASI Python"
            raise BuildError(message, hint="check its name and version, and pip's index configuration")
        version = matches[0].version
        release = [package for package in matches if package.version == version]
        chosen = None
        if not source_only:
            wheels = [package for package in release if package.link.is_wheel]
            ours = next((package for package in wheels if _is_for_wasi(package.link.filename)), None)
            pure = next(iter(wheels), None)
            chosen = ours or (None if pure is None or self._has_extensions(requirement.name, version) else pure)
        chosen = chosen or next((package for package in release if not package.link.is_wheel), None) or release[0]
        if source_only and chosen.link.is_wheel:
            message = f"{requirement.name} {version} has no sdist: there is nothing to build from"
            raise BuildError(message)
        return Found(name=requirement.name, version=str(version), package=chosen)

    def _has_extensions(self, name: str, version: str | None) -> bool:
        """Tell whether a release has wheels for single platforms, of whatever system."""
        everything = PackageFinder(session=self._finder.session, ignore_compatibility=True)
        everything.sources = self._finder.sources
        return any(
            package.version == version and package.link.is_wheel and not _is_pure(package.link.filename)
            for package in everything.find_all_packages(name)
        )

    def fetch(self, found: Found, folder: Path) -> Path:
        """Download a release into `folder`: a wheel file, or the folder of an unpacked sdist."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if found.is_wheel:
                return self._finder.download(found.package.link, folder)
            return self._finder.download_and_unpack(found.package.link, folder / "unpacked", folder)
        except (UnpackError, HTTPError, OSError) as error:
            message = f"{found.name} {found.version} cannot be fetched: {error}"
            raise BuildError(message) from error


def _pip_configuration() -> dict[str, str]:
    """Read `pip config list`: lines `global.index-url='…'`, of which later ones win."""
    argv = [sys.executable, "-m", "pip", "config", "list"]
    try:
        text = process.run(argv, what="reading pip's configuration")
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
