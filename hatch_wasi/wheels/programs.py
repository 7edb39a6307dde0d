"""Which files of a wheel become programs: Python scripts, which run on WASI, under names that are theirs to take. Pure.

Whatever else a wheel brings to be executed (shell scripts, programs for one machine) would run outside of WASI, so it is
installed as a data file.
"""

import re

__all__ = ["is_program_name", "is_python"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
TAKEN = re.compile(r"(python|pythonw|pip)[\d.]*|hatch-wasi|(de)?activate(\.\w+|_this\.py)?", re.IGNORECASE)
"""Names of what an environment has by itself (PEP 405, `hatch-wasi venv`)."""
SHEBANG = re.compile(rb"#!\s*(?:[^\s'\"]*/)?(?:env\s+(?:-S\s+)?)?python(?:w|[\d.]+)?(?:\s.*)?")
LONGEST = 200
"""Characters of a program's name: the file system allows 255, and an editor or a shell adds to it."""


def is_program_name(name: str) -> bool:
    """Tell whether a package may have a program of this name."""
    return len(name) <= LONGEST and bool(NAME.fullmatch(name)) and not TAKEN.fullmatch(name)


def is_python(first_line: bytes) -> bool:
    """Tell whether a script with this first line is for Python: `#!python` (PEP 427), or some Python's path."""
    return bool(SHEBANG.fullmatch(first_line.rstrip(b"\r\n")))
