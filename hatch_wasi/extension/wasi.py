"""How a side module for WASI is compiled and linked."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.config import CXX_SUFFIXES, Extension
from hatch_wasi.cxx_library import FIRST_WITH_EXCEPTIONS, CxxLibrary
from hatch_wasi.errors import BuildError, ToolchainError
from hatch_wasi.extension import FOLDER
from hatch_wasi.extension.recipe import hide_root, source_flags
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import exports, flags, libraries, longjmp
from hatch_wasi.side_modules.arguments import MACHINE, Command, is_provided, rewrite
from hatch_wasi.side_modules.flags import EMULATED, LINK, OPTIMIZE, VISIBLE, inlining
from hatch_wasi.target import Target
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm import linkage
from hatch_wasi.wasm.linkage import Interface
from hatch_wasi.wasm.module import Module
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
        digest = hashlib.sha256()
        for name, content in flags.headers().items():
            digest.update(name.encode() + b"\0" + content)
        made_by += f" {digest.hexdigest()}"
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
        ours = [f"{FOLDER}/{self.target.soabi}/include"]  # where `headers` are written
        provided = libraries.include(self.python)
        folders = [*ours, *([provided] if provided else []), *self.target.include_dirs]
        return tuple(f"-isystem{folder}" for folder in folders)

    @cached_property
    def _builtins(self) -> str:
        if self.sdk.builtins is None:
            message = f"the SDK {self.sdk.root} has no libclang_rt.builtins for wasm32: nothing can be linked"
            raise ToolchainError(message, hint="choose another SDK by HATCH_WASI_SDK")
        return str(self.sdk.builtins)

    def compile(self, extension: Extension, source: str, output: str, depfile: str) -> list[str]:
        """See `Recipe.compile`. Headers of the SDK and Python are system headers: they belong to `toolchain`."""
        extension = self._adapted(extension)
        project = source_flags(extension, source, self.target)
        words = ["-MMD", "-MF", depfile, "-c", source, "-o", output]
        language = _unsaid(self._language(source, exceptions=extension.exceptions), extension.extra_compile_args)
        inline = inlining([*OPTIMIZE, *extension.extra_compile_args])
        return [*self._common, *VISIBLE, *language, *inline, *self._includes, *project, *words]

    def check_object(self, argv: Sequence[str], source: str, output: str) -> None:
        """See `Recipe.check_object`: setjmp in C++ takes another way through the compiler."""
        path = self.root / output
        if not source.endswith(CXX_SUFFIXES) or not longjmp.is_concerned(path.read_bytes()):
            return
        text = path.with_name(f"{path.name}.ll")
        first, second = longjmp.steps(list(argv), source, output)
        what = f"compiling {source}, which calls setjmp in C++,"
        process.run(first, what=what, cwd=self.root, env=self.environment)
        text.write_text(longjmp.rewrite(text.read_text(encoding="utf-8")), encoding="utf-8")
        process.run(second, what=what, cwd=self.root, env=self.environment)
        text.unlink()

    def headers(self) -> Mapping[str, bytes]:
        """See `Recipe.headers`: what python.wasm has and wasi-libc does not declare."""
        return flags.headers()

    def left_out(self, extension: Extension) -> Sequence[str]:
        """See `Recipe.left_out`: what only other machines' compilers and linkers know or can do."""
        adapted = self._adapted(extension)
        folders = [
            f"{option}{folder}"
            for option, before, after in (
                ("-I", extension.include_dirs, adapted.include_dirs),
                ("-L", extension.library_dirs, adapted.library_dirs),
                ("-l", extension.libraries, adapted.libraries),
            )
            for folder in before
            if folder not in after
        ]
        return [*_compile_words(extension).dropped, *folders, *rewrite(extension.extra_link_args).dropped]

    def _adapted(self, extension: Extension) -> Extension:
        """Return `extension` with what its settings come to on WASI."""
        return replace(
            extension,
            include_dirs=tuple(filter(self._is_ours, extension.include_dirs)),
            library_dirs=tuple(filter(self._is_ours, extension.library_dirs)),
            libraries=tuple(name for name in extension.libraries if not self._is_provided(name, extension)),
            extra_compile_args=tuple(word for word in _compile_words(extension).words if word != "-c"),
            extra_link_args=tuple(rewrite(extension.extra_link_args).words),
        )

    def _is_ours(self, folder: str) -> bool:
        """Tell whether a folder to search may have files for WASI: the machine's own have not, Python packages may."""
        path = self.root / folder
        ours = (self.root, self.sdk.root, self.python.root)
        is_package = not {"site-packages", "dist-packages"}.isdisjoint(path.parts)
        return is_package or not any(map(path.is_relative_to, MACHINE)) or any(map(path.is_relative_to, ours))

    def _is_provided(self, library: str, extension: Extension) -> bool:
        """Tell whether python.wasm has `library`, and the project does not bring its own."""
        if is_provided(library):
            return True
        files = (f"lib{library}.a", f"lib{library}.so")
        own = any((self.root / folder / name).is_file() for folder in extension.library_dirs for name in files)
        return library in self._provided and not own

    @cached_property
    def _provided(self) -> frozenset[str]:
        return frozenset(libraries.provided(self.python))

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
        """See `Recipe.link`. The objects must be there: they say what is exported."""
        extension = self._adapted(extension)
        return [
            *self.sdk.cc,
            *LINK,
            *exports.words([*exports.init_functions(extension.name), *self._symbols(extension, objects)]),
            "-o",
            output,
            *objects,
            *(f"-L{folder}" for folder in extension.library_dirs),
            *(f"-l{name}" for name in extension.libraries),
            *(self._library.link_words(exceptions=extension.exceptions) if extension.is_cxx else ()),
            self._builtins,
            *extension.extra_link_args,
        ]

    def _symbols(self, extension: Extension, objects: Sequence[str]) -> list[str]:
        """List what the objects define for others, and the archives of a library that Python does not import."""
        found = exports.symbols(str(self.root / name) for name in objects)
        if exports.has_init(found):
            return found
        named = [f"{folder}/lib{name}.a" for name in extension.libraries for folder in extension.library_dirs]
        archives = [*named, *(word for word in extension.extra_link_args if word.endswith(".a"))]
        return found + exports.symbols(str(self.root / name) for name in archives)

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
        if refused := _compile_words(extension).refused:
            word, why = refused[0]
            return f"{extension.key}.extra-compile-args: {word} cannot be used for WASI: {why}"
        if not extension.is_cxx:
            return None
        if self.cxx is None:
            return f"{extension.key}: {extension.name} is C++, which cannot be built here: {self.why_no_cxx}"
        if extension.exceptions and not self.cxx.has_exceptions:
            why = f"clang {self.sdk.llvm} has none that WASI engines run; an SDK with LLVM {FIRST_WITH_EXCEPTIONS} has"
            return f"{extension.key}: {extension.name} is C++ with exceptions: {why} (or say exceptions = false)"
        return None

    def check(self, extension: Extension, module: Path, said: str) -> str | None:
        """See `Recipe.check`: the linker minds neither a module that nothing can use nor undefined symbols."""
        if found := re.search(r"function signature mismatch: (\S+)((?:\n>>> .*)*)", said):
            places = "; ".join(line.removeprefix(">>> ") for line in found[2].strip().splitlines())
            message = f"{found[1]} is declared with different types: {places}"
            raise BuildError(message, hint="calling it would end the program: declare it once, in a header for both")
        side_module = SideModule.parse(module.read_bytes(), module.name)
        self._check_init(extension, side_module)
        if side_module.is_threaded:
            message = f"{extension.name} was compiled for threads: its thread-local variables would not be set up"
            raise BuildError(message, hint="compile what it links without -pthread and -matomics")
        own = Interface.of_side(side_module)
        # With libraries of its own (NEEDED), a module may find there what it lacks.
        needed = [None] * len(side_module.needed)
        problems = list(linkage.problems(side_module, own, self._interface, needed))
        for code, text in problems:
            if code != "undefined":
                hint = "declare functions by the headers that belong to them"
                raise BuildError(f"{extension.name}: {text}", hint=hint)
        return f"{extension.name}: {'; '.join(text for _, text in problems)}" if problems else None

    def _check_init(self, extension: Extension, module: SideModule) -> None:
        """Make sure that Python can import the module; one without any PyInit function is a library for ctypes."""
        expected = exports.init_functions(extension.name)
        if any(name in module.exports for name in expected):
            return
        others = [name for name in module.exports if exports.is_init(name) or re.match(r"_Z\d+PyInitU?_", name)]
        if not others and any(not name.startswith(("__wasm", "hatch_wasi_")) for name in module.exports):
            return
        message = f"no source of {extension.name} defines {expected[0]}"
        if others:
            message += f", but {', '.join(others[:5])}"
        raise BuildError(message, hint=f"define it as PyMODINIT_FUNC, or correct {extension.key}.name")

    @cached_property
    def _interface(self) -> Interface:
        return Interface.of(Module(self.python.wasm.read_bytes(), self.python.wasm.name))


def _compile_words(extension: Extension) -> Command:
    return rewrite(["-c", *extension.extra_compile_args])


def _unsaid(flags: list[str], said: Sequence[str]) -> list[str]:
    """Leave out the options of LLVM's (`-mllvm X`) that are in `said`: they may be given once."""
    pairs = zip(flags, [*flags[1:], ""], strict=True)
    kept = [(flag, value) for flag, value in pairs if not (flag == "-mllvm" and value in said)]
    return [flag for flag, _ in kept if flag not in said or not flag.startswith("-wasm-")]
