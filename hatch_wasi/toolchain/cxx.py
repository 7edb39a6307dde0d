"""The C++ library of extension modules: built once for an SDK from the LLVM sources of its compiler, kept in the cache.

The sysroots of SDKs have archives for programs, which cannot be linked into a side module; see `runtimes`.
"""

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hatch_wasi.cache import Cache, Workspace, digest
from hatch_wasi.console import Console
from hatch_wasi.cxx_library import FIRST_WITH_EXCEPTIONS, CxxLibrary
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.llvm import LlvmSource
from hatch_wasi.toolchain import cmake, runtimes

__all__ = ["CxxBuild", "entry_name", "ready"]

KIND = "cxx"
LICENSES = ("libcxx/LICENSE.TXT",)


def entry_name(sdk: WasiSdk, source: LlvmSource) -> str:
    """Name the cache entry: `<sdk id>-<LLVM version>-<digest of source and recipe>-<recipe>`."""
    return f"{sdk.id}-{source.version}-{digest(source.identity)[:6]}-r{runtimes.RECIPE}"


def ready(cache: Cache, sdk: WasiSdk) -> CxxLibrary | None:
    """Give the library for this SDK: its own if it serves, or one in the cache; nothing is made."""
    if own := CxxLibrary.of_sdk(sdk):
        return own
    names = (entry for entry in cache.entries(KIND) if entry.name.startswith(f"{sdk.id}-"))
    return next((CxxLibrary.from_tree(entry) for entry in names if entry.name.endswith(f"-r{runtimes.RECIPE}")), None)


@dataclass(frozen=True, kw_only=True)
class CxxBuild:
    """One build of the library, in a workspace."""

    cache: Cache
    console: Console
    source: LlvmSource
    sdk: WasiSdk
    workspace: Workspace

    def run(self) -> dict[str, object]:
        """Build into the workspace's tree; give the manifest."""
        scratch = self.workspace.scratch
        tools = cmake.find(self.cache, scratch / "cmake", self.workspace.log("cmake"))
        variants = {"noeh": False}
        if self.sdk.llvm_major >= FIRST_WITH_EXCEPTIONS:
            variants = {"eh": True, "noeh": False}
        else:
            self.console.warn(
                f"clang {self.sdk.llvm} has no exceptions that WASI engines run (LLVM {FIRST_WITH_EXCEPTIONS} brought "
                "them): the C++ library is made without"
            )
        total = len(variants) + 1
        with self.console.step(
            f"Unpacking the sources of LLVM's C++ library {self.source.version}", index=1, total=total
        ):
            self.workspace.once("unpack", self._unpack)
        for index, (name, exceptions) in enumerate(variants.items(), 2):
            text = f"Compiling the C++ library {'with' if exceptions else 'without'} exceptions"
            with self.console.step(text, index=index, total=total):
                self.workspace.once(name, partial(self._build, name, tools))
        return {
            "schema": 1,
            "recipe": runtimes.RECIPE,
            "cxx": {"llvm": self.source.version, "sdk": self.sdk.id, "variants": sorted(variants)},
            "inputs": {
                "llvm": {"origin": self.source.origin, "identity": self.source.identity},
                "built_with": tools.origin,
            },
        }

    def _unpack(self) -> None:
        wanted = runtimes.parts(self.sdk.llvm_major)
        log, hold = self.workspace.log("sources"), self.workspace.hold
        self.source.unpack(self.workspace.scratch / "llvm", wanted, log=log, hold=hold)

    def _build(self, name: str, tools: cmake.CMake) -> None:
        """Build one variant and lay it out."""
        scratch, tree = self.workspace.scratch, self.workspace.tree
        made = runtimes.build_runtimes(
            self.sdk,
            scratch / "llvm",
            scratch / name,
            exceptions=name == "eh",
            cmake=tools,
            log=self.workspace.log(name),
            hold=self.workspace.hold,
            jobs=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        )
        _refuse_paths(made.archives, scratch.parent)
        lib = tree / "lib" / name
        shutil.rmtree(lib, ignore_errors=True)
        lib.mkdir(parents=True)
        for archive in made.archives:
            shutil.copy(archive, lib)
        # The headers are the same for both: what differs, they ask of the compiler.
        shutil.copytree(made.include, tree / "include", dirs_exist_ok=True)
        for text in LICENSES:
            shutil.copy(scratch / "llvm" / text, tree / Path(text).name)
        shutil.rmtree(scratch / name / "build")


def _refuse_paths(archives: tuple[Path, ...], folder: Path) -> None:
    """Make sure that nothing names the folder where it was built: modules would carry it on."""
    for archive in archives:
        if os.fsencode(folder) in archive.read_bytes():
            message = f"{archive.name} names the folder where it was built, {folder}"
            raise ToolchainError(message, hint="this is a defect of hatch-wasi: please report it")
