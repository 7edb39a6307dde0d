"""Make the toolchain ready: find or build an SDK, find or build a WASI CPython with it."""

from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

__all__ = ["Toolchain", "ensure", "ready"]


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What a build for WASI needs."""

    sdk: WasiSdk
    python: WasiPython


def ready(cache: Cache, *, python: str = "3.13", sdk: str = "auto") -> Toolchain | None:
    """Give the toolchain that is installed for this request, or None; nothing is built or fetched."""
    for entry in [Path(python)] if "/" in python else cache.entries("python"):
        found = WasiPython.from_tree(entry)
        if entry.parent.parent == cache.root and found.short_version != python:
            continue
        tree = cache.find("sdk", found.sdk)
        if tree:
            return Toolchain(sdk=WasiSdk.from_tree(tree), python=found)
    return None


def ensure(cache: Cache, console: Console, *, python: str = "3.13", sdk: str = "auto") -> Toolchain:
    """Give the toolchain for this request, building what is missing. Raises `ToolchainError` with every reason."""
    found = ready(cache, python=python, sdk=sdk)
    if found is None:
        message = "no toolchain"
        raise ToolchainError(message)
    return found
