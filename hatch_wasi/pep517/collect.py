"""Make wheels of what is asked for and of all that it depends on, as `pip wheel` does, for WASI Python."""

import tempfile
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_wasi.audit.auditor import Auditor
from hatch_wasi.cache import replace_file
from hatch_wasi.console import Console
from hatch_wasi.errors import BuildError, UsageError
from hatch_wasi.pep517.builder import Builder, Needs
from hatch_wasi.pep517.candidates import Finder, name_of
from hatch_wasi.pep517.testing import Tests
from hatch_wasi.sources import archive
from hatch_wasi.wheels.install import open_wheels

__all__ = ["Collector", "Options"]

ALL = ":all:"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person can choose of what is collected."""

    wheel_dir: Path
    dependencies: bool = True
    no_binary: frozenset[str] = frozenset()
    """Projects that are built even where a wheel would do; `:all:` means all."""
    only_binary: frozenset[str] = frozenset()
    """Projects of which a pure wheel is taken, though they have extensions; `:all:` means all."""
    constraints: Sequence[Requirement] = ()
    """Which versions of projects may be taken, if they are."""
    target_requires: Sequence[str] = ()
    """Requirements whose files for WASI the builds of what is asked for find, beyond what they are seen to use."""
    tests: Tests | None = None
    """What the wheels that are asked for must pass."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A wheel, and where it comes from."""

    wheel: Path
    built: bool
    source: Path | None = None
    """The tree it was built from."""
    label: str = ""


