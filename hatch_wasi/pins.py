"""What is pinned: versions, addresses and hashes, kept as data in `pins.toml`."""

import datetime as dt
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from hatch_wasi.errors import UsageError

__all__ = [
    "CPythonPin",
    "ReleasePin",
    "cpython",
    "date_of_release",
    "release_of_wasi_libc",
    "sdk_compiler",
    "sdk_sysroot",
    "supported_pythons",
    "table",
    "wasi_libc_of_release",
]


@dataclass(frozen=True, kw_only=True)
class CPythonPin:
    """A CPython release that is known to build."""

    version: str
    """Full version, `3.13.5`; of a Python without a pinned release `3.15`."""
    url: str | None = None
    """The upstream archive."""
    sha256: str = ""
    sdk: str
    """The wasi-sdk that PEP 816 pairs with it."""

    @property
    def short_version(self) -> str:
        """`3.13`."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, kw_only=True)
class ReleasePin:
    """An archive of a wasi-sdk release."""

    release: str
    """The wasi-sdk's number, `33`."""
    name: str
    """The file's name in the release."""
    sha256: str

    @property
    def url(self) -> str:
        """Its address."""
        return str(table("release")["url"]).format(release=self.release, name=quote(self.name))


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


def wasi_libc_of_release(release: str) -> str | None:
    """Give the wasi-libc commit of a wasi-sdk release, if it is known."""
    return next((str(commit) for commit, name in table("wasi-libc").items() if name == release), None)


def date_of_release(release: str) -> dt.date | None:
    """Give the day on which a wasi-sdk came out, if it belongs to a Python."""
    found: dt.date | None = table("wasi-sdk-dates").get(release)
    return found


def sdk_compiler(host: str) -> ReleasePin | None:
    """Give the archive with the newest compiler for `x86_64-linux`, `arm64-macos`, …, if one is pinned."""
    return _release(table("release")["compilers"].get(host))


def sdk_sysroot(release: str) -> ReleasePin | None:
    """Give the archive with the sysroot of a wasi-sdk release, if one is pinned."""
    return _release(table("release")["sysroots"].get(release))


def _release(pin: dict[str, str] | None) -> ReleasePin | None:
    return None if pin is None else ReleasePin(**pin)
