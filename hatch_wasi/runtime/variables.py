"""Which of this machine's environment variables reach the guest.

Those that say how Python should behave do. Those that name folders of this machine reach it if what they name is shown;
what might be a secret stays outside.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IGNORED", "ignored", "passed_on"]

PASSED_ON = (
    "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTHONASYNCIODEBUG", "PYTHONBREAKPOINT", "PYTHONCASEOK",
    "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONHASHSEED", "PYTHONINSPECT",
    "PYTHONINTMAXSTRDIGITS", "PYTHONIOENCODING", "PYTHONMALLOC", "PYTHONMALLOCSTATS", "PYTHONNODEBUGRANGES",
    "PYTHONNOUSERSITE", "PYTHONOPTIMIZE", "PYTHONPROFILEIMPORTTIME", "PYTHONPYCACHEPREFIX", "PYTHONSAFEPATH",
    "PYTHONTRACEMALLOC", "PYTHONUNBUFFERED", "PYTHONUTF8", "PYTHONVERBOSE", "PYTHONWARNDEFAULTENCODING",
    "PYTHONWARNINGS", "PYTHON_COLORS", "PYTHON_CONTEXT_AWARE_WARNINGS", "PYTHON_CPU_COUNT", "PYTHON_FROZEN_MODULES",
    "SOURCE_DATE_EPOCH", "TERM",
)  # fmt: skip
IGNORED = {
    "PYTHONHOME": "WASI Python has a standard library of its own",
    "PYTHONPLATLIBDIR": "WASI Python has a standard library of its own",
    "PYTHONUSERBASE": "WASI Python has no packages of a user; use `hatch-wasi install` or --site",
}
"""What a person is told of, with the reason. All others that are not passed on mean nothing to the guest."""


def passed_on(host: Mapping[str, str], *, ignore_python: bool) -> dict[str, str]:
    """Return the variables that the guest gets; with `ignore_python` (python's -E and -I), none that are Python's."""
    names = (name for name in PASSED_ON if not (ignore_python and name.startswith("PYTHON")))
    return {name: host[name] for name in names if name in host}


def ignored(host: Mapping[str, str]) -> list[str]:
    """Say of each variable that is set and cannot be honoured why that is so."""
    return [f"{name} is ignored: {reason}" for name, reason in IGNORED.items() if host.get(name)]
