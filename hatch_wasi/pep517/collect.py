"""Make wheels of what is asked for and of all that it depends on, as `pip wheel` does, for WASI Python."""

import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_wasi.cache import Cache, replace_file
from hatch_wasi.console import Console
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.disguise.toolset import Toolset
from hatch_wasi.errors import BuildError, UsageError
from hatch_wasi.pep517 import project
from hatch_wasi.pep517.build import Build
from hatch_wasi.pep517.candidates import Finder, name_of
from hatch_wasi.pep517.environment import Environment
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import archive
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wheels.audit import Auditor
from hatch_wasi.wheels.install import open_wheels
from hatch_wasi.wheels.neutral import neutralize
from hatch_wasi.wheels.unpack import unpack

__all__ = ["Collector", "Options"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person can choose."""

    wheel_dir: Path
    dependencies: bool = True
    allow_pure: bool = False
    config_settings: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    pip_options: Sequence[str] = ()
    """For installing build requirements."""
    no_binary: frozenset[str] = frozenset()
    """Projects that are built even where a wheel would do; `:all:` means all."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """For backends: our own hook among them is to know its target."""


@dataclass
class Collector:
    """Builds for one WASI Python."""

    cache: Cache
    console: Console
    sdk: WasiSdk
    python: WasiPython
    cxx: CxxLibrary | None
    """The C++ library, if it is there already."""
    ensure_cxx: Callable[[], CxxLibrary]
    """Asked when C++ is compiled and it is not."""
    build_python: Path
    finder: Finder
    options: Options
    made: list[Path] = field(default_factory=list)
    """Wheels in the output folder, in the order in which they were made."""

    def __post_init__(self) -> None:
        """Read the WASI Python once."""
        self._auditor = Auditor(self.python)
        self._log = self.cache.folder("logs") / "wheel.log"

    def collect(self, words: Sequence[str]) -> list[Path]:
        """Make wheels of projects, sdists, wheel files and requirements. Raises `BuildError` or `UsageError`."""
        waiting: deque[tuple[str, bool]] = deque((word, True) for word in words)
        have: dict[str, str] = {}
        try:
            self.options.wheel_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{self.options.wheel_dir} cannot be made: {error.strerror}"
            raise UsageError(message, hint="name another folder by -w") from error
        while waiting:
            word, asked = waiting.popleft()
            wheel = self._make(word, have, asked=asked)
            if wheel is None:
                continue
            self.made.append(wheel)
            if self.options.dependencies:
                waiting.extend((str(need), False) for need in self._needs(wheel))
        return self.made

    def _make(self, word: str, have: dict[str, str], *, asked: bool) -> Path | None:
        """Give the wheel of one word, None if it is there already."""
        path = Path(word)
        with tempfile.TemporaryDirectory(prefix="hatch-wasi-wheel-") as name:
            work = Path(name)
            if asked and path.is_dir():
                return self._keep(self._build(path.resolve(), path.resolve().name, work), work, have, built=True)
            if asked and path.is_file():
                return self._keep(self._from_file(path, work), work, have, built=path.suffix != ".whl")
            try:
                requirement = Requirement(word)
            except InvalidRequirement as error:
                message = f"{word} is neither a file, a folder nor a requirement: {str(error).splitlines()[0]}"
                raise UsageError(message) from error
            if requirement.url:
                message = f"{word}: URLs are not supported yet"
                raise UsageError(message, hint="download it and name the file")
            key = canonicalize_name(requirement.name)
            if key in have and requirement.specifier.contains(have[key], prereleases=True):
                return None
            if key in have:
                message = f"{requirement} is needed, but {key} {have[key]} was chosen"
                raise BuildError(message, hint=f"name a version of {key} that suits all")
            made, built = self._from_index(requirement, work)
            return self._keep(made, work, have, built=built)

    def _from_index(self, requirement: Requirement, work: Path) -> tuple[Path, bool]:
        """Give the wheel of a requirement, and whether it was built."""
        source_only = bool({canonicalize_name(requirement.name), ":all:"} & self.options.no_binary)
        found = self.finder.find(requirement, source_only=source_only)
        with self.console.step(f"Fetching {found.name} {found.version}"):
            path = self.finder.fetch(found, work / "fetched")
        return (path, False) if found.is_wheel else (self._build(path, f"{found.name} {found.version}", work), True)

    def _from_file(self, path: Path, work: Path) -> Path:
        if path.suffix == ".whl":
            return path
        archive.unpack(path, work / "unpacked")
        return self._build(work / "unpacked", path.name, work)

    def _build(self, source: Path, label: str, work: Path) -> Path:
        log = self.cache.folder("logs") / f"wheel-{label.replace(' ', '-').replace('/', '_')}.log"
        log.unlink(missing_ok=True)
        project.read(source)
        with self.console.step(f"Building {label}"):
            environment = Environment(
                folder=work / "env", build_python=self.build_python, log=log, constraints=self.options.pip_options
            )
            environment.make()
            toolset = Toolset(
                folder=work / "toolset",
                sdk=self.sdk,
                python=self.python,
                cxx=self.cxx,
                hidden=(work,),
                site_packages=environment.site_packages,
                target_packages=work / "target-packages",
            )
            wheel = Build(
                source=source,
                label=label,
                work=work,
                environment=environment,
                toolset=toolset,
                provide=lambda need, folder: self._provide(need, folder, work),
                ensure_cxx=self._ensure_cxx,
                log=log,
                config_settings=self.options.config_settings,
                allow_pure=self.options.allow_pure,
                variables=self.options.variables,
            ).run()
        self._log = log  # set last: what a build needs for WASI is built inside of it, with a log of its own
        return wheel

    def _ensure_cxx(self) -> CxxLibrary:
        self.cxx = self.cxx or self.ensure_cxx()
        return self.cxx

    def _provide(self, need: str, folder: Path, work: Path) -> None:
        """Unpack the target's wheel of `NAME==VERSION`, a build requirement whose headers are used."""
        self.console.note(f"Needed for WASI by the build: {need}")
        part = work / f"need-{canonicalize_name(Requirement(need).name)}"
        part.mkdir()
        wheel, _ = self._from_index(Requirement(need), part)
        unpack(wheel, folder)

    def _keep(self, wheel: Path, work: Path, have: dict[str, str], *, built: bool) -> Path:
        """Audit a wheel and put it into the output folder, whole."""
        name, version = name_of(wheel)
        with open_wheels([wheel]):
            pass  # whole, and what it says it is
        if built:
            wheel = neutralize(wheel, work, work / "neutral")
        if built and (found := self._auditor.check(wheel, private=(str(work),))):
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            message = f"{wheel.name} was built and is not right: {found[0]}{more}"
            raise BuildError(message, hint="see the log", log=self._log)
        target = self.options.wheel_dir / wheel.name
        if wheel.resolve() != target.resolve():
            try:
                replace_file(target, wheel.read_bytes())
            except OSError as error:
                message = f"{self.options.wheel_dir} cannot be written: {error.strerror}"
                raise UsageError(message, hint="name another folder by -w") from error
        have[name] = str(version)
        self.console.note(f"{'Made' if built else 'Taken as it is:'} {target}")
        return target

    def _needs(self, wheel: Path) -> list[Requirement]:
        with open_wheels([wheel]) as (opened,):
            return list(opened.needs(self.python.target().markers()))
