"""From the words of `hatch-wasi install` to wheel files: named ones, those that pip finds, and those that are built."""

import argparse
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_wasi import bootstrap, epoch
from hatch_wasi.cache import Cache
from hatch_wasi.cli.options import Toolchain
from hatch_wasi.console import Console
from hatch_wasi.errors import UsageError, WheelError
from hatch_wasi.pep517 import requirements
from hatch_wasi.resolver.resolver import Chosen, Resolver, Unavailable
from hatch_wasi.wheels.install import Origin, check_tags, open_wheels
from hatch_wasi.wheels.installed import scan
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["Gathering"]

Found = list[tuple[Path, Origin]]
SDISTS = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz")


class Gathering:
    """Gathers for one command line."""

    def __init__(self, args: argparse.Namespace, console: Console, chosen: Toolchain) -> None:
        """Tell wheel files from sources and requirements. Raises `UsageError`."""
        self._args = args
        self._console = console
        self._chosen = chosen
        self._files = [Path(word) for word in args.words if _is_wheel_file(word)]
        self._built: dict[Path, Mapping[str, object]] = {}
        """Wheels that were built from what was named by its place: that place (PEP 610)."""
        self._sources = [word for word in args.words if _is_source(word)]
        self._words = [word for word in args.words if word not in self._sources and not _is_wheel_file(word)]
        if self._sources and not args.build:
            message = f"{self._sources[0]} is not a wheel file, and has to be built for WASI"
            raise UsageError(message, hint="--build builds it, or build a wheel of it by `hatch-wasi wheel`")
        for word in self._words:
            if not word.strip():
                message = "an empty word is no requirement"
                raise UsageError(message, hint="is a variable on the command line not set?")
            if "://" not in word and (word.endswith(SDISTS) or word.startswith((".", "/"))):
                message = f"{word}: no such file or folder"
                raise UsageError(message)
        for file in [*args.requirement, *args.constraint]:
            if "://" not in file and (Path(file).is_dir() or not Path(file).exists()):
                message = f"{file}: no such file"
                raise UsageError(message)

    def check(self) -> None:
        """Check the named wheel files, as far as that needs no Python. Raises `WheelError`."""
        with open_wheels(self._files) as wheels:
            if re.fullmatch(r"\d+\.\d+", self._chosen.python):
                check_tags(wheels, self._chosen.python)

    @contextmanager
    def gathered(self, toolchain: bootstrap.Toolchain, cache: Cache, site: Path) -> Iterator[Found]:
        """Give the wheels to install; files that were fetched or built go when the block ends."""
        with tempfile.TemporaryDirectory(prefix="hatch-wasi-install-") as name:
            work = Path(name)
            for given in (self._args.requirement, self._args.constraint):
                given[:] = [_kept(file, work) for file in given]
            files = list(self._files)
            if self._sources:
                files += self._build(self._sources, toolchain, cache, work / "built")
            if self._is_simple(files, toolchain, site):
                yield [(path, self._origin(path)) for path in files]
            else:
                yield self._resolve(files, toolchain, cache, site, work)

    def _is_simple(self, files: list[Path], toolchain: bootstrap.Toolchain, site: Path) -> bool:
        """Tell whether the files are all that is needed: then pip is not."""
        args = self._args
        if self._words or args.requirement or args.require_hashes or args.upgrade:
            return False
        if args.no_deps:
            return True
        with open_wheels(files) as wheels:
            markers = toolchain.python.target().markers()
            have = scan(site)
            return all(
                any(dist.provides(need) for dist in have) or any(_provides(other, need) for other in wheels)
                for wheel in wheels
                for need in wheel.needs(markers)
            )

    def _resolve(
        self, files: list[Path], toolchain: bootstrap.Toolchain, cache: Cache, site: Path, work: Path
    ) -> Found:
        """Ask pip, and build what it does not find, if that may be."""
        words = [*self._words, *(str(path.absolute()) for path in files)]
        built = work / "wheels"
        log = cache.root / "logs" / "install.log"
        log.unlink(missing_ok=True)
        resolver = Resolver(
            python=toolchain.python,
            site=site,
            log=log,
            console=self._console,
            options=self._pip_options(),
            sources=self._pip_sources(),
        )
        missing: set[str] = set()
        chosen: list[Chosen] | None = None
        while chosen is None:
            folder = Path(tempfile.mkdtemp(dir=work))
            try:
                with self._console.step("Resolving"):
                    chosen = resolver.resolve(words, folder)
            except Unavailable as error:
                if not self._args.build:
                    raise
                if error.requirement in missing:
                    message = f"{error.requirement} was built, and pip does not take its wheel"
                    hint = "name sources that a file lists on the command line: only there a wheel can take their place"
                    raise WheelError(message, hint=hint, log=log) from error
                missing.add(error.requirement)
                made = self._build([_named(error.requirement)], toolchain, cache, built)
                # What was named by its place is the wheel from now on; pip looks the others up.
                place = error.requirement.partition("@")[2].strip() or error.requirement
                words = [str(made[0]) if place in word else word for word in words]
                resolver.wheels[:] = [built]
        found = [(item.path, self._chosen_from(item)) for item in chosen]
        # A file that is named is installed even if its version is there: it may have been built anew.
        there = {path.resolve() for path, _ in found}
        return [*found, *((path, self._origin(path)) for path in files if path.resolve() not in there)]

    def _origin(self, path: Path) -> Origin:
        """Say of a wheel file that is named where it is from, or of one that was built what from."""
        made_of = self._built.get(path.resolve())
        return Origin(direct=made_of) if made_of else Origin.of_file(path)

    def _chosen_from(self, item: Chosen) -> Origin:
        made_of = self._built.get(item.path.resolve()) if item.direct else None
        return Origin(requested=item.requested, direct=made_of or item.direct)

    def _pip_options(self) -> list[str]:
        args = self._args
        pairs = [("--requirement", file) for file in args.requirement]
        pairs += [("--constraint", file) for file in args.constraint]
        flags = ("no_deps", "upgrade", "force_reinstall", "pre", "require_hashes")
        given = [f"--{flag.replace('_', '-')}" for flag in flags if getattr(args, flag)]
        return [*(word for pair in pairs for word in pair), *given]

    def _pip_sources(self, *, files: bool = False) -> list[str]:
        """Give pip's options that say where releases are; those in files, which pip reads itself, only if asked to."""
        trusted = [word for host in self._args.trusted_host for word in ("--trusted-host", host)]
        return [*self._releases(files=files).options(), *trusted]

    def _releases(self, *, files: bool) -> requirements.Sources:
        args = self._args
        found = requirements.Sources(
            index_url=args.index_url,
            extra_index_urls=tuple(args.extra_index_url),
            find_links=tuple(args.find_links),
            no_index=args.no_index,
        )
        for file in (*args.requirement, *args.constraint) if files else ():
            found = found if "://" in file else found.of_file(Path(file))
        return found

    def _build(self, words: list[str], toolchain: bootstrap.Toolchain, cache: Cache, folder: Path) -> list[Path]:
        """Make wheels as `hatch-wasi wheel` does, and give the files. Raises `BuildError`, `UsageError`."""
        from hatch_wasi.cli import wheel

        wheel.require()
        from hatch_wasi.pep517.builder import BuildOptions
        from hatch_wasi.pep517.candidates import Finder
        from hatch_wasi.pep517.collect import Options

        args = self._args
        releases = self._releases(files=True)
        constraints = [line for file in args.constraint for line in requirements.read(Path(file))]
        choice = Options(wheel_dir=folder, dependencies=False, constraints=constraints, kept=False)
        building = BuildOptions(
            pip_options=self._pip_sources(files=True),
            variables=wheel.variables(self._chosen),
            source_date=epoch.source_date(os.environ),
        )
        short = toolchain.python.short_version
        finder = Finder(
            short,
            index_url=releases.index_url,
            extra=releases.extra_index_urls,
            find_links=releases.find_links,
            no_index=releases.no_index,
        )
        made = wheel.collector(toolchain, cache, self._console, finder=finder, choice=choice, building=building)
        wheels = made.collect(words)
        self._built.update({path.resolve(): made_of for path, made_of in made.origins.items()})
        return wheels


