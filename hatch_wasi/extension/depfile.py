"""Dependency files, in the form of make, as gcc, clang and Cython write them."""

import re

__all__ = ["parse"]

# A backslash keeps the space, hash or backslash after it; a dollar sign is doubled.
WORD = re.compile(r"(?:\\[ #\\]|[^\s])+")


def parse(text: str) -> tuple[str, ...]:
    """Give the prerequisites of the first rule in `text`: a source and all it includes, in order.

    Further rules, which `-MP` adds for headers that may vanish, are not read.
    """
    rule = text.replace("\\\r\n", " ").replace("\\\n", " ").split("\n", 1)[0]
    _, colon, rest = rule.partition(": ")
    if not colon:
        return ()
    if "\\" not in rest and "$" not in rest:
        return tuple(dict.fromkeys(rest.split()))
    words = (re.sub(r"\\([ #\\])", r"\1", word).replace("$$", "$") for word in WORD.findall(rest))
    return tuple(dict.fromkeys(words))
