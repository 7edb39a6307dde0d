"""What is chosen of each project while wheels are collected, and what is wanted of it by whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from hatch_wasi.errors import BuildError

__all__ = ["Choice", "Selection"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A wheel that was chosen."""

    wheel: Path
    version: Version
    replaceable: bool
    """Another version may take its place: nobody named this very file, folder or address."""
    needs: list[Requirement]
    """What it depends on, with those of its extras that somebody wants."""


class Selection:
    """One version of each project, which all who want it can agree on.

    What is wanted is known before it is looked up, so most conflicts never arise; where a dependency that comes late
    does not like what was chosen, a version is chosen that suits all who were heard until then. Versions that were
    given up are never tried again, so this ends.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._wanted: dict[str, list[Requirement]] = {}
        self._chosen: dict[str, Choice] = {}

    def want(self, requirement: Requirement) -> None:
        """Hear what is wanted, at first hand or by a dependency."""
        self._wanted.setdefault(canonicalize_name(requirement.name), []).append(requirement)

    def narrowed(self, requirement: Requirement) -> Requirement:
        """Give `requirement` with what all others want of its project, their extras too."""
        found = Requirement(str(requirement))
        for other in self._wanted.get(canonicalize_name(requirement.name), ()):
            found.specifier &= other.specifier
            found.extras |= other.extras
        return found

    def choose(self, project: str, choice: Choice) -> None:
        """Take a wheel for the normalized name `project`."""
        self._chosen[project] = choice

    def find(self, requirement: Requirement) -> Choice | None:
        """Give what is chosen of the requirement's project, if that satisfies it."""
        choice = self._chosen.get(canonicalize_name(requirement.name))
        fits = choice is not None and requirement.specifier.contains(choice.version, prereleases=True)
        return choice if fits else None

    def give_up(self, requirement: Requirement) -> Choice | None:
        """Give up what is chosen of the project of a requirement that it does not satisfy, and give it.

        Raises `BuildError` if nothing else may take its place.
        """
        project = canonicalize_name(requirement.name)
        choice = self._chosen.get(project)
        if choice is None:
            return None
        if not choice.replaceable:
            message = f"{requirement} is needed, but {project} {choice.version} was named"
            raise BuildError(message, hint=f"name a version of {project} that suits all")
        return self._chosen.pop(project)

    def contest(self, requirement: Requirement) -> BuildError | None:
        """Say what keeps all who want the requirement's project from agreeing, if they ask for different versions."""
        project = canonicalize_name(requirement.name)
        wanted = sorted({str(other.specifier) for other in self._wanted.get(project, ()) if other.specifier})
        if len(wanted) < 2:
            return None
        message = f"no version of {project} suits all who need it: {'; '.join(wanted)}"
        return BuildError(message, hint=f"name versions of those who need {project} that suit each other")

    def superfluous(self, asked: Iterable[str]) -> list[Choice]:
        """Take out what nothing that was `asked` for (normalized names) needs any more, and give it."""
        reached: set[str] = set()
        waiting = list(asked)
        while waiting:
            project = waiting.pop()
            if project in self._chosen and project not in reached:
                reached.add(project)
                waiting += [canonicalize_name(need.name) for need in self._chosen[project].needs]
        return [self._chosen.pop(project) for project in sorted(self._chosen.keys() - reached)]
