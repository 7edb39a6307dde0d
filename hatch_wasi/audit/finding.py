"""What an audit says about a wheel."""

import enum
from dataclasses import dataclass, field

__all__ = ["Finding", "Level", "ModuleReport", "Report"]


class Level(enum.StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The wheel cannot be used, or not as it says, or gives a secret away."""
    WARNING = "warning"
    """It can be used, and something about it should be otherwise."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong with a wheel."""

    level: Level
    code: str
    """What kind of thing it is, for programs: docs/audit.md lists them."""
    where: str
    """The member, or the wheel's own name."""
    what: str

    def __str__(self) -> str:
        """Give it in a line, without the level."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, kw_only=True)
class ModuleReport:
    """A side module of a wheel."""

    name: str
    """The member."""
    size: int
    """Bytes, unpacked."""
    debug: int = 0
    """Bytes of its debug sections."""
    needed: tuple[str, ...] = ()
    """Libraries that it is linked with at run time."""
    abi: dict[str, str | int] | None = None
    """What it says that it was built with and for (PEP 816); None if it says nothing."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The audit of one wheel."""

    wheel: str
    """Its file name."""
    findings: list[Finding] = field(default_factory=list)
    modules: list[ModuleReport] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What makes it unusable."""
        return [finding for finding in self.findings if finding.level is Level.ERROR]

    @property
    def problem(self) -> str:
        """The first error in a line, and how many more there are; empty if there is none."""
        errors = self.errors
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"{errors[0]}{more}" if errors else ""

    @property
    def warnings(self) -> list[Finding]:
        """What should be otherwise."""
        return [finding for finding in self.findings if finding.level is Level.WARNING]
