"""Lay out an SDK that is built here: the compilers' wrappers, the compiler's headers, and where its runtimes go."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import ProcessFailed, ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.target import WASI_TRIPLE
from hatch_wasi.toolchain.installed_clang import InstalledClang

__all__ = ["builtins_place", "lay_out_installed", "resources", "wrapper"]

COMPILERS = {"clang": "", "clang++": "--driver-mode=g++ ", "clang-cpp": "--driver-mode=cpp "}


def wrapper(program: str, version: str, options: str = "") -> str:
    """Write a script that runs the machine's own `program` of LLVM `version` by the link beside the SDKs.

    The tree is at `sdk/<id>` in the cache, or one folder deeper while it is being made; `options` are words for the
    shell, where `$sdk` is the tree and `$programs` the folder of links.
    """
    return f"""#!/bin/sh
case $0 in */*) sdk=${{0%/*}}/.. ;; *) sdk=.. ;; esac
programs="$sdk/../../clang/{version}"
[ -e "$programs/clang" ] || programs="$sdk/../../../clang/{version}"
if [ ! -x "$programs/{program}" ]; then
    echo "hatch-wasi: error: this SDK was made with the clang {version} that was installed, and that is not here" >&2
    echo "hatch-wasi: hint: run \\`hatch-wasi bootstrap\\`" >&2
    exit 127
fi
exec "$programs/{program}" {options}"$@"
"""


def lay_out_installed(clang: InstalledClang, tree: Path) -> None:
    """Fill bin/ with wrappers for an installed clang, and copy the compiler's headers."""
    folder = tree / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # What the distribution's configuration files say is meant for its own system; the linker is looked for by -B.
    options = (
        f'--no-default-config --target={WASI_TRIPLE} --sysroot="$sdk/share/wasi-sysroot" '
        f'-resource-dir "$sdk/lib/clang/{clang.major}" -B "$programs" '
    )
    scripts = {name: wrapper("clang", clang.version, mode + options) for name, mode in COMPILERS.items()}
    scripts |= {name: wrapper(name, clang.version) for name in clang.programs if name not in COMPILERS}
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    headers = tree / "lib" / "clang" / str(clang.major) / "include"
    shutil.rmtree(headers, ignore_errors=True)
    shutil.copytree(clang.resources / "include", headers)


def resources(tree: Path) -> Path:
    """Give the compiler's resource directory in the tree, `lib/clang/<major>`."""
    found = sorted(tree.glob("lib/clang/*/include/stddef.h"))
    if len(found) != 1:
        message = (
            f"the SDK {tree} has {len(found)} folders of the compiler's own headers (lib/clang/N/include), not one"
        )
        raise ToolchainError(message)
    return found[0].parent.parent


def builtins_place(sdk: WasiSdk) -> Path:
    """Ask the SDK's clang where it will look for the builtins: it has changed with LLVM 19, and may again."""
    argv = [*sdk.cc, "--rtlib=compiler-rt", "-print-libgcc-file-name"]
    try:
        said = process.run(argv, what="asking clang for its runtime", env=process.base_environment())
    except ProcessFailed as error:
        raise ToolchainError(error.message, log=error.log) from error
    place, inside = Path(said.strip()).resolve(), resources(sdk.root).resolve()
    if not place.is_relative_to(inside):
        message = f"clang looks for its builtins at {place}, outside of its own folder {inside}"
        raise ToolchainError(message)
    return place


def install(files: Iterable[Path], folder: Path) -> None:
    """Copy `files` into `folder`, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copy(path, folder)
