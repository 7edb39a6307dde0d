"""A machine on which a clang is installed: the distribution's SDK has one, without a sysroot around it."""

import os
import shutil
from pathlib import Path

from hatch_wasi.sdk import WasiSdk

TOOLS = ("clang", "wasm-ld", "llvm-ar", "llvm-nm", "llvm-ranlib", "llvm-objdump", "llvm-strip")
# What upstream's builds run besides compilers, CMake and make. There is no bash and no git among them.
USUAL = ("cat", "cp", "dirname", "env", "find", "ls", "mkdir", "mv", "rm", "sed", "sh", "touch", "uname")
BUILDERS = ("cmake", "make", "ninja")


def install_clang(sdk: WasiSdk, folder: Path) -> Path:
    """Make clang-N and its programs in `folder`, as a distribution does, with headers of their own."""
    if sdk.provider != "debian":
        message = "these tests take the debian provider's clang: run them without WASI_SDK_PATH"
        raise AssertionError(message)
    major = sdk.llvm_major
    folder.mkdir(parents=True)
    resources = folder / "lib" / "clang" / str(major)
    shutil.copytree(sdk.root / "lib" / "clang" / str(major) / "include", resources / "include")
    for name in TOOLS:
        option = f'-resource-dir "{resources}" ' if name == "clang" else ""
        script = folder / f"{name}-{major}"
        llvm = sdk.root / "llvm"
        script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{llvm}/lib" exec "{llvm}/bin/{name}" {option}"$@"\n')
        script.chmod(0o755)
    return folder / f"clang-{major}"


def poor_path(folder: Path) -> str:
    """Make a folder for PATH that has no git and no bash."""
    folder.mkdir()
    for name in (*USUAL, *BUILDERS):
        if program := shutil.which(name):
            (folder / name).symlink_to(program)
    return os.fspath(folder)
