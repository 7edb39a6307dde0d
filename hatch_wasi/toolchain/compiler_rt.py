"""Build compiler-rt's builtins: the functions that clang calls for what WebAssembly has no instruction for.

Upstream's `compiler-rt/lib/builtins/CMakeLists.txt`, with wasi-sdk's settings but for one: the code is
position-independent, because side modules link it too.
"""

import shlex
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cxx_library import EXCEPTION_FLAGS
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.cmake import CMake
from hatch_wasi.toolchain.source_layout import builtins_place

__all__ = ["EXCEPTION_LIBRARY", "PARTS", "build", "build_exception_tag"]

PARTS = ("cmake", "llvm/cmake", "compiler-rt/cmake", "compiler-rt/lib/builtins")
"""What it needs of LLVM's source tree."""
EXCEPTION_LIBRARY = "wasm-exception"
"""The library that a program with C++ exceptions links (`-l`), beside libunwind."""


def build(
    sdk: WasiSdk, source: Path, folder: Path, *, cmake: CMake, log: Path, hold: Sequence[int] = (), jobs: int = 1
) -> Path:
    """Build the builtins below `folder` from LLVM's tree at `source` and put them where the SDK's clang looks.

    The SDK has its sysroot already: some of the code includes libc's headers. A build that was cut off goes on where
    it was. Gives the archive; raises `ToolchainError` if clang does not find it there, and `ProcessFailed`.
    """
    tree, support = folder / "build", folder / "support"
    run = partial(process.run, env=cmake.environment, log=log, hold=hold)
    if not (tree / "configured").is_file():
        shutil.rmtree(tree, ignore_errors=True)
        (support / "Platform").mkdir(parents=True, exist_ok=True)
        (support / "Platform" / "WASI.cmake").write_text("set(WASI 1)\nset(UNIX 1)\n", encoding="utf-8")
        settings = _settings(sdk, source, folder)
        where = source / "compiler-rt" / "lib" / "builtins"
        run(cmake.configure(where, tree, settings), what="configuring compiler-rt's builtins")
        (tree / "configured").touch()
    run(cmake.build(tree, (), jobs), what="compiling compiler-rt's builtins")
    made = sorted(tree.glob("lib/**/libclang_rt.builtins*.a"))
    if len(made) != 1:
        message = f"the build of compiler-rt made {len(made)} archives of builtins, not one"
        raise ToolchainError(message, log=log)
    place = builtins_place(sdk)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(made[0], place)
    # Asked again: with the file there, clang must name it and no other.
    if builtins_place(sdk) != place or sdk.builtins is None or sdk.builtins.resolve() != place:
        message = f"clang does not look for its builtins where it said it would ({place})"
        raise ToolchainError(message, log=log)
    return place


def build_exception_tag(sdk: WasiSdk, source: Path, target: Path, *, log: Path, hold: Sequence[int] = ()) -> None:
    """Put the tag of C++ exceptions, which a program defines once and side modules import, into the archive `target`.

    Since LLVM 22 it is a part of compiler-rt; clang defined it in each object before. It must not be among the
    builtins: side modules link those too, and one would not catch what another throws.
    """
    tag = source / "compiler-rt" / "lib" / "builtins" / "wasm" / "__cpp_exception.S"
    target.unlink(missing_ok=True)
    if not tag.is_file():
        target.write_bytes(b"!<arch>\n")
        return
    run = partial(process.run, env=process.base_environment(), log=log, hold=hold)
    made = target.with_suffix(".o")
    run([*sdk.cc, *EXCEPTION_FLAGS, "-c", tag, "-o", made], what="compiling the exception tag")
    run([sdk.program("llvm-ar"), "rcs", target, made], what="archiving the exception tag")
    made.unlink()


def _settings(sdk: WasiSdk, source: Path, folder: Path) -> dict[str, str]:
    settings = {
        "CMAKE_SYSTEM_NAME": "WASI",
        "CMAKE_SYSTEM_PROCESSOR": "wasm32",
        "CMAKE_MODULE_PATH": str(folder / "support"),
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_DISABLE_FIND_PACKAGE_Git": "ON",
        "CMAKE_SYSROOT": str(sdk.sysroot),
        "CMAKE_AR": str(sdk.program("llvm-ar")),
        "CMAKE_NM": str(sdk.program("llvm-nm")),
        "CMAKE_RANLIB": str(sdk.program("llvm-ranlib")),
        "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
        "Python3_EXECUTABLE": sys.executable,
        "COMPILER_RT_BAREMETAL_BUILD": "ON",
        "COMPILER_RT_DEFAULT_TARGET_ONLY": "ON",
        "COMPILER_RT_HAS_FPIC_FLAG": "ON",
        "COMPILER_RT_INCLUDE_TESTS": "OFF",
        "LLVM_ENABLE_PER_TARGET_RUNTIME_DIR": "ON",
    }
    hidden = (f"-ffile-prefix-map={path}={name}" for path, name in ((source, "/llvm"), (folder, "/build")))
    flags = shlex.join(["-fPIC", "-mcpu=generic", *hidden])
    for language, program in (("C", "clang"), ("CXX", "clang++"), ("ASM", "clang")):
        settings[f"CMAKE_{language}_COMPILER"] = str(sdk.program(program))
        settings[f"CMAKE_{language}_COMPILER_TARGET"] = sdk.triple
        settings[f"CMAKE_{language}_COMPILER_WORKS"] = "ON"
        settings[f"CMAKE_{language}_FLAGS"] = flags
    return settings
