"""Files of requirements, one a line, as pip reads them."""

import argparse
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_wasi.errors import UsageError

__all__ = ["Line", "Sources", "hashes", "lines", "names", "read"]

COMMENT = re.compile(r"(^|\s+)#.*$")
"""As pip has it (pip/_internal/req/req_file.py): a `#` within a word, as in a URL, begins none."""
HASH = re.compile(r"\s+--hash[= ](\w+):([0-9a-fA-F]+)")
NESTED = re.compile(r"(?:-r|--requirement)[ =]?\s*(?P<file>\S.*)")
PLACE = re.compile(r"-i|-f|--(index-url|pypi-url|extra-index-url|find-links|no-index)\b")
"""Options that say where releases are."""
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a line asks for."""

    word: str
    """A requirement, or a file or folder."""
    hashes: tuple[tuple[str, str], ...] = ()
    """Of the archives that may be taken: name of the algorithm, hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where releases are looked for: what a command line says, and options in the files that it names."""

    index_url: str | None = None
    """None: pip's."""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False

    @classmethod
    def of_arguments(cls, args: argparse.Namespace, files: Iterable[str | Path] = ()) -> "Sources":
        """Give what a command line says, by pip's options, and the options in `files`; those at URLs are passed over."""
        found = cls(
            index_url=args.index_url,
            extra_index_urls=tuple(args.extra_index_url),
            find_links=tuple(args.find_links),
            no_index=args.no_index,
        )
        for file in files:
            found = found if "://" in str(file) else found.of_file(Path(file))
        return found

    def of_file(self, path: Path, seen: frozenset[Path] = frozenset()) -> "Sources":
        """Give these with what the options of a file, and of those that it names, add or replace; as pip does.

        Files at URLs are passed over. Raises `UsageError`, also for files that name each other in a circle.
        """
        _check_circle(path, seen)
        found = self
        for _, words in _texts(path):
            nested = NESTED.fullmatch(words)
            if nested and "://" not in nested["file"]:
                found = found.of_file(path.parent / nested["file"], seen | {path.resolve()})
            elif words.startswith("-"):
                found = found.of_line(words, path.parent)
        return found

    def of_line(self, words: str, folder: Path) -> "Sources":
        """Give these with what one line of options says, in a file in `folder`."""
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("-i", "--index-url", "--pypi-url", default=None)
        parser.add_argument("--extra-index-url", action="append", default=[])
        parser.add_argument("-f", "--find-links", action="append", default=[])
        parser.add_argument("--no-index", action="store_true")
        said, _ = parser.parse_known_args(shlex.split(words))
        extra = () if said.index_url else self.extra_index_urls
        return Sources(
            index_url=said.index_url or self.index_url,
            extra_index_urls=(*extra, *said.extra_index_url),
            find_links=(*self.find_links, *(_beside(folder, link) for link in said.find_links)),
            no_index=self.no_index or said.no_index,
        )

    def options(self) -> list[str]:
        """Give them as pip's options."""
        pairs = [("--index-url", self.index_url)] if self.index_url else []
        pairs += [("--extra-index-url", url) for url in self.extra_index_urls]
        pairs += [("--find-links", link) for link in self.find_links]
        return [*(word for pair in pairs for word in pair), *(["--no-index"] if self.no_index else [])]


def _beside(folder: Path, link: str) -> str:
    """Give a folder that a file names as it is named from here: beside the file, if there is such."""
    return str(folder / link) if "://" not in link and (folder / link).exists() else link


def read(path: Path) -> list[Requirement]:
    """Read a file of constraints. Raises `UsageError` naming the line that is none; options are none."""
    return [_requirement(path, number, HASH.sub("", text)) for number, text in _texts(path)]


def lines(path: Path, seen: frozenset[Path] = frozenset()) -> Iterator[Line]:
    """Read a file of requirements, and those that it names by `-r`; `Sources` reads where releases are.

    Raises `UsageError` naming the line that is something else, also for files that name each other in a circle.
    """
    _check_circle(path, seen)
    for number, text in _texts(path):
        if nested := NESTED.fullmatch(text):
            yield from lines(path.parent / nested["file"], seen | {path.resolve()})
        elif not PLACE.match(text):
            word = HASH.sub("", text).strip()
            # A path, as pip has it, is one that looks like it.
            if not (word.startswith((".", "/")) and Path(word).exists()):
                _requirement(path, number, word)
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


def names(path: Path, seen: frozenset[Path] = frozenset()) -> list[str]:
    """Give the names of projects in a requirements file, and in those that it names by `-r`; as pip, pass over options.

    Raises `UsageError`, also for files that name each other in a circle.
    """
    _check_circle(path, seen)
    found = []
    for number, text in _texts(path):
        if nested := NESTED.fullmatch(text):
            found += names(path.parent / nested["file"], seen | {path.resolve()})
        elif not text.startswith("-"):
            found.append(_requirement(path, number, HASH.sub("", text)).name)
    return found


def _check_circle(path: Path, seen: frozenset[Path]) -> None:
    if path.resolve() in seen:
        message = f"{path} names itself, by -r"
        raise UsageError(message)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines that are not empty, without comments and with variables filled in, and their numbers."""
    try:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    for number, line in enumerate(text.splitlines(), 1):
        filled = VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[0], line)  # as pip
        if words := COMMENT.sub("", filled).strip():
            yield number, words


def _requirement(path: Path, number: int, words: str) -> Requirement:
    try:
        return Requirement(words)
    except InvalidRequirement as error:
        message = f"{path}, line {number}: not a requirement: {words}"
        raise UsageError(message, hint="one requirement a line; give options on the command line") from error
