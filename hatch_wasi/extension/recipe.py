"""What every compiler is told about an extension module, whatever it is built for: pure, no program is run here."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from hatch_wasi.config import CXX_SUFFIXES, Extension
from hatch_wasi.extension import FOLDER, work_folder
from hatch_wasi.target import Target

__all__ = [
    "Recipe",
    "hide_root",
    "limited_api",
    "macro_flags",
    "module_file",
    "signature",
    "source_flags",
    "unused_standard",
]


class Recipe(Protocol):
    """How one target's compiler and linker are called, from the project's root and with paths relative to it."""

    @property
    def target(self) -> Target:
        """What is built for."""

    @property
    def toolchain(self) -> str:
        """Identity of compiler, headers and libraries: another one means everything is compiled again."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The whole environment of compiler and linker."""

    @property
    def system_headers(self) -> bool:
        """Tell whether depfiles must list system headers: they may change without `toolchain` changing."""

    def compile(self, extension: Extension, source: str, output: str, depfile: str) -> list[str]:
        """Give the command that makes the object `output` from `source` and lists its headers in `depfile`."""

    def link(self, extension: Extension, objects: Sequence[str], output: str) -> list[str]:
        """Give the command that makes the module `output` from `objects`."""

    def support(self, extension: Extension) -> Mapping[str, str]:
        """Give sources, by file name, that are compiled into the module beside its own."""

    def compile_support(self, source: str, output: str) -> list[str]:
        """Give the command that makes the object `output` from such a source."""

    def check_object(self, argv: Sequence[str], source: str, output: str) -> None:
        """Look at the object `output`, made of `source` by `argv`, and make it anew if need be."""

    def headers(self) -> Mapping[str, bytes]:
        """Return headers, by their paths, that are needed in the folder `include` of the build."""

    def left_out(self, extension: Extension) -> Sequence[str]:
        """Return what the extension's settings say that does not hold for the target."""

    def obstacle(self, extension: Extension) -> str | None:
        """Say, with the extension's key, why it cannot be built for the target; None: it can."""

    def check(self, extension: Extension, module: Path, said: str) -> str | None:
        """Return a warning if `module`, as linked, will not work; `said` is what the linker printed.

        Raises `HatchWasiError` if it is not the extension module it should be.
        """


def limited_api(extension: Extension, target: Target) -> str | None:
    """Give the stable ABI's version that `extension` is built for on `target`, or None.

    Free-threaded interpreters have no stable ABI (PEP 703): there, the module is for that one version.
    """
    return None if target.variables.get("Py_GIL_DISABLED") else extension.py_limited_api


def module_file(extension: Extension, target: Target) -> str:
    """Name the module's file below the wheel's root: `example_project/_speedups.cpython-313-wasm32-wasi.so`."""
    suffix = ".abi3.so" if limited_api(extension, target) else target.ext_suffix
    return extension.name.replace(".", "/") + suffix


def hide_root(root: Path) -> list[str]:
    """Return what keeps the project's folder out of __FILE__ and debug information, however the compiler learns it."""
    flags = [f"-ffile-prefix-map={path}=." for path in dict.fromkeys((root, root.resolve()))]
    work = work_folder(root)
    if not work.is_relative_to(root):
        flags.append(f"-ffile-prefix-map={work}={FOLDER}")
    return flags


def macro_flags(extension: Extension, target: Target) -> list[str]:
    """Give -D and -U for the extension's macros, and Py_LIMITED_API for the stable ABI."""
    flags = [f"-D{name}" if value is None else f"-D{name}={value}" for name, value in extension.define_macros]
    flags += [f"-U{name}" for name in extension.undef_macros]
    if limit := limited_api(extension, target):
        major, minor = map(int, limit.split("."))
        flags.append(f"-DPy_LIMITED_API=0x{major:02x}{minor:02x}0000")
    return flags


def source_flags(extension: Extension, source: str, target: Target) -> list[str]:
    """Give what the project asks for one source; its extra arguments come last, so that they win."""
    flags = [f"-I{folder}" for folder in extension.include_dirs]
    # A build environment's folder is another one each time.
    flags += [f"-ffile-prefix-map={folder}=/include" for folder in extension.include_dirs if folder.startswith("/")]
    flags += macro_flags(extension, target)
    is_cxx = source.endswith(CXX_SUFFIXES)
    if extension.std and is_cxx == ("++" in extension.std):
        flags.append(f"-std={extension.std}")
    return [*flags, *(word for word in extension.extra_compile_args if _is_for(word, is_cxx=is_cxx))]


def _is_for(argument: str, *, is_cxx: bool) -> bool:
    """Tell whether a compiler argument is for C++ (or C): a language's standard is an error for the other language."""
    standard = argument.startswith(("-std=", "--std="))
    return not standard or ("++" in argument) == is_cxx


def unused_standard(extension: Extension) -> str | None:
    """Return what is wrong with an extension whose `std` is for a language that it has no sources in."""
    if extension.std is None:
        return None
    compiled = [
        source.endswith(CXX_SUFFIXES) or (not source.endswith(".c") and extension.is_cxx)
        for source in extension.sources
    ]
    if ("++" in extension.std) in compiled:
        return None
    language, hint = ("C++", "") if "++" in extension.std else ("C", ": a standard of C++ is such as c++17")
    return f"{extension.key}.std is {extension.std!r}, but no source is {language}{hint}"


def signature(recipe: Recipe, argv: Sequence[str]) -> str:
    """Stand for a command and all that it depends on beside its input files."""
    digest = hashlib.sha256(recipe.toolchain.encode())
    for word in argv:
        digest.update(b"\0" + word.encode())
    for name in SEEN_BY_COMPILERS:
        digest.update(f"\0{name}={recipe.environment.get(name)}".encode())
    return digest.hexdigest()


# https://gcc.gnu.org/onlinedocs/gcc/Environment-Variables.html, and Apple's.
SEEN_BY_COMPILERS = (
    "COMPILER_PATH", "CPATH", "CPLUS_INCLUDE_PATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH",
    "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "SOURCE_DATE_EPOCH",
)  # fmt: skip
