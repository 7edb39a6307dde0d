"""How an extension module for the interpreter that runs this is compiled and linked.

As setuptools does it (`setuptools/_distutils/sysconfig.py: customize_compiler`): by sysconfig's variables, where the
environment's CC, CXX, CFLAGS, CPPFLAGS, LDFLAGS and LDSHARED have a say. On macOS, sysconfig has been through
`_osx_support`, which minds ARCHFLAGS and missing SDKs, and LDSHARED says `-bundle -undefined dynamic_lookup`.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hatch_wasi.config import CXX_SUFFIXES, Extension
from hatch_wasi.errors import ToolchainError
from hatch_wasi.extension.recipe import hide_root, source_flags
from hatch_wasi.target import Target

__all__ = ["NativeRecipe"]


@dataclass(frozen=True)
class NativeRecipe:
    """The compiler that built the running interpreter, or that the environment names."""

    target: Target
    root: Path
    """The project's folder: it must not show in what is made."""
    epoch: int
    """SOURCE_DATE_EPOCH for __DATE__ and __TIME__, in seconds."""
    environ: Mapping[str, str]
    """The user's environment."""

    system_headers = True

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The user's, with the deployment target of the interpreter on macOS: wheels are named for it."""
        extra = {"SOURCE_DATE_EPOCH": str(self.epoch)}
        if sys.platform == "darwin" and (version := self._variable("MACOSX_DEPLOYMENT_TARGET")):
            extra["MACOSX_DEPLOYMENT_TARGET"] = self.environ.get("MACOSX_DEPLOYMENT_TARGET", version)
        return {**self.environ, **extra}

    @cached_property
    def toolchain(self) -> str:
        """The interpreter and the files that the compilers' names stand for."""
        return " ".join([sys.version, sys.base_prefix, *(_identity(name) for name in self.compilers)])

    @property
    def compilers(self) -> tuple[str, ...]:
        """The programs' names, C first."""
        return tuple(words[0] for words in (self._words("CC", "cc"), self._words("CXX", "c++")) if words)

    def _variable(self, name: str) -> str:
        return str(self.target.variables.get(name) or "")

    def _words(self, name: str, default: str = "") -> list[str]:
        """Give a command: the environment's, or sysconfig's."""
        return shlex.split(self.environ.get(name) or self._variable(name) or default)

    def _added(self, name: str) -> list[str]:
        """Give flags: sysconfig's and the environment's."""
        return shlex.split(self._variable(name)) + shlex.split(self.environ.get(name, ""))

    def compile(self, extension: Extension, source: str, output: str, depfile: str) -> list[str]:
        """See `Recipe.compile`."""
        is_cxx = source.endswith(CXX_SUFFIXES)
        compiler = self._words("CXX", "c++") if is_cxx else self._words("CC", "cc")
        # sysconfig has no CXXFLAGS: CFLAGS holds for both, but for what a C++ compiler refuses.
        flags = self._added("CFLAGS")
        if is_cxx:
            flags = [flag for flag in flags if not flag.startswith(("-std=", "-Wstrict-prototypes"))]
            flags += shlex.split(self.environ.get("CXXFLAGS", ""))
        return [
            *compiler,
            *flags,
            *self._words("CCSHARED"),
            *shlex.split(self.environ.get("CPPFLAGS", "")),
            *hide_root(self.root),
            *(() if extension.exceptions or not is_cxx else ("-fno-exceptions",)),
            *source_flags(extension, source, self.target),
            *(f"-I{folder}" for folder in self.target.include_dirs),
            *("-MD", "-MF", depfile, "-c", source, "-o", output),
        ]

    def link(self, extension: Extension, objects: Sequence[str], output: str) -> list[str]:
        """See `Recipe.link`."""
        return [
            *self._linker(extension),
            *shlex.split(self.environ.get("LDFLAGS", "")),
            "-o",
            output,
            *objects,
            *(f"-L{folder}" for folder in extension.library_dirs),
            *(f"-l{name}" for name in extension.libraries),
            *extension.extra_link_args,
        ]

    def support(self, extension: Extension) -> Mapping[str, str]:
        """See `Recipe.support`: native modules get nothing."""
        del extension
        return {}

    def compile_support(self, source: str, output: str) -> list[str]:
        """See `Recipe.compile_support`."""
        return [*self._words("CC", "cc"), "-c", source, "-o", output]

    def check_object(self, argv: Sequence[str], source: str, output: str) -> None:
        """See `Recipe.check_object`: native objects are good as they are."""

    def headers(self) -> Mapping[str, bytes]:
        """See `Recipe.headers`: there are none."""
        return {}

    def left_out(self, extension: Extension) -> Sequence[str]:
        """See `Recipe.left_out`: all settings hold."""
        del extension
        return ()

    def obstacle(self, extension: Extension) -> str | None:
        """See `Recipe.obstacle`: a native compiler takes what it is given."""

    def check(self, extension: Extension, module: Path, said: str) -> str | None:
        """See `Recipe.check`: a native interpreter says by itself what is wrong with a module."""

    def _linker(self, extension: Extension) -> list[str]:
        """Give LDSHARED, whose first words are sysconfig's CC: another compiler takes their place."""
        words = self._words("LDSHARED")
        if not words:
            message = f"{sys.executable} does not say how extension modules are linked (LDSHARED is not in sysconfig)"
            raise ToolchainError(message, hint="native builds need a Python for Linux, macOS or another Unix")
        own = shlex.split(self._variable("CC"))
        if "LDSHARED" not in self.environ and words[: len(own)] == own:
            words = self._words("CC") + words[len(own) :]
        if extension.is_cxx:
            compiler = self._words("CC")
            rest = words[len(compiler) :] if words[: len(compiler)] == compiler else words[1:]
            words = self._words("CXX", "c++") + rest
        return words


def _identity(program: str) -> str:
    """Stand for the file that `program` names: its path, size and time."""
    found = shutil.which(program)
    if found is None:
        return f"{program}: none"
    stat = os.stat(found)  # noqa: PTH116 - one call, no object
    return f"{os.path.realpath(found)}:{stat.st_size}:{stat.st_mtime_ns}"
