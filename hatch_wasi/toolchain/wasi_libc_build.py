"""Build wasi-libc: by its Makefile up to wasi-sdk 29, by its CMake project since 30. Static libraries, one triple.

Both builds are left before the check of symbols, which compares the compiler's predefined macros with those of the
compiler of that day. No step needs git, bash or the network: the headers of wasi-sdk 25 to 29, which a bash script
installs, are installed by this module.
"""

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import is_offline
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.apt import Apt, installed
from hatch_wasi.sources.machine import Distribution
from hatch_wasi.target import WASI_TRIPLE
from hatch_wasi.toolchain.cmake import CMake

__all__ = ["Make", "build", "find_make", "install_headers", "needs_make"]

HEADER_SCRIPT = "scripts/install-include-headers.sh"
# Where the Makefile notes that headers are installed (its variable INCLUDE_DIRS).
HEADER_STAMP = "copy-include-headers.stamp"
NEEDED = ("crt1-command.o", "crt1-reactor.o", "libc.a", "libc-printscan-long-double.a", "libwasi-emulated-signal.a")
EMPTY = ("m", "rt", "pthread", "crypt", "util", "xnet", "resolv", "dl", "wasi-emulated-pthread")
"""Libraries that are part of libc.a, and that programs name all the same; which, depends on the release."""


@dataclass(frozen=True, kw_only=True)
class Make:
    """GNU make, and how it is to be run."""

    program: Path
    library_path: str = ""


def needs_make(source: Path) -> bool:
    """Tell whether this wasi-libc is built by its Makefile."""
    return not (source / "CMakeLists.txt").is_file()


def find_make(cache: Cache, folder: Path, log: Path) -> Make:
    """Give the machine's make, else the distribution's, unpacked below `folder`. Raises `ToolchainError`."""
    if found := shutil.which("gmake") or shutil.which("make"):
        return Make(program=Path(found))
    hint = "install make"
    if is_offline():
        message = "there is no make on this machine, and packages cannot be fetched (offline)"
        raise ToolchainError(message, hint=hint)
    try:
        if not (folder / "complete").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            with cache.lock("apt"):
                machine = Distribution.detect()
                apt = Apt(machine, cache.folder("apt") / machine.codename, log)
                apt.unpack_closure(["make"], folder / "root", without=installed() - {"make"})
            (folder / "complete").touch()
    except (FetchError, ToolchainError) as error:
        message = f"there is no make on this machine, and none from the distribution: {error.message}"
        raise ToolchainError(message, hint=hint, log=error.log) from error
    libraries = {str(path.parent) for path in folder.glob("root/usr/lib/*/lib*.so*")}
    return Make(program=folder / "root" / "usr" / "bin" / "make", library_path=":".join(sorted(libraries)))


def build(
    sdk: WasiSdk,
    source: Path,
    folder: Path,
    *,
    tool: CMake | Make,
    release: str | None = None,
    log: Path,
    hold: Sequence[int] = (),
    jobs: int = 1,
) -> None:
    """Build the tree at `source` below `folder` with the SDK's clang, and make the result the SDK's sysroot.

    All paths are such as make bears (`Workspace.plain`). `tool` is what the tree is built by (`needs_make`); `release`
    is written into the headers (`wasi/version.h`), which have it from wasi-sdk 28 on. A build
    that was cut off goes on where it was. Raises `ToolchainError` if a part was not made, and `ProcessFailed`.
    """
    run = partial(process.run, log=log, hold=hold)
    if isinstance(tool, Make):
        made = _by_make(sdk, source, folder, tool, jobs, run)
    else:
        made = _by_cmake(sdk, source, folder, tool, release, jobs, run)
    libraries = made / "lib" / WASI_TRIPLE
    missing = [name for name in NEEDED if not (libraries / name).is_file()]
    if missing:
        message = f"the build of wasi-libc made no {', '.join(missing)}"
        raise ToolchainError(message, log=log)
    for name in EMPTY:
        if not (path := libraries / f"lib{name}.a").exists():
            path.write_bytes(b"!<arch>\n")
    include = made / "include" / WASI_TRIPLE
    # Before wasi-sdk 21 headers were in one folder for all triples.
    include = include if include.is_dir() else made / "include"
    shutil.rmtree(sdk.sysroot, ignore_errors=True)
    shutil.copytree(include, sdk.sysroot / "include" / WASI_TRIPLE)
    shutil.copytree(libraries, sdk.sysroot / "lib" / WASI_TRIPLE)


def _flags(source: Path, folder: Path) -> str:
    """Give the words for the compiler: no warnings, which would be errors, and no path of the build in the result."""
    return shlex.join(["-w", f"-ffile-prefix-map={source}=wasi-libc", f"-ffile-prefix-map={folder}=build"])


