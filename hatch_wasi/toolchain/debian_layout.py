"""Lay unpacked Debian packages out as wasi-sdk's releases are: bin/, share/wasi-sysroot/, lib/clang/N/."""

import shutil
from pathlib import Path

from hatch_wasi.target import WASI_TRIPLE

__all__ = ["RECIPE", "lay_out", "wrapper"]

RECIPE = 1
"""Goes up when what this module makes changes: entries of an older one are not used again."""

# Installed name to (program, name it must be called by: LLVM's tools look at it).
TOOLS = {
    "clang": "clang",
    "clang++": "clang++",
    "clang-cpp": "clang",
    "wasm-ld": "wasm-ld",
    "llvm-ar": "llvm-ar",
    "llvm-cxxfilt": "llvm-cxxfilt",
    "llvm-nm": "llvm-nm",
    "llvm-objcopy": "llvm-objcopy",
    "llvm-objdump": "llvm-objdump",
    "llvm-profdata": "llvm-profdata",
    "llvm-ranlib": "llvm-ranlib",
    "llvm-readobj": "llvm-readobj",
    "llvm-size": "llvm-size",
    "llvm-strip": "llvm-strip",
    "llvm-symbolizer": "llvm-symbolizer",
}
COMPILERS = {"clang": "", "clang++": "", "clang-cpp": "--driver-mode=cpp "}


def wrapper(program: str, options: str) -> str:
    """Write a script that runs `../llvm/bin/<program>` with its own libraries, wherever the tree is moved to.

    Debian's binaries look for libLLVM in the system's folders; `options` are words for the shell, where `$sdk` is the
    tree.
    """
    return f"""#!/bin/sh
case $0 in */*) sdk=${{0%/*}}/.. ;; *) sdk=.. ;; esac
LD_LIBRARY_PATH="$sdk/llvm/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}" exec "$sdk/llvm/bin/{program}" {options}"$@"
"""


def lay_out(root: Path, tree: Path, llvm: int) -> None:
    """Fill `tree` from the packages unpacked below `root`; starts over if it was interrupted."""
    shutil.rmtree(tree)
    (tree / "bin").mkdir(parents=True)
    _programs(root / "usr" / "lib" / f"llvm-{llvm}", tree, llvm)
    _libraries(root, tree / "llvm" / "lib")
    _resources(root / "usr" / "lib" / f"llvm-{llvm}" / "lib" / "clang" / str(llvm), tree / "lib" / "clang" / str(llvm))
    for kind, folder in (("include", root / "usr" / "include"), ("lib", root / "usr" / "lib")):
        shutil.copytree(folder / WASI_TRIPLE, tree / "share" / "wasi-sysroot" / kind / WASI_TRIPLE)
    for notice in sorted((root / "usr" / "share" / "doc").glob("*/copyright")):
        if notice.is_file():
            target = tree / "share" / "doc" / notice.parent.name
            target.mkdir(parents=True)
            shutil.copy(notice, target)


def _programs(llvm_root: Path, tree: Path, llvm: int) -> None:
    """Copy each program once and name the rest by links, as the packages do."""
    real = tree / "llvm" / "bin"
    real.mkdir(parents=True)
    # clang looks for linkers beside itself: `wasm-ld-22` first (Debian's patch), and ld.lld for the native system.
    for name in (*dict.fromkeys(TOOLS.values()), f"wasm-ld-{llvm}", "ld.lld"):
        source = (llvm_root / "bin" / ("wasm-ld" if name.startswith("wasm-ld") else name)).resolve()
        target = real / source.name
        if not target.exists():
            shutil.copy(source, target)
        if name != source.name:
            (real / name).symlink_to(source.name)
    target_options = (
        f'--target={WASI_TRIPLE} --sysroot="$sdk/share/wasi-sysroot" -resource-dir "$sdk/lib/clang/{llvm}" '
    )
    for name, program in TOOLS.items():
        options = COMPILERS[name] + target_options if name in COMPILERS else ""
        script = tree / "bin" / name
        script.write_text(wrapper(program, options), encoding="utf-8")
        script.chmod(0o755)


def _libraries(root: Path, folder: Path) -> None:
    """Collect the shared libraries that came along: LLVM's own, and what the machine lacks of theirs."""
    folder.mkdir(parents=True)
    for library in sorted([*root.glob("usr/lib/*-linux-gnu*/lib*.so*"), *root.glob("lib/*-linux-gnu*/lib*.so*")]):
        shutil.copy(library, folder, follow_symlinks=False)


def _resources(source: Path, target: Path) -> None:
    """Copy clang's headers, and the builtins to where clang looks for them.

    `<resource-dir>/lib/<normalized triple>/libclang_rt.builtins.a` since LLVM 19
    (clang/lib/Driver/ToolChain.cpp, getCompilerRT); Debian keeps them by the older name.
    """
    shutil.copytree(source / "include", target / "include")
    builtins = target / "lib" / "wasm32-unknown-wasip1" / "libclang_rt.builtins.a"
    builtins.parent.mkdir(parents=True)
    shutil.copy(source / "lib" / "wasi" / "libclang_rt.builtins-wasm32.a", builtins)
