"""From the words of `hatch-wasi install` to wheel files: named ones, those that pip finds, and those that are built."""

import argparse
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_wasi import bootstrap, epoch
from hatch_wasi.cache import Cache, digest
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
        self._words = [word for word in args.words if not _is_wheel_file(word)]
        if not args.build and (sources := [word for word in self._words if _is_source(word)]):
            message = f"{sources[0]} is not a wheel file, and has to be built for WASI"
            raise UsageError(message, hint="--build builds it, or build a wheel of it by `hatch-wasi wheel`")
        for word in self._words:
            if not word.strip():
                message = "an empty word is no requirement"
                raise UsageError(message, hint="is a variable on the command line not set?")
            if "://" not in word and not _is_source(word) and (word.endswith(SDISTS) or word.startswith((".", "/"))):
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
            if self._is_simple(toolchain, site):
                yield [(path, Origin.of_file(path)) for path in self._files]
            else:
                yield self._resolve(toolchain, cache, site, work)

    def _is_simple(self, toolchain: bootstrap.Toolchain, site: Path) -> bool:
        """Tell whether the files are all that is needed: then pip is not."""
        args = self._args
        if self._words or args.requirement or args.require_hashes or args.upgrade:
            return False
        if args.no_deps:
            return True
        with open_wheels(self._files) as wheels:
            markers = toolchain.python.target().markers()
            have = scan(site)
            return all(
                any(dist.provides(need) for dist in have) or any(_provides(other, need) for other in wheels)
                for wheel in wheels
                for need in wheel.needs(markers)
            )

    def _resolve(self, toolchain: bootstrap.Toolchain, cache: Cache, site: Path, work: Path) -> Found:
        """Ask pip, and build what it does not find, if that may be."""
        words = [*self._words, *(str(path.absolute()) for path in self._files)]
        log = cache.root / "logs" / f"install-{digest(str(site))}.log"
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
                what = error.url or error.requirement
                if what in missing:
                    message = f"{error.requirement} was built, and pip does not take its wheel"
                    raise WheelError(message, hint="the log says why, of its last run", log=log) from error
                missing.add(what)
                # What is named by its place stays that for pip, which is told of the wheel; others it looks up.
                made = self._build([_sources(error)], toolchain, cache, Path(tempfile.mkdtemp(dir=work)))
                if error.url:
                    resolver.built[error.url] = made[0]
                else:
                    resolver.wheels.append(made[0].parent)
        found = [(item.path, Origin(requested=item.requested, direct=item.direct)) for item in chosen]
        # A file that is named is installed even if its version is there: it may have been built anew.
        there = {path.resolve() for path, _ in found}
        return [*found, *((path, Origin.of_file(path)) for path in self._files if path.resolve() not in there)]

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
        return requirements.Sources.of_arguments(args, (*args.requirement, *args.constraint) if files else ())

    def _build(self, words: list[str], toolchain: bootstrap.Toolchain, cache: Cache, folder: Path) -> list[Path]:
        """Make wheels as `hatch-wasi wheel` does, and give the files. Raises `BuildError`, `UsageError`."""
        from hatch_wasi.cli import wheel

        wheel.require()
        from hatch_wasi.pep517.builder import BuildOptions
        from hatch_wasi.pep517.candidates import Finder
        from hatch_wasi.pep517.collect import Options

        args = self._args
        constraints = [line for file in args.constraint for line in requirements.read(Path(file))]
        choice = Options(wheel_dir=folder, dependencies=False, constraints=constraints, kept=False)
        building = BuildOptions(
            pip_options=self._pip_sources(files=True),
            variables=wheel.variables(self._chosen),
            source_date=epoch.source_date(os.environ),
        )
        short = toolchain.python.short_version
        finder = Finder(short, self._releases(files=True))
        made = wheel.collector(toolchain, cache, self._console, finder=finder, choice=choice, building=building)
        return made.collect(words)


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


def _sources(error: Unavailable) -> str:
    """Give what has to be built as `hatch-wasi wheel` takes it: a folder or file, `NAME @ URL`, or a requirement."""
    if error.url is None:
        return error.requirement
    parts = urlsplit(error.url)
    if parts.scheme == "file":
        return unquote(parts.path)
    try:
        name = Requirement(error.requirement).name
    except InvalidRequirement:  # only an address; the wheel has the name that counts
        stem = parts.path.rpartition("@")[0] or parts.path if "+" in parts.scheme else parts.path
        name = re.sub(r"(-\d.*)?(\.git|\.zip|\.tar\.\w+|\.tgz)?/*$", "", stem).rpartition("/")[2]
    return f"{name} @ {error.url}"


def _provides(wheel: Wheel, need: Requirement) -> bool:
    same = canonicalize_name(need.name) == wheel.project
    return same and need.specifier.contains(wheel.parsed_version, prereleases=True)
