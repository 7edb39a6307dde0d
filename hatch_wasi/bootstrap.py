"""Make the toolchain ready: find or build an SDK, find or build a WASI CPython with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatch_wasi import pins
from hatch_wasi.cache import Cache, Workspace, usual_umask
from hatch_wasi.config import DEFAULT_PYTHON
from hatch_wasi.console import Console
from hatch_wasi.contents import Damage
from hatch_wasi.cpython import build_python, libraries, recipe
from hatch_wasi.cpython.build import Build, entry_name
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython as sources
from hatch_wasi.sources import llvm
from hatch_wasi.toolchain import chain, cmake, cxx
from hatch_wasi.toolchain.provider import Request
from hatch_wasi.wasi_python import WasiPython

__all__ = [
    "KINDS",
    "Toolchain",
    "belongings",
    "deviation",
    "ensure",
    "ensure_build_python",
    "ensure_cxx",
    "ensure_sdk",
    "mend",
    "outlooks",
    "ready",
    "ready_build_python",
    "ready_cxx",
    "ready_python",
    "requirements",
]

KINDS = ("sdk", libraries.KIND, "python", "cxx", build_python.KIND)
"""The kinds of cache entries that toolchains are made of."""


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What a build for WASI needs."""

    sdk: WasiSdk
    python: WasiPython


def _run_wasi(wasm: Path, argv: Sequence[str] = (), **options: Any) -> tuple[int, str]:
    """Run a program on WASI. What that takes (ctypes, wasmtime) is imported when something has to be run.

    A build python has neither; our hook runs on one, with a toolchain that is ready, in builds by `hatch-wasi wheel`.
    """
    from hatch_wasi.runtime.trial import run_command

    return run_command(wasm, argv, **options)


def _request(sdk: str, python: str) -> Request:
    short = WasiPython.from_tree(Path(python)).short_version if "/" in python else python
    return Request(sdk=sdk, pair=pins.cpython(short).sdk, trial=_run_wasi)


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


def outlooks(cache: Cache, *, python: str = DEFAULT_PYTHON, sdk: str = "auto") -> list[chain.Outlook]:
    """Say of each SDK provider in order what it would do for this request; nothing is built, run or fetched."""
    return chain.outlooks(cache, _request(sdk, python))


def belongings(cache: Cache, toolchain: Toolchain) -> list[tuple[str, Path]]:
    """List the cache entries that make up a toolchain, as (kind, entry); an SDK from elsewhere is none of them."""
    found = [("sdk", toolchain.sdk.root), ("python", toolchain.python.root)]
    if library := ready_cxx(cache, toolchain.sdk):
        found.append(("cxx", library.root))
    if interpreter := build_python.ready(cache, toolchain.python.short_version):
        found.append((build_python.KIND, interpreter.parents[1]))
    return [(kind, entry) for kind, entry in found if entry == cache.root / kind / entry.name]


def mend(cache: Cache, console: Console, *, python: str = DEFAULT_PYTHON, sdk: str = "auto") -> None:
    """Check every file of what `ready` would give, and remove damaged entries: `ensure` makes them again."""
    remains = [entry for kind in KINDS for entry in cache.remains(kind)]
    while True:
        for entry in remains:
            if damages := cache.mend(entry):
                _tell(console, cache, entry, damages)
        found = ready(cache, python=python, sdk=sdk)
        belonging = belongings(cache, found) if found else []
        remains = [entry for _, entry in belonging if cache.damages(entry)]
        if not remains:
            for _, entry in belonging:
                cache.sweep(entry)
            return


def _tell(console: Console, cache: Cache, entry: Path, damages: list[Damage]) -> None:
    what = f"{damages[0]}" + (f" and {len(damages) - 1} more" if len(damages) > 1 else "")
    done = "mended" if entry.exists() else "removed, to be made again"
    console.note(f"Damaged in the cache, and {done}: {entry.relative_to(cache.root)} ({what})")


def deviation(sdk: WasiSdk, python: str, pair: str) -> str:
    """Say in a line that the ABI is not the one that others will build for."""
    have = f"wasi-sdk {sdk.version}'s" if sdk.version else f"of no release that is known here ({sdk.wasi_libc})"
    return f"Note: wasi-libc is {have}; PEP 816 pairs Python {python} with wasi-sdk {pair}'s"


