"""Make the toolchain ready: find or build an SDK, find or build a WASI CPython with it."""

from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import pins
from hatch_wasi.cache import Cache, Workspace
from hatch_wasi.config import DEFAULT_PYTHON
from hatch_wasi.console import Console
from hatch_wasi.cpython import recipe
from hatch_wasi.cpython.build import Build, entry_name
from hatch_wasi.errors import ToolchainError
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython as sources
from hatch_wasi.toolchain import chain
from hatch_wasi.toolchain.provider import Request
from hatch_wasi.wasi_python import WasiPython

__all__ = ["Toolchain", "ensure", "ensure_sdk", "ready", "ready_python"]


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What a build for WASI needs."""

    sdk: WasiSdk
    python: WasiPython


def _request(sdk: str, python: str) -> Request:
    # A Python that is named by its folder has been built already: any SDK that is there may be its own.
    pair = pins.cpython(DEFAULT_PYTHON if "/" in python else python).sdk
    return Request(sdk=sdk, pair=pair, trial=trial.run_command)


def ready_python(cache: Cache, *, python: str = DEFAULT_PYTHON, sdk: WasiSdk | None = None) -> WasiPython | None:
    """Give the newest installed Python X.Y (of this SDK, if one is given), or the one in the folder `python`."""
    if "/" in python:
        return WasiPython.from_tree(Path(python))
    pins.cpython(python)
    for entry in cache.entries("python"):
        # The name ends in the recipe: what another hatch-wasi has made is not looked at.
        if entry.name.startswith(f"{python}.") and entry.name.endswith(f"-{recipe.recipe_id()}"):
            found = WasiPython.from_tree(entry)
            if sdk is None or found.sdk == sdk.id:
                return found
    return None


def ready(cache: Cache, *, python: str = DEFAULT_PYTHON, sdk: str = "auto") -> Toolchain | None:
    """Give the toolchain that is installed for this request, or None; nothing is built, run or fetched."""
    compiler = chain.ready(cache, _request(sdk, python))
    if compiler is None:
        return None
    found = ready_python(cache, python=python, sdk=compiler)
    return None if found is None else Toolchain(sdk=compiler, python=found)


def ensure_sdk(cache: Cache, console: Console, *, python: str = DEFAULT_PYTHON, sdk: str = "auto") -> WasiSdk:
    """Give an SDK for Python X.Y, making it if need be. Raises `ToolchainError` with every provider's reason."""
    return chain.find(cache, console, _request(sdk, python))


def ensure(cache: Cache, console: Console, *, python: str = DEFAULT_PYTHON, sdk: str = "auto") -> Toolchain:
    """Give the toolchain for this request, building what is missing. Raises `ToolchainError` with every reason."""
    if found := ready(cache, python=python, sdk=sdk):
        return found
    if "/" in python:
        installed = WasiPython.from_tree(Path(python))
        message = f"no SDK for the Python in {python}: it was built by {installed.sdk}"
        raise ToolchainError(message, hint="name the Python by its version, X.Y")
    pin = pins.cpython(python)
    compiler = ensure_sdk(cache, console, python=python, sdk=sdk)
    if compiler.version != pin.sdk:
        have = f"wasi-sdk {compiler.version}'s" if compiler.version else f"{compiler.wasi_libc}"
        console.note(f"Note: wasi-libc is {have}; PEP 816 pairs Python {python} with wasi-sdk {pin.sdk}'s")
    if installed_python := ready_python(cache, python=python, sdk=compiler):
        return Toolchain(sdk=compiler, python=installed_python)
    source = sources.find(cache, console, pin)

    def build(workspace: Workspace) -> dict[str, object]:
        return Build(cache=cache, console=console, source=source, sdk=compiler, workspace=workspace).run()

    entry = cache.make("python", entry_name(source.version, compiler), build, tell=console.note)
    return Toolchain(sdk=compiler, python=WasiPython.from_tree(entry))
