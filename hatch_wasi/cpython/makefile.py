"""Read variables of CPython's Makefile, which configure has filled in: names of files, no functions or references."""

import re

__all__ = ["static_archives", "variable"]


def variable(makefile: str, name: str) -> list[str]:
    """Give the words of `name`, or nothing if it is not assigned; lines are continued by a backslash at their end."""
    found = re.search(rf"^{re.escape(name)}[ \t]*=((?:.*\\\n)*.*)$", makefile, flags=re.MULTILINE)
    return found[1].replace("\\\n", " ").split() if found else []


def static_archives(makefile: str) -> list[str]:
    """Give the static libraries that the stdlib's modules are linked with: `LIBEXPAT_A = Modules/expat/libexpat.a`."""
    names = re.findall(r"^(LIB\w+_A)[ \t]*=", makefile, flags=re.MULTILINE)
    return [word for name in names for word in variable(makefile, name)]