def _by_make(sdk: WasiSdk, source: Path, folder: Path, make: Make, jobs: int, run: "partial[str]") -> Path:
    made, objects = folder / "sysroot", folder / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    if (source / HEADER_SCRIPT).is_file() and not (objects / HEADER_STAMP).is_file():
        install_headers(source, made / "include" / WASI_TRIPLE)
        (objects / HEADER_STAMP).touch()
    variables = {
        "CC": sdk.program("clang"),
        "AR": sdk.program("llvm-ar"),
        "NM": sdk.program("llvm-nm"),
        "SHELL": "/bin/sh",
        "TARGET_TRIPLE": WASI_TRIPLE,
        "MULTIARCH_TRIPLE": WASI_TRIPLE,
        "SYSROOT": made,
        "OBJDIR": objects,
        "EXTRA_CFLAGS": f"-O2 -DNDEBUG {_flags(source, folder)}",
    }
    # -o: taken for done, whatever it depends on.
    argv = [make.program, "-C", source, f"-j{jobs}", "-o", "check-symbols", "finish"]
    env = process.base_environment({"LD_LIBRARY_PATH": make.library_path} if make.library_path else {})
    run([*argv, *(f"{name}={value}" for name, value in variables.items())], what="compiling wasi-libc", env=env)
    return made


def install_headers(source: Path, target: Path) -> None:
    """Do what `scripts/install-include-headers.sh` does, without bash; the headers to leave out are read from it.

    Raises `ToolchainError` if the script is of a form that is not known.
    """
    script = (source / HEADER_SCRIPT).read_text(encoding="utf-8")
    added = re.findall(r"^\s*MUSL_OMIT_HEADERS\+=\(([^)]*)\)", script, flags=re.MULTILINE)
    omitted = [name for names in added for name in re.findall(r'"([^"]+)"', names)]
    if "stddef.h" not in omitted:
        message = f"{HEADER_SCRIPT} of wasi-libc does not name the headers that it leaves out"
        raise ToolchainError(message, hint="this wasi-libc is not known; choose another by HATCH_WASI_WASI_LIBC_SOURCE")
    musl = source / "libc-top-half" / "musl"
    shutil.rmtree(target, ignore_errors=True)
    for folder, below in (
        (source / "libc-bottom-half" / "headers" / "public", "."),
        (musl / "include", "."),
        (musl / "arch" / "generic" / "bits", "bits"),
        (musl / "arch" / "wasm32" / "bits", "bits"),
    ):
        shutil.copytree(folder, target / below, dirs_exist_ok=True)
    types = [musl / "arch" / "wasm32" / "bits" / "alltypes.h.in", musl / "include" / "alltypes.h.in"]
    argv: list[str | Path] = ["sed", "-f", musl / "tools" / "mkalltypes.sed", *types]
    text = process.run(argv, what="making alltypes.h", env=process.base_environment())
    (target / "bits" / "alltypes.h").write_text(text, encoding="utf-8")
    if (fts := source / "fts" / "musl-fts" / "fts.h").is_file():
        shutil.copy(fts, target)
    for name in omitted:
        (target / name).unlink(missing_ok=True)


def _by_cmake(
    sdk: WasiSdk,
    source: Path,
    folder: Path,
    cmake: CMake,
    release: str | None,
    jobs: int,
    run: "partial[str]",
) -> Path:
    tree = folder / "build"
    if not (tree / "configured").is_file():
        shutil.rmtree(tree, ignore_errors=True)
        _accept_cmake(source / "CMakeLists.txt")
        settings = {
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_C_COMPILER": str(sdk.program("clang")),
            "CMAKE_C_COMPILER_WORKS": "ON",
            "CMAKE_C_FLAGS": _flags(source, folder),
            "CMAKE_AR": str(sdk.program("llvm-ar")),
            "CMAKE_NM": str(sdk.program("llvm-nm")),
            "CMAKE_RANLIB": str(sdk.program("llvm-ranlib")),
            "TARGET_TRIPLE": WASI_TRIPLE,
            "BUILD_SHARED": "OFF",
            # These two fetch programs when they are left on.
            "BINDINGS_TARGET": "OFF",
            "BUILTINS_LIB": str(folder / "none.a"),
            "WASI_SDK_VERSION": f"{release}.0" if release else "",
        }
        env = cmake.environment
        run(cmake.configure(source, tree, settings), what="configuring wasi-libc", env=env)
        (tree / "configured").touch()
    run(cmake.build(tree, ("sysroot",), jobs), what="compiling wasi-libc", env=cmake.environment)
    return tree / "sysroot"


def _accept_cmake(project: Path) -> None:
    """Let CMake 3.20 do where 3.26 is asked for: nothing of a later one is used."""
    text = project.read_text(encoding="utf-8")
    project.write_text(re.sub(r"(cmake_minimum_required\(VERSION) 3\.26\b", r"\1 3.20", text), encoding="utf-8")
