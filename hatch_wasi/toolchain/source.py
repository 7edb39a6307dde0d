"""An SDK from sources: LLVM (or a clang that is installed), compiler-rt's builtins, wasi-libc and the C++ library.

Every step checks what it made, and is done once: a build that was killed goes on where it was. The versions are those
of the sources; no step asks git or the machine for one.
"""

from hatch_wasi import pins
from hatch_wasi.cache import Cache, Workspace, digest
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import llvm, wasi_libc
from hatch_wasi.toolchain import installed_clang, llvm_build
from hatch_wasi.toolchain.provider import Request, Unavailable
from hatch_wasi.toolchain.source_build import NAME, RECIPE, Build, Plan

__all__ = ["NAME", "RECIPE", "outlook", "provide", "ready"]

HOURS = "builds LLVM itself, which takes hours"


def ready(cache: Cache, request: Request) -> WasiSdk | None:
    """Give the newest SDK of this kind that was made for the request's wasi-sdk, of what is named in the environment."""
    for entry in cache.entries("sdk"):
        manifest = cache.manifest(entry)
        inputs = manifest.get("inputs")
        if not entry.name.startswith(f"{NAME}-") or manifest.get("recipe") != RECIPE or not isinstance(inputs, dict):
            continue
        if inputs.get("pair") == request.pair and _is_usable(cache, inputs):
            return WasiSdk.from_tree(entry)
    return None


def _is_usable(cache: Cache, inputs: dict[str, object]) -> bool:
    """Tell whether an entry's compiler is there, and what the environment names was used."""
    how, version = str(inputs.get("clang")).partition(" ")[::2]
    if how == "installed" and (
        installed_clang.chosen() == installed_clang.BUILD or not installed_clang.is_in_place(cache, version)
    ):
        return False
    if how == "built" and installed_clang.chosen() not in ("auto", installed_clang.BUILD):
        return False
    try:
        local = wasi_libc.local()
    except ToolchainError:
        return False
    used = inputs.get("wasi_libc")
    return local is None or (isinstance(used, dict) and used.get("identity") == local.identity)


def outlook(cache: Cache, request: Request) -> str:
    """Say what would be built."""
    del cache
    if installed_clang.chosen() == installed_clang.BUILD:
        return f"would build LLVM, wasi-libc (of wasi-sdk {request.pair}) and the C++ library from source: hours"
    return (
        f"would build wasi-libc (of wasi-sdk {request.pair}) and the C++ library with an installed clang "
        f"{installed_clang.MINIMUM} or newer, if there is one; --sdk source builds LLVM too, which takes hours"
    )


def provide(cache: Cache, console: Console, request: Request) -> WasiSdk:
    """Build the SDK. Raises `Unavailable` if there is nothing to build it from."""
    if found := ready(cache, request):
        return found
    plan = _plan(cache, console, request)
    if plan.clang:
        installed_clang.place(cache, plan.clang)
    name = f"{NAME}-{digest([plan.inputs, RECIPE])}"

    def build(workspace: Workspace) -> dict[str, object]:
        return Build(cache=cache, console=console, plan=plan, request=request, workspace=workspace).run()

    return WasiSdk.from_tree(cache.make("sdk", name, build, tell=console.note))


def _plan(cache: Cache, console: Console, request: Request) -> Plan:
    clang = None
    if installed_clang.chosen() != installed_clang.BUILD:
        try:
            clang = installed_clang.find()
        except ToolchainError as error:
            if request.sdk != NAME or installed_clang.chosen() != "auto":
                message = f"no installed clang can be used ({error.message}); --sdk {NAME} {HOURS}"
                raise Unavailable(message, hint=error.hint) from error
            console.note(f"No installed clang can be used ({error.message}): LLVM is built, which takes hours")
    try:
        if clang is None:
            llvm_build.host_compiler()
        libc = wasi_libc.find(cache, console, request.pair)
        compiler = llvm.find(cache, console, clang.major if clang else _newest())
    except (FetchError, ToolchainError) as error:
        raise Unavailable(error.message, hint=error.hint, log=error.log) from error
    return Plan(pair=request.pair, clang=clang, llvm=compiler, wasi_libc=libc)


def _newest() -> int:
    """Give the LLVM that is built: that of the local sources, else the one that the other SDKs have."""
    return llvm.local_major() or int(pins.table("source-sdk")["llvm"])
