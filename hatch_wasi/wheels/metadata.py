"""METADATA and WHEEL of a wheel: read with limits first, so that hostile ones cost little. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["Malformed", "Metadata", "headers", "parse", "single"]

HEADERS, HEADER_LINES = 1 << 20, 50_000
"""Characters and lines before the body; the description of old metadata is among them."""
VALUE = 4_000
"""Characters of a requirement, of which a project has tens, and of every other field that is parsed."""
REQUIRES, REQUIRES_SIZE = 5_000, 256_000
"""Requirements, and their characters; the largest projects have 1,500 of 60 each."""
ONCE = ("Metadata-Version", "Name", "Version", "Requires-Python")
"""Fields that must not be there twice: programs differ in which one they take."""
END = re.compile(r"\r?\n\r?\n")
LONG_NUMBER = re.compile(r"\d{1000}")
"""Beyond 4300 digits `int` refuses them, wherever one is compared first."""

Parsed = TypeVar("Parsed")


class Malformed(ValueError):
    """METADATA or WHEEL is not what the specification says, or too long; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What is used of METADATA."""

    name: str
    version: str
    requires_python: SpecifierSet
    requires: list[Requirement]


def headers(text: str, file: str) -> "Message[str, str]":
    """Return the fields of `text`, the content of `file`, without its body. Raises `Malformed` if there are too many."""
    end = END.search(text)
    head = text[: end.start()] if end else text
    if len(head) > HEADERS or head.count("\n") + head.count("\r") > HEADER_LINES:
        message = f"the fields of {file} have more than {HEADERS:,} characters or {HEADER_LINES:,} lines"
        raise Malformed(message)
    return HeaderParser().parsestr(head)


def single(fields: "Message[str, str]", key: str, file: str) -> str | None:
    """Return the value of a field, None if it is not there. Raises `Malformed` if it is there twice, or too long."""
    values = [str(value) for value in fields.get_all(key) or []]
    if len(values) > 1:
        message = f"{file} has {len(values)} lines {key}"
        raise Malformed(message)
    if values and len(values[0]) > VALUE:
        message = f"{key} in {file} has {len(values[0]):,} characters, more than the {VALUE:,} that are accepted"
        raise Malformed(message)
    return values[0] if values else None


def parse(text: str) -> Metadata:
    """Read METADATA. Raises `Malformed`."""
    fields = headers(text, "METADATA")
    known = {key: single(fields, key, "METADATA") for key in ONCE}
    requires = [str(line) for line in fields.get_all("Requires-Dist") or []]
    if len(requires) > REQUIRES or sum(map(len, requires)) > REQUIRES_SIZE:
        message = f"METADATA has more than {REQUIRES:,} requirements, or {REQUIRES_SIZE:,} characters of them"
        raise Malformed(message)
    if too_long := next((line for line in requires if len(line) > VALUE), None):
        message = (
            f"a requirement in METADATA has {len(too_long):,} characters, more than the {VALUE:,} that are accepted"
        )
        raise Malformed(message)
    if any(LONG_NUMBER.search(value or "") for value in (known["Version"], known["Requires-Python"], *requires)):
        message = "METADATA is malformed: a number is too long"
        raise Malformed(message)
    return Metadata(
        name=str(known["Name"]),
        version=str(known["Version"]),
        requires_python=_parsed(SpecifierSet, known["Requires-Python"] or ""),
        requires=[_parsed(Requirement, line) for line in requires],
    )


def _parsed(kind: Callable[[str], Parsed], value: str) -> Parsed:
    try:
        return kind(value)
    except (InvalidSpecifier, InvalidRequirement, RecursionError) as error:
        message = f"METADATA is malformed: {error}"
        raise Malformed(message) from error