@dataclass
class Collector:
    """Collects for one WASI Python."""

    builder: Builder
    finder: Finder
    options: Options
    made: list[Path] = field(default_factory=list)
    """Wheels in the output folder, in the order in which they were made."""

    def __post_init__(self) -> None:
        """Read the WASI Python once."""
        self._auditor = Auditor(self.builder.python)

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
            with tempfile.TemporaryDirectory(prefix="hatch-wasi-wheel-") as name:
                work = Path(name)
                made = self._make(word, have, work, asked=asked)
                if made is None:
                    continue
                wheel = self._keep(made, work, have, asked=asked)
            self.made.append(wheel)
            if self.options.dependencies:
                extras = _extras(word)
                waiting.extend((str(need), False) for need in self._needs(wheel, extras))
        return self.made

    def _make(self, word: str, have: dict[str, str], work: Path, *, asked: bool) -> Made | None:
        """Give the wheel of one word, None if it is there already."""
        path = Path(word)
        if asked and path.is_dir():
            path = path.resolve()
            wheel = self.builder.build(path, path.name, work, self._needed(asked=True))
            return Made(wheel=wheel, built=True, source=path, label=path.name)
        if asked and path.is_file():
            return self._from_file(path, work)
        try:
            requirement = Requirement(word)
        except InvalidRequirement as error:
            message = f"{word} is neither a file, a folder nor a requirement: {str(error).splitlines()[0]}"
            raise UsageError(message) from error
        key = canonicalize_name(requirement.name)
        if key in have and requirement.specifier.contains(have[key], prereleases=True):
            return None
        if key in have:
            message = f"{requirement} is needed, but {key} {have[key]} was chosen"
            raise BuildError(message, hint=f"name a version of {key} that suits all")
        return self._from_index(requirement, work, asked=asked)

    def _needed(self, *, asked: bool) -> Needs:
        return Needs(
            fetch=lambda need, folder: self._from_index(need, folder, asked=False).wheel,
            asked=self.options.target_requires if asked else (),
        )

    def _from_index(self, requirement: Requirement, work: Path, *, asked: bool) -> Made:
        names = {canonicalize_name(requirement.name), ALL}
        requirement = self._constrained(requirement)
        if requirement.url:
            label, has_extensions = str(requirement), False
            with self.builder.console.step(f"Fetching {requirement}"):
                fetched = self.finder.fetch_url(requirement, work / "fetched")
        else:
            source_only, wheel_only = bool(names & self.options.no_binary), bool(names & self.options.only_binary)
            found = self.finder.find(requirement, source_only=source_only, wheel_only=wheel_only)
            label, has_extensions = found.label, found.has_extensions
            with self.builder.console.step(f"Fetching {found.label}"):
                fetched = self.finder.fetch(found, work / "fetched")
        if fetched.is_wheel:
            return Made(wheel=fetched.path, built=False)
        needs = self._needed(asked=asked)
        if fetched.sdist:
            wheel = self.builder.build_sdist(fetched.sdist, fetched.path, label, work, needs)
        else:
            wheel = self.builder.build(fetched.path, label, work, needs)
        if has_extensions and wheel.name.endswith("-none-any.whl") and not self.builder.options.allow_pure:
            message = f"{label} has extension modules for other systems, and its wheel for WASI is pure Python"
            hint = "its sources may build them only when they are asked to; --allow-pure accepts the wheel"
            raise BuildError(message, hint=hint, log=self.builder.log(label))
        return Made(wheel=wheel, built=True, source=fetched.path, label=label)

    def _constrained(self, requirement: Requirement) -> Requirement:
        narrowed = Requirement(str(requirement))
        for constraint in self.options.constraints:
            if canonicalize_name(constraint.name) == canonicalize_name(requirement.name):
                narrowed.specifier &= constraint.specifier
        return narrowed

    def _from_file(self, path: Path, work: Path) -> Made:
        if path.suffix == ".whl":
            return Made(wheel=path, built=False)
        tree = work / "unpacked"
        archive.unpack(path, tree)
        wheel = self.builder.build_sdist(path, tree, path.name, work, self._needed(asked=True))
        return Made(wheel=wheel, built=True, source=tree, label=path.name)

    def _keep(self, made: Made, work: Path, have: dict[str, str], *, asked: bool) -> Path:
        """Audit a wheel, test it, and put it into the output folder, whole."""
        wheel = made.wheel
        name, version = name_of(wheel)
        with open_wheels([wheel]):
            pass  # whole, and what it says it is
        if made.built:
            self._audit(wheel, made, work)
        if asked and made.source and self.options.tests:
            self.options.tests.run(wheel, made.source, self.builder, self._wheels_for, work)
        target = self.options.wheel_dir / wheel.name
        same = False
        with suppress(OSError):
            same = wheel.samefile(target)
        if not same:
            try:
                replace_file(target, wheel.read_bytes())
            except OSError as error:
                message = f"{self.options.wheel_dir} cannot be written: {error.strerror}"
                raise UsageError(message, hint="name another folder by -w") from error
        have[name] = str(version)
        self.builder.console.note(f"{'Made' if made.built else 'Taken as it is:'} {target}")
        return target

    def _audit(self, wheel: Path, made: Made, work: Path) -> None:
        """Refuse what would not import; what is only not as it should be is said where more is asked for."""
        report = self._auditor.check(wheel, private=(str(work),))
        if problem := report.problem:
            self.builder.forget(wheel)
            message = f"{wheel.name} was built and is not right: {problem}"
            raise BuildError(message, hint="see the log", log=self.builder.log(made.label))
        for finding in report.warnings:
            self.builder.console.detail(f"{wheel.name}: {finding}")

    def _wheels_for(self, words: Sequence[str], folder: Path) -> list[Path]:
        """Collect other wheels into `folder`: what tests need. Of no interest to anybody, unless something is built."""
        options = replace(self.options, wheel_dir=folder, dependencies=True, target_requires=(), tests=None)
        said = self.builder.console.verbosity
        quiet = replace(self.builder, console=Console(verbosity=said if said > 0 else -1))
        with self.builder.console.step("Collecting what its tests need"):
            return Collector(quiet, self.finder, options).collect(words)

    def _needs(self, wheel: Path, extras: frozenset[str]) -> list[Requirement]:
        with open_wheels([wheel]) as (opened,):
            return list(opened.needs(self.builder.python.target().markers(), extras))


def _extras(word: str) -> frozenset[str]:
    try:
        return frozenset(Requirement(word).extras)
    except InvalidRequirement:
        return frozenset()
