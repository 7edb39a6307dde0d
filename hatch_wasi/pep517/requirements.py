"""Files of requirements, one a line, as pip reads them; options in them are for pip alone, and are refused."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_wasi.errors import UsageError

__all__ = ["Line", "hashes", "lines", "read"]

COMMENT = re.compile(r"(^|\s+)#.*$")
"""As pip has it (pip/_internal/req/req_file.py): a `#` within a word, as in a URL, begins none."""
HASH = re.compile(r"\s+--hash[= ](\w+):([0-9a-fA-F]+)")
NESTED = re.compile(r"(?:-r|--requirement)(?:\s+|=|(?<=-r))(?P<file>\S.*)")
DEPTH = 20
"""Files that list each other."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a line asks for."""

    word: str
    """A requirement, or a file or folder."""
    hashes: tuple[tuple[str, str], ...] = ()
    """Of the archives that may be taken: name of the algorithm, hexadecimal digits."""


def read(path: Path) -> list[Requirement]:
    """Read a file of constraints, or of names. Raises `UsageError` naming the line that is no requirement."""
    found = []
    for number, text in _texts(path):
        try:
            found.append(Requirement(HASH.sub("", text)))
        except InvalidRequirement as error:
            raise _fail(path, number, text) from error
    return found


def lines(path: Path, depth: int = 0) -> Iterator[Line]:
    """Read a file of requirements, and those that it lists by `-r`. Raises `UsageError`."""
    for number, text in _texts(path):
        if nested := NESTED.fullmatch(text):
            if depth == DEPTH:
                message = f"{path}, line {number}: {DEPTH} files deep"
                raise UsageError(message, hint="files must not list each other")
            yield from lines(path.parent / nested["file"], depth + 1)
            continue
        word = HASH.sub("", text).strip()
        # A path, as pip has it, is one that looks like it.
        if not (word.startswith((".", "/")) and Path(word).exists()):
            try:
                Requirement(word)
            except InvalidRequirement as error:
                raise _fail(path, number, text) from error
        yield Line(word=word, hashes=tuple(HASH.findall(text)))


def hashes(found: Iterable[Line]) -> dict[str, list[tuple[str, str]]]:
    """Give the hashes that lines have, by normalized names. Raises `UsageError` for a path that has one."""
    known: dict[str, list[tuple[str, str]]] = {}
    for line in found:
        if line.hashes and Path(line.word).exists():
            message = f"{line.word}: a hash is for what is fetched, and this is a path"
            raise UsageError(message)
        if line.hashes:
            known.setdefault(canonicalize_name(Requirement(line.word).name), []).extend(line.hashes)
    return known


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines that are not empty, without comments, and their numbers."""
    try:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    for number, line in enumerate(text.splitlines(), 1):
        if words := COMMENT.sub("", line).strip():
            yield number, words


def _fail(path: Path, number: int, text: str) -> UsageError:
    message = f"{path}, line {number}: not a requirement: {text}"
    return UsageError(message, hint="one requirement a line; give options on the command line")
