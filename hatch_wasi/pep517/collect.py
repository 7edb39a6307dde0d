"""Make wheels of what is asked for and of all that it depends on, as `pip wheel` does, for WASI Python."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Collection, Mapping, Sequence
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
from hatch_wasi.pep517.candidates import Fetched, Finder, NoRelease, name_of
from hatch_wasi.pep517.selection import Choice, Selection
from hatch_wasi.pep517.testing import Tests
from hatch_wasi.redaction import stripped
from hatch_wasi.sources import archive
from hatch_wasi.wheels.install import open_wheels

__all__ = ["Collector", "Options"]

ALL = ":all:"
ALGORITHMS = ("sha256", "sha384", "sha512")
"""Those that pip takes (pip/_internal/utils/hashes.py, STRONG_HASHES)."""


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
    hashes: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Of archives that may be taken, by normalized name; if there are any, nothing else is taken."""
    target_requires: Sequence[str] = ()
    """Requirements whose files for WASI the builds of what is asked for find, beyond what they are seen to use."""
    kept: bool = True
    """The folder stays; else its name is of no interest."""
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
        self._selection = Selection()
        self._asked: set[str] = set()
        self._new: set[Path] = set()

    def collect(self, words: Sequence[str]) -> list[Path]:
        """Make wheels of projects, sdists, wheel files and requirements. Raises `BuildError` or `UsageError`."""
        try:
            self.options.wheel_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{self.options.wheel_dir} cannot be made: {error.strerror}"
            raise UsageError(message, hint="name another folder by -w") from error
        asked = [_read(word) for word in words]
        waiting = deque((item, True) for item in asked)
        self._want(asked)
        while waiting:
            item, is_asked = waiting.popleft()
            needs = self._satisfy(item, asked=is_asked)
            if self.options.dependencies:
                self._want(needs)
                waiting.extend((need, False) for need in needs)
        for choice in self._selection.superfluous(self._asked):
            self._take_back(choice)
        return self.made

    def _want(self, items: Sequence[Path | Requirement]) -> None:
        for item in items:
            if isinstance(item, Requirement):
                self._selection.want(item)

    def _satisfy(self, item: Path | Requirement, *, asked: bool) -> list[Requirement]:
        """See that there is a wheel, and give what that needs and nobody has heard of yet."""
        extras: set[str] = set()
        if isinstance(item, Requirement):
            asked = asked or canonicalize_name(item.name) in self._asked
            if choice := self._selection.find(item):
                more = self._needs(choice.wheel, item.extras) if item.extras else []
                choice.needs.extend(more)
                return more
            extras = self._selection.narrowed(item).extras
            if dropped := self._selection.give_up(item):
                self._take_back(dropped)
                self.builder.console.note(f"Gave up {dropped.wheel.name}: {item} is needed")
        with tempfile.TemporaryDirectory(prefix="hatch-wasi-wheel-") as name:
            work = Path(name)
            made = self._make(item, work, asked=asked)
            wheel = self._keep(made, work, asked=asked)
        needs = self._needs(wheel, extras)
        project, version = name_of(wheel)
        replaceable = isinstance(item, Requirement) and item.url is None
        self._selection.choose(project, Choice(wheel=wheel, version=version, replaceable=replaceable, needs=needs))
        if asked:
            self._asked.add(project)
        return needs

    def _take_back(self, choice: Choice) -> None:
        """Remove a wheel that is not needed after all, unless it was there before."""
        if choice.wheel in self.made:
            self.made.remove(choice.wheel)
        if choice.wheel in self._new:
            choice.wheel.unlink(missing_ok=True)

    def _make(self, item: Path | Requirement, work: Path, *, asked: bool) -> Made:
        """Give the wheel of what was asked for, or is needed."""
        if isinstance(item, Requirement):
            try:
                return self._from_index(self._selection.narrowed(item), work, asked=asked, verify=True)
            except NoRelease as error:
                raise self._selection.contest(item) or error from error
        if item.is_file():
            return self._from_file(item, work)
        self._check_tests(item, asked=asked)
        wheel = self.builder.build(item, item.name, work, self._needed(asked=True))
        return Made(wheel=wheel, built=True, source=item, label=item.name)

    def _check_tests(self, source: Path, *, asked: bool) -> None:
        """Raise `UsageError` before a long build if the tests after it cannot run."""
        if asked and self.options.tests:
            self.options.tests.check(source)

    def _needed(self, *, asked: bool) -> Needs:
        return Needs(
            fetch=lambda need, folder: self._from_index(need, folder, asked=False).wheel,
            asked=self.options.target_requires if asked else (),
        )

    def _from_index(self, requirement: Requirement, work: Path, *, asked: bool, verify: bool = False) -> Made:
        """Fetch a release and build it if need be; `verify` its hash, if the files of requirements have hashes."""
        names = {canonicalize_name(requirement.name), ALL}
        requirement = self._constrained(requirement)
        if requirement.url:
            # Logs and entries of the cache are named by it.
            label, has_extensions = f"{requirement.name} @ {stripped(requirement.url)}", False
            with self.builder.console.step(f"Fetching {label}"):
                fetched = self.finder.fetch_url(requirement, work / "fetched")
        else:
            source_only, wheel_only = bool(names & self.options.no_binary), bool(names & self.options.only_binary)
            found = self.finder.find(requirement, source_only=source_only, wheel_only=wheel_only)
            label, has_extensions = found.label, found.has_extensions
            if found.older_than:
                self.builder.console.note(f"{found.label} is not the newest release: {found.older_than}")
            with self.builder.console.step(f"Fetching {found.label}"):
                fetched = self.finder.fetch(found, work / "fetched")
        if verify:
            self._verify(requirement, label, fetched)
        if fetched.is_wheel:
            return Made(wheel=fetched.path, built=False)
        self._check_tests(fetched.path, asked=asked)
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

    def _verify(self, requirement: Requirement, label: str, fetched: Fetched) -> None:
        """Compare an archive with the hashes that it may have: if anything has one, as in pip, everything must."""
        if not self.options.hashes:
            return
        archive_file = fetched.path if fetched.is_wheel else fetched.sdist
        known = self.options.hashes.get(canonicalize_name(requirement.name), ())
        for algorithm, expected in known:
            if archive_file and algorithm in ALGORITHMS:
                with archive_file.open("rb") as file:
                    if hashlib.file_digest(file, algorithm).hexdigest() == expected.lower():
                        return
        message = f"{label}: {archive_file.name if archive_file else 'what was fetched'} has none of the hashes that are listed"
        if not known:
            message = f"{label} has no hash in the files of requirements, where others have"
        raise BuildError(message, hint="list --hash=sha256:… of each archive that may be taken")

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
        self._check_tests(tree, asked=True)
        wheel = self.builder.build_sdist(path, tree, path.name, work, self._needed(asked=True))
        return Made(wheel=wheel, built=True, source=tree, label=path.name)

    def _keep(self, made: Made, work: Path, *, asked: bool) -> Path:
        """Audit a wheel, test it, and put it into the output folder, whole."""
        wheel = made.wheel
        with open_wheels([wheel]):
            pass  # whole, and what it says it is
        if made.built:
            self._audit(wheel, made, work)
        if asked and made.source and self.options.tests:
            self.options.tests.run(wheel, made.source, self.builder, self._wheels_for, work)
        elif asked and self.options.tests:
            self.builder.console.warn(f"{wheel.name} was not built, and is not tested")
        target = self.options.wheel_dir / wheel.name
        same = False
        with suppress(OSError):
            same = wheel.samefile(target)
        if not same:
            if not target.exists():
                self._new.add(target)
            try:
                replace_file(target, wheel.read_bytes())
            except OSError as error:
                message = f"{self.options.wheel_dir} cannot be written: {error.strerror}"
                raise UsageError(message, hint="name another folder by -w") from error
        self.made.append(target)
        shown = target if self.options.kept else target.name
        self.builder.console.note(f"{'Made' if made.built else 'Taken as it is:'} {shown}")
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
        options = replace(self.options, wheel_dir=folder, dependencies=True, hashes={}, target_requires=(), tests=None)
        said = self.builder.console.verbosity
        quiet = replace(self.builder, console=Console(verbosity=said if said > 0 else -1))
        with self.builder.console.step("Collecting what its tests need"):
            return Collector(quiet, self.finder, options).collect(words)

    def _needs(self, wheel: Path, extras: Collection[str]) -> list[Requirement]:
        with open_wheels([wheel]) as (opened,):
            return list(opened.needs(self.builder.python.target().markers(), extras))


def _read(word: str) -> Path | Requirement:
    """Tell a folder or file from a requirement; a plain name is one, whatever folder is here, as for pip.

    Raises `UsageError` for what is none of them.
    """
    path, looks_like_path = Path(word), "/" in word or word.startswith(".")
    if path.is_file() or (looks_like_path and path.is_dir()):
        return path.resolve()
    if word.endswith((*archive.FORMATS, ".whl")) and not looks_like_path:
        message = f"{word}: no such file"
        raise UsageError(message)
    try:
        return Requirement(word)
    except InvalidRequirement as error:
        message = f"{word} is neither a file, a folder nor a requirement: {str(error).splitlines()[0]}"
        raise UsageError(message, hint="write NAME @ URL" if "://" in word else None) from error
