"""What is pinned: versions, addresses and hashes, kept as data in `pins.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from hatch_wasi.errors import UsageError

__all__ = ["CPythonPin", "cpython", "release_of_wasi_libc", "supported_pythons", "table"]


@dataclass(frozen=True, kw_only=True)
class CPythonPin:
    """A CPython release that is known to build."""

    version: str
    """Full version, `3.13.5`."""
    url: str
    """The upstream archive."""
    sha256: str
    sdk: str
    """The wasi-sdk that PEP 816 pairs with it."""


@cache
def table(name: str) -> dict[str, Any]:
    """Give the table `name` of pins.toml."""
    content = tomllib.loads(files("hatch_wasi").joinpath("pins.toml").read_text(encoding="utf-8"))
    return dict(content[name])


def supported_pythons() -> tuple[str, ...]:
    """List the Pythons (X.Y) that can be built."""
    return tuple(table("cpython"))


def cpython(short_version: str) -> CPythonPin:
    """Give the pin for Python X.Y. Raises `UsageError` if there is none."""
    known = table("cpython")
    if short_version not in known:
        message = f"Python {short_version} cannot be built for WASI"
        raise UsageError(message, hint=f"supported: {', '.join(known)}")
    return CPythonPin(**known[short_version])


def release_of_wasi_libc(commit: str) -> str | None:
    """Name the wasi-sdk release that has this wasi-libc, if it is known."""
    found = table("wasi-libc").get(commit)
    return None if found is None else str(found)