def _kept(file: str, work: Path) -> str:
    """Give a file that can be read more than once, by other programs too: a copy of what comes from a pipe, `<(…)`."""
    if "://" in file or Path(file).is_file():
        return file
    handle, name = tempfile.mkstemp(prefix="requirements-", suffix=".txt", dir=work)
    with os.fdopen(handle, "wb") as copy:
        copy.write(Path(file).read_bytes())
    return name


def _is_wheel_file(word: str) -> bool:
    return word.endswith(".whl") and "://" not in word


def _is_source(word: str) -> bool:
    """Tell whether a word is a folder or an sdist; a plain name is a requirement, whatever is here, as for pip."""
    path, looks_like_path = Path(word), "/" in word or word.startswith(".")
    return "://" not in word and ((looks_like_path and path.is_dir()) or (word.endswith(SDISTS) and path.is_file()))


def _named(requirement: str) -> str:
    """Give a requirement that is only an address the name that its file has (PEP 508: `NAME @ URL`).

    Raises `UsageError` if that has none, as a repository.
    """
    if not re.match(r"[\w.+]+:/", requirement):
        return requirement
    file = requirement.partition("#")[0].rpartition("/")[2]
    name = "" if "+" in requirement.partition(":")[0] else file.rpartition("-")[0]
    if not name:
        message = f"{requirement}: the name of the project is needed to build it"
        raise UsageError(message, hint="write NAME @ URL")
    return f"{name} @ {requirement}"


def _provides(wheel: Wheel, need: Requirement) -> bool:
    same = canonicalize_name(need.name) == wheel.project
    return same and need.specifier.contains(wheel.parsed_version, prereleases=True)
