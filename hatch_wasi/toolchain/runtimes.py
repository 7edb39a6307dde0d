"""Build LLVM's C++ runtime libraries for side modules: libunwind, libcxxabi and libcxx, position-independent.

The archives of SDKs are linked into programs, and those with exceptions are not position-independent (wasi-sdk 33). The
build is upstream's own, `runtimes/CMakeLists.txt`, with settings that modules need:

- typeinfo is compared by name: each module has its own copy of what two of them throw to each other;
- threads are declared (`std::mutex` exists, and does what it can in one thread);
- exceptions are WebAssembly's (`exnref`), which clang emits from LLVM 20 on; wasmtime refuses the older encoding.
"""

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cxx_library import EXCEPTION_FLAGS, FIRST_WITH_EXCEPTIONS, LIBRARIES
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.cmake import CMake

__all__ = ["PARTS", "RECIPE", "Runtimes", "build_runtimes", "parts"]

RECIPE = 2
"""Goes up when what this module makes changes."""
PARTS = (
    "cmake", "runtimes", "llvm/cmake", "libunwind/CMakeLists.txt", "libunwind/cmake", "libunwind/include",
    "libunwind/src", "libcxxabi/CMakeLists.txt", "libcxxabi/cmake", "libcxxabi/include", "libcxxabi/src",
    "libcxx/CMakeLists.txt", "libcxx/LICENSE.TXT", "libcxx/cmake", "libcxx/include", "libcxx/lib", "libcxx/modules",
    "libcxx/src", "libcxx/utils", "libcxx/vendor",
)  # fmt: skip
# libcxx reads floating-point numbers by code that it shares with LLVM's libc since LLVM 20.
SHARED_PARTS = "libc/hdr", "libc/include", "libc/shared", "libc/src/__support"
COMPILE = (
    "-fPIC", "-mcpu=generic", "-ffunction-sections", "-fdata-sections", "-D_WASI_EMULATED_PTHREAD",
    # libunwind's config.h takes everything that is neither ELF nor Mach-O for Windows, and would say __declspec.
    "-D_LIBUNWIND_HIDE_SYMBOLS",
)  # fmt: skip
# clang registers destructors of thread_local objects so, and libcxxabi has it for Linux only. There is one thread, and
# it ends with the program.
THREAD_ATEXIT = """\
extern int __cxa_atexit(void (*)(void *), void *, void *);
int __cxa_thread_atexit(void (*destroy)(void *), void *object, void *dso) { return __cxa_atexit(destroy, object, dso); }
"""


@dataclass(frozen=True, kw_only=True)
class Runtimes:
    """What a build gave."""

    include: Path
    """The headers: `c++/v1` is below."""
    archives: tuple[Path, ...]
    """Static libraries, in the order in which they are linked."""


def parts(major: int) -> tuple[str, ...]:
    """Name what the build needs of LLVM's source tree."""
    return (*PARTS, *SHARED_PARTS) if major >= 20 else PARTS


def build_runtimes(
    sdk: WasiSdk,
    source: Path,
    folder: Path,
    *,
    exceptions: bool,
    cmake: CMake,
    log: Path,
    hold: Sequence[int] = (),
    jobs: int = 1,
) -> Runtimes:
    """Build the libraries below `folder` from LLVM's source tree at `source`, which has `parts` of the SDK's LLVM.

    With `exceptions`, code may throw; else what would throw ends the program. A build that was cut off goes on where
    it was. The result names neither folder. Raises `ToolchainError` where the compiler is too old for exceptions, and
    `ProcessFailed`.
    """
    if exceptions and sdk.llvm_major < FIRST_WITH_EXCEPTIONS:
        message = f"clang {sdk.llvm} has no exceptions that WASI engines run: LLVM {FIRST_WITH_EXCEPTIONS} brought them"
        raise ToolchainError(message, hint="choose an SDK with a newer clang")
    build, out, support = folder / "build", folder / "out", folder / "support"
    settings = _settings(sdk, source, folder, exceptions=exceptions)
    run = partial(process.run, env=cmake.environment, log=log, hold=hold)
    if not (build / "configured").is_file():
        shutil.rmtree(build, ignore_errors=True)
        (support / "Platform").mkdir(parents=True, exist_ok=True)
        # Newer CMakes know WASI and use their own file; the others assume little of such a system, which is right.
        (support / "Platform" / "WASI.cmake").write_text("set(WASI 1)\n", encoding="utf-8")
        run(cmake.configure(source / "runtimes", build, settings), what="configuring LLVM's C++ runtimes")
        (build / "configured").touch()
    names = ("cxx", "cxxabi", "unwind") if exceptions else ("cxx", "cxxabi")
    run(cmake.build(build, names, jobs), what="compiling LLVM's C++ runtimes")
    shutil.rmtree(out, ignore_errors=True)
    installed = tuple(f"install-{name}" for name in names)
    run(cmake.build(build, installed, jobs), what="installing LLVM's C++ runtimes")
    archives = tuple(out / "lib" / name for name in LIBRARIES["eh" if exceptions else "noeh"])
    missing = [path.name for path in (*archives, out / "include" / "c++" / "v1" / "__config_site") if not path.exists()]
    if missing:
        message = f"the build of LLVM's C++ runtimes made no {', '.join(missing)}"
        raise ToolchainError(message, log=log)
    _add_thread_atexit(sdk, archives[1], support, log, hold)
    return Runtimes(include=out / "include", archives=archives)


