"""An installed WASI CPython: python.wasm, its stdlib and headers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hatch_wasi.errors import ToolchainError
from hatch_wasi.target import Target

__all__ = ["GUEST_HOME", "Runner", "WasiPython"]

GUEST_HOME = "/usr"
"""PYTHONHOME in the guest: where its stdlib is mounted."""


class Runner(Protocol):
    """Runs WASI programs, for those that may not know the runtime: `runtime.trial.run_command`, which see."""

    def __call__(
        self,
        wasm: Path,
        argv: Sequence[str] = (),
        *,
        folders: Mapping[str, Path] | None = None,
        shown: Mapping[str, Path] | None = None,
        environment: Mapping[str, str] | None = None,
        code: Path | None = None,
    ) -> tuple[int, str]:
        """Run `wasm` and give its exit status and output."""


@dataclass(frozen=True, kw_only=True)
class WasiPython:
    """The cache entry `python/<X.Y.Z>-<sdk id>-<recipe>/`, read."""

    root: Path
    version: str
    """Full version, `3.13.5`."""
    wasi_libc: str
    """Identity of the wasi-libc it is linked with: the ABI it shares with side modules."""
    sdk: str
    """Id of the SDK that built it."""
    sdk_version: str | None
    """The wasi-sdk release whose ABI it has, where known."""
    llvm: str
    """Version of the compiler that built it."""

    @classmethod
    def from_tree(cls, root: Path) -> "WasiPython":
        """Read an installed tree by its manifest. Raises `ToolchainError` if it is none."""
        try:
            manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
            python = manifest["python"]
            found = cls(
                root=root,
                version=str(python["version"]),
                wasi_libc=str(python["wasi_libc"]),
                sdk=str(python["sdk"]),
                sdk_version=python.get("sdk_version"),
                llvm=str(python["llvm"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{root} is not an installed WASI CPython: {error!r}"
            raise ToolchainError(message, hint="make one by `hatch-wasi bootstrap`") from error
        return found

    @property
    def short_version(self) -> str:
        """`3.13`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def wasm(self) -> Path:
        """The interpreter."""
        return self.root / "python.wasm"

    @property
    def library(self) -> Path:
        """Folder that is mounted at the guest's /usr/lib."""
        return self.root / "lib"

    @property
    def stdlib(self) -> Path:
        """`lib/python3.13`."""
        return self.library / f"python{self.short_version}"

    @property
    def guest_site_packages(self) -> str:
        """Where the guest sees what was installed."""
        return f"{GUEST_HOME}/lib/python{self.short_version}/site-packages"

    @property
    def include(self) -> Path:
        """Folder of Python.h and pyconfig.h."""
        return self.root / "include" / f"python{self.short_version}"

    @property
    def sysconfigdata(self) -> Path:
        """The `_sysconfigdata` module of the WASI build."""
        return self.stdlib / "_sysconfigdata__wasi_wasm32-wasi.py"

    def target(self) -> Target:
        """Describe what is built for it."""
        return Target.from_sysconfigdata(self.sysconfigdata, python_version=self.version, include_dir=self.include)

    def site_packages(self, data: Path) -> Path:
        """Where `install` puts things by default, below the user's data folder; of one ABI each."""
        return data / "site" / f"{self.short_version}-{self.wasi_libc}"
