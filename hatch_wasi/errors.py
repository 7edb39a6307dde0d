"""What can go wrong, in words for the person who has to mend it.

Adapters (the command line, the Hatch hook) catch `HatchWasiError` alone: its text is one line that says what failed
and where, `hint` says what to do next and `log` names the file with the full output.
"""

from __future__ import annotations

from hatch_wasi.text import printable

TYPE_CHECKING = False  # typing and pathlib would be a good part of the time that `hatch-wasi run` takes to start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "BuildError",
    "CacheError",
    "ConfigError",
    "FetchError",
    "HatchWasiError",
    "LoadError",
    "MalformedWasm",
    "ProcessFailed",
    "SiteError",
    "ToolchainError",
    "UsageError",
    "WheelError",
]


class HatchWasiError(Exception):
    """A failure that is reported, not traced."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, log: Path | None = None) -> None:
        """Say what failed and where in `message`; what to do next in `hint`; where the full output is in `log`."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log

    def render(self) -> str:
        """Return the whole text, fit for a terminal: the message, then a line each for the log and the hint."""
        lines = [self.message]
        if self.log is not None:
            lines.append(f"  log: {self.log}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return printable("\n".join(lines))


class UsageError(HatchWasiError):
    """The command line cannot be acted on."""

    exit_code = 2


class ConfigError(HatchWasiError):
    """The project's configuration is wrong; `issues` lists everything that is, each with its dotted key."""

    def __init__(self, issues: Sequence[str], *, hint: str | None = None) -> None:
        """Report all of `issues` at once."""
        self.issues = tuple(issues)
        count = len(self.issues)
        head = "1 configuration error" if count == 1 else f"{count} configuration errors"
        super().__init__(f"{head}: " + "; ".join(self.issues), hint=hint)

    def render(self) -> str:
        """Return one line an issue, where there are several."""
        if len(self.issues) == 1:
            return super().render()
        head = self.message.partition(":")[0]
        lines = [f"{head}:", *(f"  {issue}" for issue in self.issues)]
        return printable("\n".join([*lines, f"  hint: {self.hint}"] if self.hint else lines))


class ProcessFailed(HatchWasiError):
    """A program that was run did not succeed; `output` is the end of what it printed."""

    def __init__(
        self, message: str, *, status: int, output: str = "", hint: str | None = None, log: Path | None = None
    ) -> None:
        """Keep the exit `status` (negative: the signal that ended it) beside the message."""
        super().__init__(message, hint=hint, log=log)
        self.status = status
        self.output = output


class BuildError(HatchWasiError):
    """An extension module cannot be made; `output` is the command and what it printed."""

    def __init__(self, message: str, *, output: str = "", hint: str | None = None, log: Path | None = None) -> None:
        """Keep the compiler's `output` beside the message."""
        super().__init__(message, hint=hint, log=log)
        self.output = output


class FetchError(HatchWasiError):
    """Something could not be downloaded, or is not what its hash promised."""


class CacheError(HatchWasiError):
    """The cache cannot be written, or holds something it should not."""


class ToolchainError(HatchWasiError):
    """No usable SDK or WASI CPython; the message lists every provider's reason."""


class MalformedWasm(HatchWasiError):
    """Bytes that claim to be WebAssembly and are not, or not in the form that is asked for."""


class LoadError(HatchWasiError):
    """A side module cannot be loaded; becomes an ImportError in the guest."""


class SiteError(HatchWasiError):
    """An index cannot be written, or would replace what is not its own."""


class WheelError(HatchWasiError):
    """A wheel cannot be installed: damaged, hostile, or made for something else."""
