"""Read CPython's Makefile, which configure has filled in: variables without functions or references, and rules."""

import re
from dataclasses import dataclass

__all__ = ["FrozenModule", "frozen_modules", "static_archives", "variable"]


@dataclass(frozen=True)
class FrozenModule:
    """A module that is compiled into the interpreter."""

    name: str
    source: str
    """Relative to CPython's sources."""
    header: str
    """Relative to the build folder."""


def variable(makefile: str, name: str) -> list[str]:
    """Give the words of `name`, or nothing if it is not assigned; lines are continued by a backslash at their end."""
    found = re.search(rf"^{re.escape(name)}[ \t]*=((?:.*\\\n)*.*)$", makefile, flags=re.MULTILINE)
    return found[1].replace("\\\n", " ").split() if found else []


def static_archives(makefile: str) -> list[str]:
    """Give the static libraries that the stdlib's modules are linked with: `LIBEXPAT_A = Modules/expat/libexpat.a`."""
    names = re.findall(r"^(LIB\w+_A)[ \t]*=", makefile, flags=re.MULTILINE)
    return [word for name in names for word in variable(makefile, name)]


def frozen_modules(makefile: str) -> list[FrozenModule]:
    """List what is frozen, by rules like `$(FREEZE_MODULE) abc $(srcdir)/Lib/abc.py Python/frozen_modules/abc.h`."""
    rule = r"^\t\$\(FREEZE_MODULE(?:_BOOTSTRAP)?\) (\S+) \$\(srcdir\)/(\S+) (\S+)$"
    return [FrozenModule(*words) for words in re.findall(rule, makefile, flags=re.MULTILINE)]
