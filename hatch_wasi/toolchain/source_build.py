"""Build an SDK from sources, step by step; what a step made is checked before the next begins."""

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hatch_wasi import pins
from hatch_wasi.cache import Cache, Workspace
from hatch_wasi.console import Console
from hatch_wasi.cxx_library import EXCEPTION_FLAGS, FIRST_WITH_EXCEPTIONS
from hatch_wasi.fetch import sha256_of
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.llvm import LlvmSource
from hatch_wasi.sources.wasi_libc import WasiLibcSource
from hatch_wasi.target import WASI_TRIPLE
from hatch_wasi.toolchain import cmake, compiler_rt, llvm_build, runtimes, source_layout, threads, wasi_libc_build
from hatch_wasi.toolchain.cmake import CMake
from hatch_wasi.toolchain.installed_clang import InstalledClang
from hatch_wasi.toolchain.provider import Request
from hatch_wasi.toolchain.verify import clang_version, verify, verify_cxx

__all__ = ["NAME", "RECIPE", "Build", "Plan"]

NAME = "source"
RECIPE = [2, llvm_build.RECIPE, runtimes.RECIPE]
"""Its numbers go up when what is made changes: entries of an older one are not used again."""
STEPS = 6


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the SDK is made of."""

    pair: str
    clang: InstalledClang | None
    """None: LLVM is built."""
    llvm: LlvmSource
    wasi_libc: WasiLibcSource

    @property
    def inputs(self) -> dict[str, object]:
        """What shapes the SDK, for its name and its manifest."""
        programs = sorted(self.clang.programs) if self.clang else []
        compiler = (
            {"clang": f"installed {self.clang.version}", "programs": programs} if self.clang else {"clang": "built"}
        )
        return {
            **compiler,
            "pair": self.pair,
            "llvm": {"version": self.llvm.version, "origin": self.llvm.origin, "identity": self.llvm.identity},
            "wasi_libc": {
                "commit": self.wasi_libc.commit,
                "origin": self.wasi_libc.origin,
                "identity": self.wasi_libc.identity,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build in one workspace."""

    cache: Cache
    console: Console
    plan: Plan
    request: Request
    workspace: Workspace

    def run(self) -> dict[str, object]:
        """Do the steps that are not done, and give the manifest."""
        self._step(1, "Unpacking the sources", "sources", self._unpack)
        if self.plan.clang:
            self._step(2, f"Using the installed clang {self.plan.clang.version}", "llvm", self._lay_out)
        else:
            what = f"Compiling LLVM {self.plan.llvm.version} (hours; goes on where it was if it is cut off)"
            self._step(2, what, "llvm", self._llvm)
        self._step(3, f"Compiling wasi-libc {self.plan.wasi_libc.commit or ''}".rstrip(), "wasi-libc", self._wasi_libc)
        self._step(4, "Compiling compiler-rt's builtins", "builtins", self._builtins)
        self._step(5, "Compiling the C++ library", "cxx", self._cxx)
        with self.console.step("Compiling, linking and running programs", index=6, total=STEPS):
            verify(self._sdk, self.request.trial)
            for exceptions in self._variants:
                flags = [*EXCEPTION_FLAGS, "-lunwind", f"-l{compiler_rt.EXCEPTION_LIBRARY}"]
                libraries = self._sdk.library_dir / ("eh" if exceptions else "noeh")
                options = [*(flags if exceptions else ["-fno-exceptions"]), f"-L{libraries}", f"-l{threads.LIBRARY}"]
                verify_cxx(self._sdk, self.request.trial, options, exceptions=exceptions)
        return {"schema": 1, "recipe": RECIPE, "sdk": self._identity(), "inputs": self.plan.inputs}

    def _step(self, index: int, text: str, name: str, work: Callable[[], None]) -> None:
        with self.console.step(text, index=index, total=STEPS):
            self.workspace.once(name, work)

    @cached_property
    def _sdk(self) -> WasiSdk:
        """The tree as an SDK, as far as it has come; asked for once the compiler is there."""
        tree = self.workspace.plain(self.workspace.tree)
        return WasiSdk(root=tree, provider=NAME, id="", llvm=clang_version(tree), wasi_libc="")

    @property
    def _variants(self) -> tuple[bool, ...]:
        """Without exceptions, and with them where the compiler can."""
        return (False, True) if self._sdk.llvm_major >= FIRST_WITH_EXCEPTIONS else (False,)

    @cached_property
    def _cmake(self) -> CMake:
        return cmake.find(self.cache, self.workspace.scratch / "cmake", self.workspace.log("tools"))

    def _source(self, name: str) -> Path:
        return self.workspace.scratch / "sources" / name

    def _how(self, step: str) -> dict[str, Any]:
        return {"log": self.workspace.log(step), "hold": self.workspace.hold, "jobs": os.cpu_count() or 1}

    def _unpack(self) -> None:
        log, hold = self.workspace.log("unpack"), self.workspace.hold
        major = int(self.plan.llvm.version.partition(".")[0])
        parts = {*runtimes.parts(major), *compiler_rt.PARTS, *(() if self.plan.clang else llvm_build.PARTS)}
        self.plan.wasi_libc.unpack(self._source("wasi-libc"), log=log, hold=hold)
        self.plan.llvm.unpack(self._source("llvm"), sorted(_outermost(parts)), log=log, hold=hold)

    def _lay_out(self) -> None:
        if self.plan.clang:
            source_layout.lay_out_installed(self.plan.clang, self.workspace.tree)

    def _llvm(self) -> None:
        folder, tree = self.workspace.scratch / "llvm", self.workspace.tree
        llvm_build.build(self._source("llvm"), folder, tree, cmake=self._cmake, **self._how("llvm"))

    def _wasi_libc(self) -> None:
        source, folder = self._source("wasi-libc"), self.workspace.scratch / "wasi-libc"
        tool: CMake | wasi_libc_build.Make = self._cmake
        if wasi_libc_build.needs_make(source):
            tool = wasi_libc_build.find_make(self.cache, self.workspace.scratch / "make", self.workspace.log("tools"))
        release = self.plan.wasi_libc.release
        wasi_libc_build.build(self._sdk, source, folder, tool=tool, release=release, **self._how("wasi-libc"))
        if threads.are_missing(self._sdk):
            log, hold = self.workspace.log("wasi-libc"), self.workspace.hold
            threads.add(self._sdk, self.workspace.scratch / "threads", log=log, hold=hold)

    def _builtins(self) -> None:
        folder = self.workspace.scratch / "compiler-rt"
        compiler_rt.build(self._sdk, self._source("llvm"), folder, cmake=self._cmake, **self._how("builtins"))

    def _cxx(self) -> None:
        """Build each variant and put it into the sysroot; the one without exceptions is what clang finds by itself."""
        headers = self._sdk.sysroot / "include" / WASI_TRIPLE / "c++"
        for exceptions in self._variants:
            name = "eh" if exceptions else "noeh"
            folder = self.workspace.scratch / f"cxx-{name}"
            made = runtimes.build_runtimes(
                self._sdk, self._source("llvm"), folder, exceptions=exceptions, cmake=self._cmake, **self._how("cxx")
            )
            for place in (self._sdk.library_dir / name, *(() if exceptions else (self._sdk.library_dir,))):
                place.mkdir(exist_ok=True)
                for archive in made.archives:
                    shutil.copy(archive, place)
            shutil.rmtree(headers, ignore_errors=True)
            shutil.copytree(made.include / "c++", headers)
        if True in self._variants:
            tag = self._sdk.library_dir / "eh" / f"lib{compiler_rt.EXCEPTION_LIBRARY}.a"
            log, hold = self.workspace.log("cxx"), self.workspace.hold
            compiler_rt.build_exception_tag(self._sdk, self._source("llvm"), tag, log=log, hold=hold)

    def _identity(self) -> dict[str, object]:
        libc = self.plan.wasi_libc.commit
        if libc is None:
            libc = f"sha256-{sha256_of(self._sdk.library_dir / 'libc.a')[:12]}"
        release = pins.release_of_wasi_libc(libc)
        return {"provider": NAME, "llvm": self._sdk.llvm, "wasi_libc": libc, "version": release}


def _outermost(parts: Collection[str]) -> set[str]:
    """Leave out what is inside of another part."""
    return {part for part in parts if not any(part.startswith(f"{other}/") for other in parts)}