def ensure_sdk(cache: Cache, console: Console, *, python: str = DEFAULT_PYTHON, sdk: str = "auto") -> WasiSdk:
    """Give an SDK for Python X.Y, making it if need be. Raises `ToolchainError` with every provider's reason."""
    with usual_umask():
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
        console.note(deviation(compiler, python, pin.sdk))
    if installed_python := ready_python(cache, python=python, sdk=compiler):
        return Toolchain(sdk=compiler, python=installed_python)
    source = sources.find(cache, console, pin)

    def build(workspace: Workspace) -> dict[str, object]:
        return Build(
            cache=cache,
            console=console,
            source=source,
            sdk=compiler,
            workspace=workspace,
            run_wasi=_run_wasi,
        ).run()

    entry = cache.make("python", entry_name(source.version, compiler), build, tell=console.note)
    return Toolchain(sdk=compiler, python=WasiPython.from_tree(entry))


def ready_cxx(cache: Cache, sdk: WasiSdk) -> CxxLibrary | None:
    """Give the C++ library that extensions compiled by `sdk` are linked with, if it is there; nothing is made."""
    return cxx.ready(cache, sdk)


def ensure_cxx(cache: Cache, console: Console, sdk: WasiSdk) -> CxxLibrary:
    """Give the C++ library that extensions compiled by `sdk` are linked with, building it if need be.

    Raises `ToolchainError` where LLVM's sources or the tools cannot be had, and `ProcessFailed`.
    """
    if found := ready_cxx(cache, sdk):
        return found
    source = llvm.find(cache, console, sdk.llvm_major)

    def build(workspace: Workspace) -> dict[str, object]:
        return cxx.CxxBuild(cache=cache, console=console, source=source, sdk=sdk, workspace=workspace).run()

    return CxxLibrary.from_tree(cache.make("cxx", cxx.entry_name(sdk, source), build, tell=console.note))


def requirements(cache: Cache, *, python: str, sdk: str, cxx: bool) -> list[str]:
    """List the packages that are needed, in the environment that builds, to make what is not there of the toolchain.

    That is wasmtime, as an SDK is run to be trusted; and CMake, if `cxx` is wanted and the machine has none.
    """
    toolchain = ready(cache, python=python, sdk=sdk)
    found = [] if toolchain else _extra("run")
    if cxx and not (toolchain and ready_cxx(cache, toolchain.sdk)) and not cmake.present():
        found += cmake.REQUIREMENTS
    return found


def _extra(name: str) -> list[str]:
    """Give what an extra of hatch-wasi asks for."""
    import importlib.metadata

    from packaging.requirements import Requirement

    return [
        f"{item.name}{item.specifier}"
        for item in map(Requirement, importlib.metadata.requires("hatch-wasi") or ())
        if item.marker and item.marker.evaluate({"extra": name}) and not item.marker.evaluate({"extra": ""})
    ]


def ready_build_python(cache: Cache, console: Console, short_version: str) -> Path | None:
    """Give a native Python X.Y that is there, on the machine or built before; nothing is made."""
    try:
        return build_python.find(short_version, console) or build_python.ready(cache, short_version)
    except ToolchainError:
        return None  # one that was named cannot serve


def ensure_build_python(cache: Cache, console: Console, toolchain: Toolchain) -> Path:
    """Give a native interpreter of the WASI Python's X.Y, from the machine or built now. Raises `ToolchainError`."""
    short_version = toolchain.python.short_version
    if found := build_python.find(short_version, console) or build_python.ready(cache, short_version):
        return found
    console.note(
        f"Build backends need a native Python {short_version}, and this machine has none that they can run on: "
        f"it is built now, once, which takes some minutes. `uv python install {short_version}` is quicker, or set "
        f"{build_python.VARIABLE}=/path/to/python{short_version}"
    )
    source = sources.find(cache, console, pins.cpython(short_version))

    def build(workspace: Workspace) -> dict[str, object]:
        return build_python.NativeBuild(
            cache=cache, console=console, source=source, sdk=toolchain.sdk, workspace=workspace
        ).run()

    name = build_python.entry_name(source.version)
    return build_python.interpreter(cache.make(build_python.KIND, name, build, tell=console.note))
