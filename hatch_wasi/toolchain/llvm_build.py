"""Build LLVM itself: clang, lld and the tools for archives, for WebAssembly alone. Hours of work, done step by step:
what was compiled when a build was cut off is not compiled again.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import ToolchainError
from hatch_wasi.target import WASI_TRIPLE
from hatch_wasi.toolchain.cmake import CMake

__all__ = ["PARTS", "RECIPE", "HostCompiler", "build", "compile_targets", "configure", "host_compiler"]

RECIPE = 1
"""Goes up when what this module makes changes."""
PARTS = ("clang", "cmake", "libunwind/include", "lld", "llvm", "third-party")
"""What it needs of LLVM's source tree (lld's Mach-O half includes a header of libunwind's)."""
TOOLS = ("ar", "cxxfilt", "nm", "objcopy", "objdump", "profdata", "ranlib", "readobj", "size", "strip")
COMPONENTS = ("clang", "clang-resource-headers", "lld", *(f"llvm-{tool}" for tool in TOOLS))
# What LLVM would look for on the machine, and the result then want of every machine that it comes to.
LIBRARIES = ("CURL", "FFI", "HTTPLIB", "LIBEDIT", "LIBPFM", "LIBXML2", "TERMINFO", "Z3_SOLVER", "ZLIB", "ZSTD")
LEFT_OUT = ("BENCHMARKS", "DOCS", "EXAMPLES", "TESTS")
MADE = ("clang", "clang++", "wasm-ld", *(f"llvm-{tool}" for tool in TOOLS))


@dataclass(frozen=True, kw_only=True)
class HostCompiler:
    """Compiles LLVM for this machine."""

    cc: Path
    cxx: Path


def host_compiler() -> HostCompiler:
    """Give the machine's C and C++ compilers. Raises `ToolchainError` if there are none."""
    for c, cxx in (("cc", "c++"), ("gcc", "g++"), ("clang", "clang++")):
        found = shutil.which(c), shutil.which(cxx)
        if found[0] and found[1]:
            return HostCompiler(cc=Path(found[0]), cxx=Path(found[1]))
    message = "there is no C++ compiler on this machine (c++, g++ or clang++) to build LLVM with"
    raise ToolchainError(
        message, hint="install one (GCC 7.4, clang 5 or newer), or a clang 18 or newer for WebAssembly"
    )


def configure(
    source: Path, folder: Path, *, host: HostCompiler, cmake: CMake, log: Path, hold: Sequence[int] = ()
) -> Path:
    """Prepare the build of LLVM's tree at `source` below `folder`, unless that is done, and give its folder."""
    tree = folder / "build"
    if not (tree / "configured").is_file():
        shutil.rmtree(tree, ignore_errors=True)
        argv = cmake.configure(source / "llvm", tree, _settings(source, folder, host))
        process.run(argv, what="configuring LLVM", env=cmake.environment, log=log, hold=hold)
        (tree / "configured").touch()
    return tree


def compile_targets(
    tree: Path, targets: tuple[str, ...], *, cmake: CMake, log: Path, hold: Sequence[int] = (), jobs: int = 1
) -> None:
    """Make `targets` in the configured `tree`; run again, it goes on where it stopped."""
    argv = cmake.build(tree, targets, jobs)
    process.run(argv, what="compiling LLVM", env=cmake.environment, log=log, hold=hold)


def build(
    source: Path,
    folder: Path,
    target: Path,
    *,
    cmake: CMake,
    log: Path,
    hold: Sequence[int] = (),
    jobs: int = 1,
) -> None:
    """Build LLVM's tree at `source` below `folder` and install what an SDK has of it into `target`.

    A build that was cut off goes on where it was. Raises `ToolchainError` if a program was not made, and
    `ProcessFailed`.
    """
    tree = configure(source, folder, host=host_compiler(), cmake=cmake, log=log, hold=hold)
    make = partial(compile_targets, tree, cmake=cmake, log=log, hold=hold)
    make(("distribution",), jobs=jobs)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    make(("install-distribution-stripped",), jobs=1)
    missing = [f"bin/{name}" for name in MADE if not (out / "bin" / name).exists()]
    if not list(out.glob("lib/clang/*/include/stddef.h")):
        missing.append("lib/clang/N/include")
    if missing:
        message = f"the build of LLVM made no {', '.join(missing)}"
        raise ToolchainError(message, log=log)
    for name in ("bin", "lib"):
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(out / name, target / name, symlinks=True)


def _settings(source: Path, folder: Path, host: HostCompiler) -> dict[str, str]:
    hidden = shlex.join([f"-ffile-prefix-map={source}=llvm", f"-ffile-prefix-map={folder}=build"])
    return {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_C_COMPILER": str(host.cc),
        "CMAKE_CXX_COMPILER": str(host.cxx),
        "CMAKE_C_FLAGS": hidden,
        "CMAKE_CXX_FLAGS": hidden,
        "CMAKE_INSTALL_PREFIX": str(folder / "out"),
        "CMAKE_INSTALL_MESSAGE": "NEVER",
        "CMAKE_DISABLE_FIND_PACKAGE_Git": "ON",
        "Python3_EXECUTABLE": sys.executable,
        "LLVM_ENABLE_PROJECTS": "clang;lld",
        "LLVM_TARGETS_TO_BUILD": "WebAssembly",
        "LLVM_DEFAULT_TARGET_TRIPLE": WASI_TRIPLE,
        "LLVM_DISTRIBUTION_COMPONENTS": ";".join(COMPONENTS),
        "LLVM_INSTALL_TOOLCHAIN_ONLY": "ON",
        # A version that nothing has to be asked for (git, the source's folder).
        "LLVM_APPEND_VC_REV": "OFF",
        "LLVM_ENABLE_ASSERTIONS": "OFF",
        "LLVM_ENABLE_BINDINGS": "OFF",
        "LLVM_ENABLE_PLUGINS": "OFF",
        # clang's link takes more memory than all of its compilations at once.
        "LLVM_PARALLEL_LINK_JOBS": str(max(1, (os.cpu_count() or 1) // 4)),
        "DEFAULT_SYSROOT": "../share/wasi-sysroot",
        "CLANG_ENABLE_OBJC_REWRITER": "OFF",
        "CLANG_ENABLE_STATIC_ANALYZER": "OFF",
        "CLANG_INCLUDE_TESTS": "OFF",
        "CLANG_PLUGIN_SUPPORT": "OFF",
        # The compiler takes no settings from the machine it runs on.
        "CLANG_CONFIG_FILE_SYSTEM_DIR": "",
        "CLANG_CONFIG_FILE_USER_DIR": "",
        **{f"LLVM_ENABLE_{library}": "OFF" for library in LIBRARIES},
        **{f"LLVM_INCLUDE_{part}": "OFF" for part in LEFT_OUT},
    }
