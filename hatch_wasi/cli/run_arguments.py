"""The words after `hatch-wasi run`: ours, up to the first that is not one of our (long) options; the rest is python's."""

from __future__ import annotations

import os

from hatch_wasi.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Options", "Program", "unknown_option"]

LIMITS = ("--max-memory", "--max-table", "--timeout")
VALUED = ("--site", "--dir", "--env", "--python", "--sdk", *LIMITS)
FLAGS = ("--isolated", "--allow-abi-mismatch", "--offline", "--verbose", "--quiet", "--help")
PYTHON_VALUED = "cmWX"
"""Python's short options that take a value (Python/getopt.c); -c and -m end its options."""
PYTHON_LONG = ("--check-hash-based-pycs", "--help", "--help-all", "--help-env", "--help-xoptions", "--version")


class Options:
    """Our part of the command line, read."""

    def __init__(self, words: Sequence[str]) -> None:
        """Take our options off `words`. Raises `UsageError`."""
        self.values: dict[str, list[str]] = {name: [] for name in VALUED}
        self.flags: set[str] = set()
        position = 0
        while position < len(words):
            name, equals, value = words[position].partition("=")
            if name in FLAGS and not equals:
                self.flags.add(name)
            elif name in VALUED:
                if not equals:
                    position += 1
                    if position == len(words):
                        message = f"{name} needs a value"
                        raise UsageError(message, hint="see hatch-wasi run --help")
                    value = words[position]
                self.values[name].append(value)
            else:
                break
            position += 1
        self.rest = list(words[position:])

    def limits(self) -> tuple[dict[str, int], float | None]:
        """Read the limits: those of an `Engine` by name, and the seconds that a run may take. Raises `UsageError`."""
        engine: dict[str, int] = {}
        seconds = None
        if any(self.values[name] for name in LIMITS):
            from hatch_wasi.runtime.amounts import count, duration, size

            memory, table, timeout = (self.values[name][-1:] for name in LIMITS)
            if memory:
                engine["memory"] = size(memory[0], LIMITS[0])
            if table:
                engine["table"] = count(table[0], LIMITS[1])
            if timeout:
                seconds = duration(timeout[0], LIMITS[2])
        return engine, seconds

    def setting(self, name: str, variable: str, default: str) -> str:
        """Give the value of an option, else of an environment variable, else the default."""
        given = self.values[name]
        return given[-1] if given else os.environ.get(variable) or default


class Program:
    """What python's arguments say: what it runs, and the options that matter here."""

    def __init__(self, words: Sequence[str]) -> None:
        """Read python's arguments."""
        self.script: int | None = None
        """Index of the script's name."""
        self.module: str | None = None
        self.command = False
        self.stdin = False
        """Whether `-` names standard input."""
        self.letters = ""
        """Its short options, without their values."""
        self.long: list[str] = []
        """Its long options."""
        position = 0
        while position < len(words):
            position = self._read(words, position)

    @property
    def is_prompt(self) -> bool:
        """Whether nothing is named, so that Python asks what to do if that is typed on a terminal."""
        return self.script is None and self.module is None and not self.command and not self.stdin

    @property
    def ignores_environment(self) -> bool:
        """Whether python was told to ignore its variables."""
        return "E" in self.letters or "I" in self.letters

    def _read(self, words: Sequence[str], position: int) -> int:
        """Read one word; returns the index of the next one, behind the last if the options end here."""
        word, end = words[position], len(words)
        if word == "--":
            position += 1
            if position < end and words[position] != "-":
                self.script = position
            return end
        if word == "-" or not word.startswith("-"):
            self.stdin = word == "-"
            self.script = None if self.stdin else position
            return end
        if word.startswith("--"):
            self.long.append(word)
            return position + 1 + (word == "--check-hash-based-pycs")
        for index, letter in enumerate(word[1:], 1):
            value = word[index + 1 :]
            if letter == "c":
                self.command = True
                return end
            if letter == "m":
                self.module = value or next(iter(words[position + 1 : position + 2]), "")
                return end
            self.letters += letter
            if letter in PYTHON_VALUED:
                return position + 1 + (not value)
        return position + 1


def unknown_option(program: Program) -> UsageError | None:
    """Return what is wrong with a long option that python does not know; None if that is left for python to say."""
    ours = (*VALUED, *FLAGS)
    for word in program.long:
        name = word.partition("=")[0]
        if name in PYTHON_LONG:
            continue
        if name in ours:
            return UsageError(f"{name} comes too late", hint="hatch-wasi's own options come before python's")
        from difflib import get_close_matches

        close = get_close_matches(name, (*ours, *PYTHON_LONG), n=1, cutoff=0.75)
        return UsageError(f"there is no option {name}", hint=f"did you mean {close[0]}?") if close else None
    return None
