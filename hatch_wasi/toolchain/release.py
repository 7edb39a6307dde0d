"""wasi-sdk's own releases: the newest pinned compiler for this host, on the sysroot that belongs to the Python.

The two come from different releases (PEP 816 pairs a Python with a wasi-libc, not with a compiler): the tree is laid out
as a release's, of the compiler's archive `bin/` and `lib/`, of the sysroot's `share/wasi-sysroot/`.
"""

import os
import platform
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from hatch_wasi import pins
from hatch_wasi.cache import Cache, Workspace, digest
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import download, is_offline
from hatch_wasi.pins import ReleasePin
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import archive
from hatch_wasi.target import WASI_TRIPLE
from hatch_wasi.toolchain.provider import Request, Unavailable
from hatch_wasi.toolchain.verify import clang_version, verify

__all__ = ["NAME", "Plan", "host_name", "is_of_compiler", "is_of_sysroot", "outlook", "provide", "ready"]

NAME = "release"
RECIPE = 1
"""Goes up when what is taken of the archives changes: entries of an older one are not used again."""
SYSTEMS = {"linux": "linux", "darwin": "macos"}
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
MUSL = "/lib"
"""Where a machine with musl has its loader."""
INSTALL = "install wasi-sdk and set WASI_SDK_PATH to its folder"

# The archives hold several times what is needed: lldb, clang-tidy, other targets, link-time-optimized libraries.
PROGRAMS = re.compile(r"clang|clang\+\+|clang-cpp|clang-\d+|lld|wasm-ld(-\d+)?|llvm-[\w+-]+|clang(\+\+)?\.cfg")
LIBRARIES_LEFT_OUT = re.compile(r"(lib)?(lldb|clang\.|edit|xml2)")
RUNTIMES = ("wasm32-unknown-wasip1", "wasip1", "wasi")
"""Folders of builtins that clang has looked in: since LLVM 21, in wasi-sdk 24 to 26, and before."""
NOTICES = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE)[\w.-]*")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which archives make the SDK."""

    compiler: ReleasePin
    sysroot: ReleasePin
    wasi_libc: str
    """The sysroot's commit."""


def host_name(system: str = sys.platform, machine: str = "") -> str:
    """Name this machine as wasi-sdk's archives do: `x86_64-linux`, `arm64-macos`.

    Raises `Unavailable` for one that there are no archives for.
    """
    machine = machine or platform.machine()
    if system not in SYSTEMS or machine.lower() not in MACHINES:
        message = f"wasi-sdk has no release for {system} on {machine}"
        raise Unavailable(message)
    return f"{MACHINES[machine.lower()]}-{SYSTEMS[system]}"


def ready(cache: Cache, request: Request) -> WasiSdk | None:
    """Give the newest SDK of this kind in the cache, if it has this pair's sysroot and today's recipe made it."""
    for entry in cache.entries("sdk"):
        manifest = cache.manifest(entry)
        if entry.name.startswith(f"{NAME}-") and manifest.get("recipe") == RECIPE:
            sdk = WasiSdk.from_tree(entry)
            if sdk.version == request.pair:
                return sdk
    return None


def outlook(cache: Cache, request: Request) -> str:
    """Say what would be fetched."""
    try:
        plan = _plan(request.pair)
    except Unavailable as reason:
        return f"not: {reason.message}"
    wanted = (plan.sysroot, plan.compiler)
    missing = [pin for pin in wanted if not (cache.root / "downloads" / f"{pin.sha256}-{pin.name}").is_file()]
    if missing and is_offline() and "HATCH_WASI_MIRROR" not in os.environ:
        return "not: offline, and its archives are not in the cache"
    names = f"the compiler of wasi-sdk {plan.compiler.release} and the sysroot of {plan.sysroot.release}"
    return f"would fetch {names}" if missing else f"would unpack {names}, which are in the cache"


def provide(cache: Cache, console: Console, request: Request) -> WasiSdk:
    """Fetch and compose the SDK. Raises `Unavailable` if an archive cannot be had, or what it holds does not work."""
    if found := ready(cache, request):
        return found
    plan = _plan(request.pair)
    name = f"{NAME}-{digest([asdict(plan), RECIPE])}"
    try:
        archives = _fetch(cache, console, plan)

        def build(workspace: Workspace) -> dict[str, object]:
            return _build(workspace, console, plan, archives, request)

        return WasiSdk.from_tree(cache.make("sdk", name, build, tell=console.note))
    except (FetchError, ToolchainError) as error:
        raise Unavailable(error.message, hint=error.hint, log=error.log) from error


