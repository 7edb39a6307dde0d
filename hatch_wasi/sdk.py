"""A compiler for WASI and its sysroot, as a folder laid out like wasi-sdk's own releases."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.errors import ToolchainError
from hatch_wasi.target import WASI_TRIPLE

__all__ = ["WasiSdk"]


@dataclass(frozen=True, kw_only=True)
class WasiSdk:
    """Programs as argv prefixes, folders, and the versions that make up the ABI."""

    root: Path
    """Holds bin/, share/wasi-sysroot/ and lib/clang/N/."""
    provider: str
    """Who made it: `existing`, `debian`, …"""
    id: str
    """Names it in the cache: provider and digest of its inputs."""
    llvm: str
    """Version of clang and lld, `22.1.8`."""
    wasi_libc: str
    """Identity of the sysroot: its commit's first digits where known, else `sha256-` and the digest of libc.a."""
    version: str | None = None
    """The wasi-sdk release this is, `24.0`, or whose wasi-libc it has; None where unknown."""

    @classmethod
    def from_tree(cls, root: Path) -> "WasiSdk":
        """Read an SDK in the cache by its manifest. Raises `ToolchainError` if it is none."""
        try:
            sdk = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["sdk"]
            return cls(
                root=root,
                provider=str(sdk["provider"]),
                id=root.name,
                llvm=str(sdk["llvm"]),
                wasi_libc=str(sdk["wasi_libc"]),
                version=sdk.get("version"),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{root} is not an installed SDK: {error!r}"
            raise ToolchainError(message, hint="make one by `hatch-wasi bootstrap`") from error

    @property
    def sysroot(self) -> Path:
        """The folder with include/<triple> and lib/<triple>."""
        return self.root / "share" / "wasi-sysroot"

    @property
    def library_dir(self) -> Path:
        """Where crt1 and libc.a are; wasi-sdk before 23 knew the triple only by its old name."""
        new, old = (self.sysroot / "lib" / triple for triple in (WASI_TRIPLE, "wasm32-wasi"))
        return new if new.is_dir() or not old.is_dir() else old

    @property
    def triple(self) -> str:
        """The triple to compile for: that of the sysroot's folders."""
        return self.library_dir.name

    def program(self, name: str) -> Path:
        """Name one of the SDK's programs: `clang`, `llvm-ar`, `wasm-ld`."""
        return self.root / "bin" / name

    def _compiler(self, name: str) -> tuple[str, ...]:
        return (str(self.program(name)), f"--target={self.triple}", f"--sysroot={self.sysroot}")

    @property
    def cc(self) -> tuple[str, ...]:
        """The C compiler and what must always be said to it."""
        return self._compiler("clang")

    @property
    def cxx(self) -> tuple[str, ...]:
        """The C++ compiler and what must always be said to it."""
        return self._compiler("clang++")

    @property
    def builtins(self) -> Path | None:
        """The compiler's runtime archive (`libclang_rt.builtins`), or None if it is missing.

        clang changed where it looks for it: `lib/wasi/libclang_rt.builtins-wasm32.a` before LLVM 19,
        `lib/<triple>/libclang_rt.builtins.a` since.
        """
        patterns = (
            "lib/clang/*/lib/wasm32-*wasip1/libclang_rt.builtins.a",
            "lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a",
        )
        return next((path for pattern in patterns for path in sorted(self.root.glob(pattern))), None)

    @property
    def llvm_major(self) -> int:
        """The first number of the LLVM version."""
        found = re.match(r"\d+", self.llvm)
        return int(found[0]) if found else 0
