"""What differs between the CPythons that can be built for WASI, kept as data in `versions.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Edit", "Version", "known", "version"]


@dataclass(frozen=True)
class Edit:
    """A change to one of CPython's files: `old` stands there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """How a Python X.Y is built for WASI."""

    config_site: str
    """What its own script answers of configure's questions: a file of its sources."""
    host: str
    """The triple that configure is told; not what the compiler is (wasm32-wasip1 or an SDK's own name for it)."""
    stack_size: int
    """Bytes of the stack in linear memory."""
    initial_memory: int
    """Bytes."""
    edits: tuple[Edit, ...]
    libraries: tuple[str, ...]
    """What its standard library is linked with: names of `libraries.LIBRARIES`."""


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(files("hatch_wasi.cpython").joinpath("versions.toml").read_text(encoding="utf-8"))


def known() -> tuple[str, ...]:
    """List the Pythons, X.Y."""
    return tuple(name for name in _content() if name != "edits")


@cache
def version(short_version: str) -> Version:
    """Give the data of Python X.Y, which is `known` (as all are that pins.toml has)."""
    content = _content()
    fields = content[short_version]
    return Version(
        config_site=fields["config-site"],
        host=fields["host"],
        stack_size=fields["stack-size"],
        initial_memory=fields["initial-memory"],
        edits=tuple(Edit(**content["edits"][name]) for name in fields["edits"]),
        libraries=tuple(fields["libraries"]),
    )