def _settings(sdk: WasiSdk, source: Path, folder: Path, *, exceptions: bool) -> dict[str, str]:
    switch = "ON" if exceptions else "OFF"
    hidden = (f"-ffile-prefix-map={path}={name}" for path, name in ((source, "/llvm"), (folder, "/build")))
    flags = shlex.join([*COMPILE, *(EXCEPTION_FLAGS if exceptions else ["-fno-exceptions"]), *hidden])
    settings = {
        "CMAKE_SYSTEM_NAME": "WASI",
        "UNIX": "ON",  # LLVM's CMake files know no other system that is like it
        "CMAKE_SYSTEM_PROCESSOR": "wasm32",
        "CMAKE_MODULE_PATH": str(folder / "support"),
        "CMAKE_BUILD_TYPE": "MinSizeRel",
        "CMAKE_INSTALL_PREFIX": str(folder / "out"),
        "CMAKE_INSTALL_MESSAGE": "NEVER",
        "CMAKE_SYSROOT": str(sdk.sysroot),
        "CMAKE_AR": str(sdk.program("llvm-ar")),
        "CMAKE_NM": str(sdk.program("llvm-nm")),
        "CMAKE_RANLIB": str(sdk.program("llvm-ranlib")),
        # Nothing is linked: there is no program to make of these flags.
        "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
        "Python3_EXECUTABLE": sys.executable,
        "LLVM_ENABLE_RUNTIMES": "libunwind;libcxxabi;libcxx",
        "LLVM_INCLUDE_DOCS": "OFF",
        "LLVM_INCLUDE_TESTS": "OFF",
        "LIBCXX_ABI_VERSION": "2",
        "LIBCXX_CXX_ABI": "libcxxabi",
        "LIBCXX_ENABLE_EXCEPTIONS": switch,
        "LIBCXX_HAS_MUSL_LIBC": "OFF",
        "LIBCXX_INCLUDE_BENCHMARKS": "OFF",
        "LIBCXX_INSTALL_MODULES": "OFF",
        "LIBCXX_TYPEINFO_COMPARISON_IMPLEMENTATION": "2",
        "LIBCXXABI_ENABLE_EXCEPTIONS": switch,
        # std::terminate would pull the demangler into everything that is linked, 130 KB.
        "LIBCXXABI_NON_DEMANGLING_TERMINATE": "ON",
        "LIBCXXABI_USE_LLVM_UNWINDER": switch,
        "LIBUNWIND_USE_COMPILER_RT": "ON",
    }
    for language, program in (("C", "clang"), ("CXX", "clang++"), ("ASM", "clang")):
        settings[f"CMAKE_{language}_COMPILER"] = str(sdk.program(program))
        settings[f"CMAKE_{language}_COMPILER_TARGET"] = sdk.triple
        settings[f"CMAKE_{language}_COMPILER_WORKS"] = "ON"
        settings[f"CMAKE_{language}_FLAGS"] = flags
    # A wasi-libc of 2022 has no pthread.h for one thread: no std::mutex then. The functions are python.wasm's, whether
    # the sysroot has them (from wasi-sdk 25 on) or not.
    threads = "ON" if (sdk.sysroot / "include" / sdk.triple / "pthread.h").is_file() else "OFF"
    # Nor has one before wasi-sdk 22's sys/statvfs.h: no std::filesystem then.
    filesystem = (sdk.sysroot / "include" / sdk.triple / "sys" / "statvfs.h").is_file()
    settings["LIBCXX_ENABLE_FILESYSTEM"] = "ON" if filesystem else "OFF"
    for library in ("LIBUNWIND", "LIBCXXABI", "LIBCXX"):
        settings[f"{library}_ENABLE_SHARED"] = "OFF"
        settings[f"{library}_ENABLE_THREADS"] = threads
        settings[f"{library}_INCLUDE_TESTS"] = "OFF"
    for library in ("LIBCXXABI", "LIBCXX"):
        settings[f"{library}_HAS_PTHREAD_API"] = threads
    return settings


def _add_thread_atexit(sdk: WasiSdk, archive: Path, folder: Path, log: Path, hold: Sequence[int]) -> None:
    source, target = folder / "thread_atexit.c", folder / "thread_atexit.o"
    source.write_text(THREAD_ATEXIT, encoding="utf-8")
    run = partial(process.run, env=process.base_environment(), log=log, hold=hold)
    run([*sdk.cc, "-Os", *COMPILE, "-c", source, "-o", target], what="compiling __cxa_thread_atexit")
    run([sdk.program("llvm-ar"), "rcs", archive, target], what="adding __cxa_thread_atexit")
