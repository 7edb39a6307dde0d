"""What clang and wasm-ld are told to make a side module: pure, for the hook and for the compiler driver."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from hatch_wasi.cxx_library import EXCEPTION_FLAGS, FIRST_WITH_EXCEPTIONS, CxxLibrary
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import abi

__all__ = [
    "EMULATED", "INLINE", "LINK", "OPTIMIZE", "OPTIMIZED", "VISIBLE", "headers", "hide", "inlining", "language", "support",
]  # fmt: skip

# What CPython's own objects are compiled with, as far as it concerns code outside of it (configure.ac: BASECFLAGS, OPT).
OPTIMIZE = ("-O2", "-DNDEBUG", "-fno-strict-overflow", "-Wall", "-Wsign-compare")
# wasi-libc declares these only on request; python.wasm has their emulations linked in. pyconfig.h asks for the first
# three, too late for code that includes other headers before it. Others' code locks mutexes: python.wasm has the
# functions, for its one thread.
EMULATED = (
    "-D_WASI_EMULATED_SIGNAL",
    "-D_WASI_EMULATED_GETPID",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_MMAN",
    "-D_WASI_EMULATED_PTHREAD",
)
# clang hides symbols on WebAssembly by default. Elsewhere they are visible, and ctypes finds them. This comes before a
# project's own options, which win. See `exports` for what becomes of them.
VISIBLE = ("-fvisibility=default",)
# One recipe for C and C++ (with clang and lld 19 and 22). -pie with an imported memory gives a dylink.0 module whose
# weak definitions bind inside it; -shared would route all of them through the main module. What it does not define is
# imported. wasm-ld keeps __wasm_call_ctors to itself unless asked, and the loader must call it. The linker calls its
# PIC support experimental and warns; names of functions stay for tracebacks, debug sections go.
LINK = (
    "-nostdlib",
    "-Wl,-pie,--import-memory,--no-entry,--unresolved-symbols=import-dynamic",
    "-Wl,--export-if-defined=__wasm_call_ctors,--experimental-pic,--strip-debug",
    "-Wl,--export-if-defined=hatch_wasi_describe_exception",  # guest/exceptions.cpp, for the loader
)
# setjmp and longjmp become exceptions; code that has neither is not changed by this.
SETJMP = ("-mllvm", "-wasm-enable-sjlj")
# A call is dear in what wasmtime compiles: no register is kept across it, and each function checks the stack. So more is
# inlined than natively (clang's threshold is 225, 250 with -O3): benchmarks/README.md, "Inlining".
INLINE = ("-mllvm", "-inline-threshold=500")
OPTIMIZED = frozenset({"-O2", "-O3", "-Ofast"})
EXCEPTION_ENCODING = EXCEPTION_FLAGS[-1]


@cache
def headers() -> Mapping[str, bytes]:
    """Return headers, by their paths, that declare what python.wasm has and wasi-libc's do not."""
    folder = files("hatch_wasi.side_modules").joinpath("include")
    found: dict[str, bytes] = {}
    for place in ("", "sys/"):
        entries = (entry for entry in folder.joinpath(place).iterdir() if entry.name.endswith(".h"))
        found.update((place + entry.name, entry.read_bytes()) for entry in entries)
    return dict(sorted(found.items()))


def hide(sdk: WasiSdk, python_root: Path, cxx: CxxLibrary | None) -> list[str]:
    """Give what keeps the toolchain's folders out of __FILE__ and debug information."""
    places = [(python_root, "/usr"), (sdk.root, "/wasi-sdk"), *([(cxx.root, "/wasi-cxx")] if cxx else [])]
    return [f"-ffile-prefix-map={path}={name}" for path, name in places]


def language(sdk: WasiSdk, cxx: CxxLibrary | None, *, exceptions: bool) -> list[str]:
    """Give what concerns setjmp, and C++'s library and exceptions if `cxx` is given: for a source in C, it is not."""
    found = list(cxx.compile_flags(exceptions=exceptions)) if cxx else []
    if sdk.llvm_major >= FIRST_WITH_EXCEPTIONS:
        found += SETJMP if EXCEPTION_ENCODING in found else (*SETJMP, "-mllvm", EXCEPTION_ENCODING)
    return found


def inlining(words: Sequence[str]) -> Sequence[str]:
    """Give what is to be inlined where the compiler's arguments `words` ask for speed, and do not say it themselves."""
    levels = [word for word in words if word.startswith("-O")]
    is_said = any("-inline-threshold" in word for word in words)
    return () if is_said or not levels or levels[-1] not in OPTIMIZED else INLINE


def support(sdk: WasiSdk, version: str, soabi: str, cxx: CxxLibrary | None, *, exceptions: bool) -> Mapping[str, str]:
    """Give what every module gets besides its own sources, by file name.

    That is the note of what it is made for (`version` is Python's), setjmp, and, if `cxx` is linked, what C++ needs of
    its host.
    """
    note = abi.assembly(abi.describe(sdk, version, soabi, cxx.llvm if cxx else None))
    found = {"abi-cxx.s" if cxx else "abi.s": note}
    if sdk.llvm_major >= FIRST_WITH_EXCEPTIONS:
        found["setjmp.c"] = _guest("setjmp.c")
    if cxx:
        names = ("cxx.c", "exceptions.cpp") if exceptions else ("cxx.c",)
        found.update((name, _guest(name)) for name in names)
    return found


@cache
def _guest(name: str) -> str:
    return files("hatch_wasi.side_modules").joinpath("guest", name).read_text(encoding="utf-8")
