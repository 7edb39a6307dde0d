"""How a side module for WASI is compiled and linked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.config import CXX_SUFFIXES, Extension
from hatch_wasi.cxx_library import FIRST_WITH_EXCEPTIONS, CxxLibrary
from hatch_wasi.errors import BuildError, ToolchainError
from hatch_wasi.extension.headers import is_for_one_platform
from hatch_wasi.extension.recipe import hide_root, source_flags
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import flags
from hatch_wasi.side_modules.flags import EMULATED, IN_MAIN, LINK, OPTIMIZE, init_function, inlining
from hatch_wasi.target import Target
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.resolution import unresolved
from hatch_wasi.wasm.side_module import SideModule

__all__ = ["WasiRecipe"]


@dataclass(frozen=True)
class WasiRecipe:
    """The SDK's clang, for the WASI Python it is to be loaded into."""

    sdk: WasiSdk
    python: WasiPython
    root: Path
    """The project's folder: it must not show in what is made."""
    epoch: int
    """SOURCE_DATE_EPOCH for __DATE__ and __TIME__, in seconds."""
    cxx: CxxLibrary | None = None
    """What C++ is compiled and linked with; None: it cannot be built."""
    why_no_cxx: str = "there is no C++ library for this SDK"

    system_headers = False

    @cached_property
    def target(self) -> Target:
        """The WASI Python's target."""
        return self.python.target()

    @cached_property
    def toolchain(self) -> str:
        """The cache entries' names: entries never change."""
        made_by = f"{self.sdk.id} {self.sdk.llvm} {self.sdk.wasi_libc} {self.python.root.name} {self.python.version}"
        return f"{made_by} {self.cxx.id}" if self.cxx else made_by

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """This process's, without what steers compilers."""
        return process.base_environment({"SOURCE_DATE_EPOCH": str(self.epoch)})

    @cached_property
    def _common(self) -> tuple[str, ...]:
        return (
            *self.sdk.cc,
            *OPTIMIZE,
            "-fPIC",
            *hide_root(self.root),
            *flags.hide(self.sdk, self.python.root, self.cxx),
            *EMULATED,
        )

    @cached_property
    def _includes(self) -> tuple[str, ...]:
        return tuple(f"-isystem{folder}" for folder in self.target.include_dirs)

    @cached_property
    def _builtins(self) -> str:
        if self.sdk.builtins is None:
            message = f"the SDK {self.sdk.root} has no libclang_rt.builtins for wasm32: nothing can be linked"
            raise ToolchainError(message, hint="choose another SDK by HATCH_WASI_SDK")
        return str(self.sdk.builtins)

    def compile(self, extension: Extension, source: str, output: str, depfile: str) -> list[str]:
        """See `Recipe.compile`. Headers of the SDK and Python are system headers: they belong to `toolchain`."""
        project = source_flags(extension, source, self.target)
        words = ["-MMD", "-MF", depfile, "-c", source, "-o", output]
        language = _unsaid(self._language(source, exceptions=extension.exceptions), extension.extra_compile_args)
        inline = inlining([*OPTIMIZE, *extension.extra_compile_args])
        return [*self._common, *language, *inline, *self._includes, *project, *words]

    def _language(self, source: str, *, exceptions: bool) -> list[str]:
        """Give what concerns C++'s library, exceptions and setjmp."""
        library = self._library if source.endswith(CXX_SUFFIXES) else None
        return flags.language(self.sdk, library, exceptions=exceptions)

    @property
    def _library(self) -> CxxLibrary:
        if self.cxx is None:
            raise ToolchainError(self.why_no_cxx)
        return self.cxx

    def link(self, extension: Extension, objects: Sequence[str], output: str) -> list[str]:
        """See `Recipe.link`. The link succeeds with an empty module if PyInit is not there: check it afterwards."""
        return [
            *self.sdk.cc,
            *LINK,
            f"-Wl,--export={init_function(extension.name)}",
            "-o",
            output,
            *objects,
            *(f"-L{folder}" for folder in extension.library_dirs),
            *(f"-l{name}" for name in extension.libraries if name not in IN_MAIN),
            *(self._library.link_words(exceptions=extension.exceptions) if extension.is_cxx else ()),
            self._builtins,
            *extension.extra_link_args,
        ]

    def support(self, extension: Extension) -> Mapping[str, str]:
        """See `Recipe.support`: the note of what the module is made for, setjmp, and what C++ needs of its host."""
        library = self.cxx if extension.is_cxx else None
        return flags.support(self.sdk, self.python.version, self.target.soabi, library, exceptions=extension.exceptions)

    def compile_support(self, source: str, output: str) -> list[str]:
        """See `Recipe.compile_support`."""
        if source.endswith(".s"):
            return [*self.sdk.cc, "-c", source, "-o", output]
        return [*self._common, *self._language(source, exceptions=True), "-Os", "-c", source, "-o", output]

    def obstacle(self, extension: Extension) -> str | None:
        """See `Recipe.obstacle`: C++ needs a position-independent libc++, and for exceptions a new compiler."""
        if bound := next(filter(is_for_one_platform, extension.include_from), None):
            why = "its headers may state the sizes of this machine's types, and WASI's are others"
            return f"{extension.key}.include-from: {bound} is installed for this machine: {why}"
        if not extension.is_cxx:
            return None
        if self.cxx is None:
            return f"{extension.key}: {extension.name} is C++, which cannot be built here: {self.why_no_cxx}"
        if extension.exceptions and not self.cxx.has_exceptions:
            why = f"clang {self.sdk.llvm} has none that WASI engines run; an SDK with LLVM {FIRST_WITH_EXCEPTIONS} has"
            return f"{extension.key}: {extension.name} is C++ with exceptions: {why} (or say exceptions = false)"
        return None

    def check(self, extension: Extension, module: Path) -> str | None:
        """See `Recipe.check`: the linker minds neither a module that nothing can initialize nor undefined symbols."""
        side_module = SideModule.parse(module.read_bytes(), module.name)
        init = init_function(extension.name)
        if init not in side_module.exports:
            message = f"no source of {extension.name} defines {init}"
            raise BuildError(message, hint=f"define it as PyMODINIT_FUNC, or correct {extension.key}.name")
        missing = unresolved(side_module, self._main_exports)
        if not missing:
            return None
        return f"WASI Python has no {', '.join(missing)}: importing {extension.name} will fail"

    @cached_property
    def _main_exports(self) -> frozenset[str]:
        return frozenset(Module(self.python.wasm.read_bytes(), self.python.wasm.name).exports)


def _unsaid(flags: list[str], said: Sequence[str]) -> list[str]:
    """Leave out the options of LLVM's (`-mllvm X`) that are in `said`: they may be given once."""
    pairs = zip(flags, [*flags[1:], ""], strict=True)
    kept = [(flag, value) for flag, value in pairs if not (flag == "-mllvm" and value in said)]
    return [flag for flag, _ in kept if flag not in said or not flag.startswith("-wasm-")]
