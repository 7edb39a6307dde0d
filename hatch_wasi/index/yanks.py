"""Yanked files (PEP 592): who is out of use, and why, from a file that people write."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_wasi.errors import ConfigError
from hatch_wasi.index.entry import Entry

__all__ = ["NAME", "Yanks"]

NAME = "yanked.toml"


@dataclass(frozen=True)
class Yanks:
    """What `yanked.toml` says: each key is the name of a wheel file or a requirement, each value the reason."""

    reasons: Mapping[str, str]

    @classmethod
    def from_file(cls, path: Path) -> "Yanks":
        """Read `path`, which need not be there. Raises `ConfigError` that lists everything that is wrong."""
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls({})
        except (OSError, ValueError) as error:
            issue = f"{path} cannot be read: {error}"
            raise ConfigError([issue], hint='it is TOML: "demo==1.0" = "the reason"') from error
        issues = [f"{path.name}: {key!r} {problem}" for key in content if (problem := _problem(key, content[key]))]
        if issues:
            raise ConfigError(issues, hint='a line is "demo==1.0" = "the reason", or "NAME-….whl" = "the reason"')
        return cls(content)

    def reason(self, entry: Entry) -> str | None:
        """Give the reason why `entry` is yanked, which may be empty; None if it is not."""
        return next((text for key, text in self.reasons.items() if _covers(key, entry)), None)

    def idle(self, entries: Iterable[Entry]) -> list[str]:
        """List the keys that cover none of `entries`: they may be misspelt."""
        left = list(self.reasons)
        for entry in entries:
            left = [key for key in left if not _covers(key, entry)]
        return left


def _problem(key: str, value: object) -> str:
    if not isinstance(value, str):
        return "has no reason: write a text, which may be empty"
    if key.endswith(".whl"):
        return ""
    try:
        requirement = Requirement(key)
    except InvalidRequirement:
        return "is neither the name of a wheel file nor a requirement"
    if requirement.extras or requirement.url or requirement.marker:
        return "has more than a name and versions"
    return ""


@cache
def _requirement(key: str) -> Requirement:
    return Requirement(key)


def _covers(key: str, entry: Entry) -> bool:
    if key.endswith(".whl"):
        return key == entry.filename
    requirement = _requirement(key)
    if canonicalize_name(requirement.name) != entry.project:
        return False
    return requirement.specifier.contains(entry.parsed_version, prereleases=True)
