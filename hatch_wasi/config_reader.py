"""Reading a table of TOML: values of the right type come out, and everything that is wrong is noted with its key."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Reader", "did_you_mean", "kind_of"]

MACRO_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass
class Reader:
    """A table that is being checked; `issues` is shared by all of one configuration."""

    table: Mapping[str, object]
    key: str
    issues: list[str]

    def wrong(self, name: str, what: str) -> None:
        """Note an issue with the key `name`."""
        self.issues.append(f"{self.key}.{name} {what}")

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Note every key that is not in `known`."""
        for name in self.table:
            if name not in known:
                self.wrong(name, "is not known" + did_you_mean(name, known))

    def text(self, name: str, default: str | None = None) -> str | None:
        """Read a string."""
        value = self.table.get(name, default)
        if value is None or (isinstance(value, str) and value):
            return value
        quoted = f': write "{value}"' if type(value) in {int, float} else ""
        self.wrong(name, "must not be empty" if value == "" else f"must be a string, not {kind_of(value)}{quoted}")
        return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read a boolean."""
        value = self.table.get(name, default)
        if isinstance(value, bool):
            return value
        self.wrong(name, f"must be true or false, not {kind_of(value)}")
        return default

    def texts(self, name: str) -> tuple[str, ...]:
        """Read an array of strings."""
        value = self.table.get(name, [])
        if not isinstance(value, list):
            self.wrong(name, f"must be an array of strings, not {kind_of(value)}")
            return ()
        for index, item in enumerate(value):
            if not isinstance(item, str) or not item:
                what = "must not be empty" if item == "" else f"must be a string, not {kind_of(item)}"
                self.wrong(f"{name}[{index}]", what)
        return tuple(item for item in value if isinstance(item, str) and item)

    def macros(self, name: str) -> tuple[tuple[str, str | None], ...]:
        """Read a table of macros, as (name, value); the value is None for `true`. Numbers are written as C reads them."""
        value = self.table.get(name, {})
        if not isinstance(value, dict):
            self.wrong(name, f'must be a table such as {{ NAME = "VALUE", FLAG = true }}, not {kind_of(value)}')
            return ()
        found: list[tuple[str, str | None]] = []
        for macro, meaning in value.items():
            if not MACRO_NAME.fullmatch(macro):
                self.wrong(f'{name}."{macro}"', "is not the name of a macro")
            elif meaning is False or not isinstance(meaning, str | int | float):
                what = "false: leave it out, or name it in undef-macros" if meaning is False else kind_of(meaning)
                self.wrong(f"{name}.{macro}", f"must be a string, a number or true, not {what}")
            elif isinstance(meaning, float) and not math.isfinite(meaning):
                self.wrong(f"{name}.{macro}", f"is {meaning}, which C cannot write: use INFINITY or NAN of math.h")
            else:
                found.append((macro, None if meaning is True else str(meaning)))
        return tuple(found)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Give a hint at the one of `known` that `word` looks like; empty if none does."""
    import difflib

    close = difflib.get_close_matches(word.lower().replace("_", "-"), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def kind_of(value: object) -> str:
    """Name a value's TOML type, with its article."""
    names = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array"}
    if isinstance(value, list) and value and not all(isinstance(item, dict) for item in value):
        return "an array of other things"
    return names.get(type(value), "a table" if isinstance(value, dict) else f"a {type(value).__name__}")
