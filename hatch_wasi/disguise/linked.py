"""Which static libraries a disguised build linked into its modules, by what the compiler driver wrote down."""

import ast
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

__all__ = ["archives"]


def archives(calls: Path, folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Give the archives below `folders` that modules were linked with, by the modules' file names.

    `calls` is `Toolset.calls`; it need not be there. Libraries that are named by `-l` are looked for where `-L` says.
    """
    found: dict[str, dict[Path, None]] = {}
    for cwd, words in _links(calls):
        searched = [_place(cwd, word[2:]) for word in words if word.startswith("-L")]
        named = [_place(cwd, word) for word in words if word.endswith(".a") and not word.startswith("-")]
        for word in words:
            if word.startswith("-l"):
                places = (folder / f"lib{word[2:]}.a" for folder in searched)
                named += [path for path in places if path.is_file()][:1]
        output = _output(words).rpartition("/")[2]
        wanted = {path: None for path in named if path.is_file() and any(map(path.is_relative_to, folders))}
        found.setdefault(output, {}).update(wanted)
    return {name: list(paths) for name, paths in found.items() if paths}


def _place(cwd: Path, name: str) -> Path:
    """Give where a name leads, by names alone: what is below a folder must show."""
    return Path(os.path.normpath(cwd / name))


def _links(calls: Path) -> Iterator[tuple[Path, list[str]]]:
    """Give the folder and the words of each command that linked a module."""
    lines = calls.read_text(encoding="utf-8").splitlines() if calls.is_file() else []
    for call, command in zip(lines[::2], lines[1::2], strict=False):
        if "-Wl,-pie," not in command:
            continue
        words = ast.literal_eval(command.strip())
        if _output(words):
            yield Path(call.partition("$ ")[0]), words


def _output(words: Sequence[str]) -> str:
    """Give what `-o FILE` or `-oFILE` names; empty if nothing does."""
    for word, following in pairwise([*words, ""]):
        if word.startswith("-o"):
            return word[2:] or following
    return ""
