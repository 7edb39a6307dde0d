"""The words after `hatch-wasi run`: ours, up to the first that is not one of our (long) options; the rest is python's."""

from __future__ import annotations

import os

from hatch_wasi.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Options", "script_position"]

VALUED = ("--site", "--dir", "--env", "--python", "--sdk")
FLAGS = ("--isolated", "--allow-abi-mismatch", "--offline", "--verbose", "--quiet", "--help")
PYTHON_VALUED = "cmWX"
"""Python's short options that take a value (Python/getopt.c); -c and -m end its options."""


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

    def setting(self, name: str, variable: str, default: str) -> str:
        """Give the value of an option, else of an environment variable, else the default."""
        given = self.values[name]
        return given[-1] if given else os.environ.get(variable) or default


def script_position(words: Sequence[str]) -> int | None:
    """Give the index of the script's name among python's arguments; None if they name none."""
    position = 0
    while position < len(words):
        word = words[position]
        if word == "-" or not word.startswith("-"):
            return None if word == "-" else position
        if word == "--":
            return position + 1 if position + 1 < len(words) and words[position + 1] != "-" else None
        if word == "--check-hash-based-pycs":
            position += 1
        elif not word.startswith("--"):
            for index, letter in enumerate(word[1:], 1):
                if letter in "cm":
                    return None
                if letter in PYTHON_VALUED:
                    position += index == len(word) - 1
                    break
        position += 1
    return None