def _plan(pair: str) -> Plan:
    host = host_name()
    if host.endswith("linux") and platform.libc_ver()[0] != "glibc" and any(Path(MUSL).glob("ld-musl-*")):
        message = "wasi-sdk's releases for Linux need glibc, and this machine has musl"
        raise Unavailable(message)
    compiler, sysroot, wasi_libc = pins.sdk_compiler(host), pins.sdk_sysroot(pair), pins.wasi_libc_of_release(pair)
    if compiler is None:
        message = (
            f"the sha256 of wasi-sdk's archive for {host} is not known for certain, so it is not offered; {INSTALL}"
        )
        raise Unavailable(message)
    if sysroot is None or wasi_libc is None:
        message = f"the sha256 of wasi-sdk {pair}'s sysroot is not known for certain, so it is not offered; {INSTALL}"
        raise Unavailable(message)
    return Plan(compiler=compiler, sysroot=sysroot, wasi_libc=wasi_libc)


def _fetch(cache: Cache, console: Console, plan: Plan) -> tuple[Path, Path]:
    """Give the archives, the smaller first: a host that cannot be reached is found out, and told, once."""
    with console.step(f"Fetching the sysroot of wasi-sdk {plan.sysroot.release}", index=1, total=4):
        sysroot = download(cache, [plan.sysroot.url], sha256=plan.sysroot.sha256, console=console)
    with console.step(f"Fetching the compiler of wasi-sdk {plan.compiler.release}", index=2, total=4):
        compiler = download(cache, [plan.compiler.url], sha256=plan.compiler.sha256, console=console)
    return compiler, sysroot


def is_of_compiler(name: str) -> bool:
    """Tell whether this part of a release's archive is needed for the compiler."""
    match name.split("/"):
        case [notice] if NOTICES.fullmatch(notice):
            return True
        case ["bin", program]:
            return PROGRAMS.fullmatch(program) is not None
        case ["lib", "clang", _, "lib", folder, *_]:
            return folder in RUNTIMES
        case ["lib", "clang", *_]:
            return True
        case ["lib", library]:
            return "." in library and not library.endswith(".a") and not LIBRARIES_LEFT_OUT.match(library)
        case _:
            return name in ("bin", "lib")


def is_of_sysroot(name: str) -> bool:
    """Tell whether this part of a sysroot's archive, or of a whole release's, is needed to build for WASI 0.1."""
    match name.removeprefix("share/wasi-sysroot/").split("/"):
        case [notice] if notice == "VERSION" or NOTICES.fullmatch(notice):
            return True
        case ["lib", triple, *rest]:
            return triple == WASI_TRIPLE and rest[:1] != ["llvm-lto"]
        case ["include", target, *_] if target.startswith("wasm32-"):
            return target == WASI_TRIPLE
        case ["include", *_]:
            return True
        case _:
            return name in ("lib", "share", "share/wasi-sysroot")


def _build(
    workspace: Workspace, console: Console, plan: Plan, archives: tuple[Path, Path], request: Request
) -> dict[str, object]:
    sdk = WasiSdk(root=workspace.tree, provider=NAME, id="", llvm="", wasi_libc=plan.wasi_libc)

    def compose() -> None:
        compiler, sysroot = archives
        with console.step("Unpacking", index=3, total=4):
            archive.unpack(compiler, workspace.tree, keep=is_of_compiler)
            _unpack_sysroot(sysroot, workspace)
            _check_commit(workspace.tree, plan)
        with console.step("Compiling, linking and running a program", index=4, total=4):
            verify(sdk, request.trial)

    try:
        # One step with its check: what does not work is not kept for the next time.
        workspace.once("compose", compose)
        llvm = clang_version(workspace.tree)
    except (FetchError, ToolchainError):
        shutil.rmtree(workspace.tree, ignore_errors=True)
        raise
    return {
        "schema": 1,
        "recipe": RECIPE,
        "sdk": {"provider": NAME, "llvm": llvm, "wasi_libc": plan.wasi_libc, "version": plan.sysroot.release},
        "inputs": {
            part: {"release": pin.release, "url": pin.url, "sha256": pin.sha256}
            for part, pin in (("compiler", plan.compiler), ("sysroot", plan.sysroot))
        },
    }


def _check_commit(tree: Path, plan: Plan) -> None:
    """Compare what the sysroot says of itself with what is pinned. Raises `ToolchainError` if it is another."""
    notes = tree / "share" / "wasi-sysroot" / "VERSION"
    found = (
        re.search(r"^wasi-libc: ([0-9a-f]{7})", notes.read_text(encoding="utf-8"), re.MULTILINE)
        if notes.is_file()
        else None
    )
    if found and found[1] != plan.wasi_libc:
        message = f"{plan.sysroot.name} has wasi-libc {found[1]}, and {plan.wasi_libc} was expected"
        raise ToolchainError(message)


def _unpack_sysroot(sysroot: Path, workspace: Workspace) -> None:
    unpacked, target = workspace.scratch / "sysroot", workspace.tree / "share" / "wasi-sysroot"
    archive.unpack(sysroot, unpacked, keep=is_of_sysroot)
    target.parent.mkdir(exist_ok=True)
    whole = unpacked / "share" / "wasi-sysroot"
    (whole if whole.is_dir() else unpacked).rename(target)
