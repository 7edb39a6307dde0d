"""Archives as wasi-sdk's releases have them, made of the real SDK in the cache: official names, layout and links."""

import hashlib
import io
import tarfile
from pathlib import Path

from hatch_wasi.sdk import WasiSdk

COMPILER = "wasi-sdk-33.0-x86_64-linux.tar.gz"
SYSROOT = "wasi-sysroot-24.0.tar.gz"
VERSION_33 = b"33.0\nwasi-libc: 161b3195fc25\nllvm: 68f64b5f8b1c\nllvm-version: 22.1.0\nconfig: a2287c3041a3\n"
VERSION_24 = b"24.0\nwasi-libc: b9ef79d7dbd4\nllvm: 26a1d6601d72\nllvm-version: 18.1.2\nconfig: a2287c3041a3\n"
# What wasi-sdk 26 and later have beside clang; here it says what would never work.
CONFIG = b"--target=wasm32-wasip2 --sysroot=<CFGDIR>/../share/nowhere\n"


class Packer:
    """Writes one archive; the top folder is its name's stem."""

    def __init__(self, path: Path, top: str = "") -> None:
        self._tar = tarfile.open(path, "w:gz", compresslevel=1)  # noqa: SIM115 - closed by close()
        self._top = top or path.name.removesuffix(".tar.gz")

    def file(self, name: str, data: bytes | Path, mode: int = 0o644) -> None:
        content = data.read_bytes() if isinstance(data, Path) else data
        info = tarfile.TarInfo(f"{self._top}/{name}")
        info.size, info.mode = len(content), mode
        self._tar.addfile(info, io.BytesIO(content))

    def program(self, name: str, data: bytes | Path = b"#!/bin/sh\n") -> None:
        self.file(f"bin/{name}", data, 0o755)

    def link(self, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> None:
        info = tarfile.TarInfo(f"{self._top}/{name}")
        info.type = kind
        info.linkname = f"{self._top}/{target}" if kind == tarfile.LNKTYPE else target
        self._tar.addfile(info)

    def folder(self, name: str, source: Path) -> None:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                self.file(f"{name}/{path.relative_to(source).as_posix()}", path)

    def close(self) -> None:
        self._tar.close()


def pack_compiler(path: Path, sdk: WasiSdk) -> None:
    """wasi-sdk 33 for Linux, of the distribution's LLVM: its programs look for their libraries in ../lib too."""
    packer, llvm = Packer(path), sdk.root / "llvm"
    packer.file("VERSION", VERSION_33)
    packer.program("clang-22", llvm / "bin" / "clang")
    packer.program("lld", llvm / "bin" / "lld")
    for name in ("llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-objdump"):
        packer.program(name, llvm / "bin" / name)
    for name, target in {
        "clang": "clang-22", "clang++": "clang", "clang-cpp": "clang", "wasm32-wasip1-clang": "clang",
        # The distribution's clang wants the second, wasi-sdk's own the first.
        "wasm-ld": "lld", "wasm-ld-22": "lld", "llvm-ranlib": "llvm-ar", "llvm-strip": "llvm-objcopy", "ranlib": "llvm-ar",
    }.items():  # fmt: skip
        packer.link(f"bin/{name}", target)
    for name in ("lldb", "clang-tidy", "clang-format", "wasm-component-ld", "git-clang-format"):
        packer.program(name)
    packer.file("bin/clang.cfg", CONFIG)
    for name in ("libLLVM.so.22.1", "libclang-cpp.so.22.1"):
        packer.file(f"lib/{name}", llvm / "lib" / name, 0o755)
    for name in ("liblldb.so.22.1", "libclang.so.22.1", "libedit.so.0", "cmake/llvm/LLVMConfig.cmake"):
        packer.file(f"lib/{name}", b"")
    packer.folder("lib/clang/22/include", sdk.root / "lib" / "clang" / "22" / "include")
    for triple in ("wasm32-unknown-wasip1", "wasm32-unknown-wasip2"):
        packer.file(f"lib/clang/22/lib/{triple}/libclang_rt.builtins.a", sdk.builtins or b"")
    for name in ("misc/config.guess", "cmake/wasi-sdk.cmake", "wasi-sysroot/lib/wasm32-wasip1/libc.a"):
        packer.file(f"share/{name}", b"of wasi-sdk 33\n")
    packer.close()


def pack_sysroot(path: Path, sdk: WasiSdk, top: str = "") -> None:
    """The sysroot of wasi-sdk 24, with the headers as 33 has them: one target's, and hard links for the others."""
    packer = Packer(path, top)
    packer.file("VERSION", VERSION_24)
    headers = sdk.sysroot / "include" / sdk.triple
    packer.folder("include/wasm32-wasi", headers)
    for header in sorted(headers.rglob("*.h")):
        name = header.relative_to(headers).as_posix()
        packer.link(f"include/wasm32-wasip1/{name}", f"include/wasm32-wasi/{name}", tarfile.LNKTYPE)
    for triple in ("wasm32-wasi", "wasm32-wasip1-threads", "wasm32-wasip2"):
        packer.file(f"lib/{triple}/libc.a", b"of another target\n")
    packer.folder("lib/wasm32-wasip1", sdk.library_dir)
    packer.file("lib/wasm32-wasip1/llvm-lto/18.1.2/libc.a", b"bitcode\n")
    packer.file("share/wasm32-wasip1/defined-symbols.txt", b"malloc\n")
    packer.close()


def pins(url: str, compiler: bytes, sysroot: bytes) -> dict[str, object]:
    """The table `release` of pins.toml for these two archives on a server."""
    pin = {"release": "33", "name": COMPILER, "sha256": hashlib.sha256(compiler).hexdigest()}
    pair = {"release": "24", "name": SYSROOT, "sha256": hashlib.sha256(sysroot).hexdigest()}
    hosts = ("x86_64-linux", "arm64-linux")
    return {"url": url + "/wasi-sdk-{release}/{name}", "compilers": dict.fromkeys(hosts, pin), "sysroots": {"24": pair}}
