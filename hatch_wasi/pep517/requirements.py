"""Files of requirements, one a line, as pip reads them."""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from hatch_wasi.errors import UsageError

__all__ = ["names", "read"]

NESTED = re.compile(r"(?:-r|--requirement)[ =]?\s*(?P<file>\S.*)")
COMMENT = re.compile(r"(^|\s+)#.*$")
"""As pip has it (pip/_internal/req/req_file.py): a `#` within a word, as in a URL, begins none."""


def read(path: Path) -> list[Requirement]:
    """Read a constraints or requirements file without options: those are for pip alone.

    Raises `UsageError` naming the line that is none.
    """
    return [_requirement(path, number, words) for number, words in _lines(path)]


def names(path: Path, seen: frozenset[Path] = frozenset()) -> list[str]:
    """Give the names of projects in a requirements file, and in those that it names by `-r`; as pip, pass over options.

    Raises `UsageError`, also for files that name each other in a circle.
    """
    if path.resolve() in seen:
        message = f"{path} names itself, by -r"
        raise UsageError(message)
    found = []
    for number, words in _lines(path):
        if nested := NESTED.fullmatch(words):
            found += names(path.parent / nested["file"], seen | {path.resolve()})
        elif not words.startswith("-"):
            found.append(_requirement(path, number, words).name)
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    for number, line in enumerate(text.splitlines(), 1):
        if words := COMMENT.sub("", line).partition(" --hash=")[0].strip():
            yield number, words


def _requirement(path: Path, number: int, words: str) -> Requirement:
    try:
        return Requirement(words)
    except InvalidRequirement as error:
        message = f"{path}, line {number}: not a requirement: {words}"
        raise UsageError(message, hint="one requirement a line; give options on the command line") from error
