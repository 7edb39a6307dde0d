"""Programs of a build: compilers under every name that a build may call, and what runs programs that it makes for WASI.

A program that the driver links is a WASI command module with a few lines of shell before it, the *launcher*. It can be
called, copied and moved like any other program, and runs in a sandbox that shows the build's folders only.
"""

import marshal
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.sdk import WasiSdk

__all__ = ["LAUNCHED", "LINK", "Runner", "aliases", "compile_start", "native_compilers"]

ALIASES = {
    "cc": ("gcc", "clang", "c99", "c89"),
    "c++": ("g++", "clang++"),
    "cpp": ("clang-cpp",),
    "ar": ("gcc-ar", "llvm-ar"),
    "ranlib": ("gcc-ranlib", "llvm-ranlib"),
    "nm": ("gcc-nm", "llvm-nm"),
    **{name: (f"llvm-{name}",) for name in ("strip", "objdump", "objcopy", "readelf")},
    "as": (),
    "ld": (),
}
"""Programs of a toolset, and what else they are called."""
CANONICAL = {name: program for program, names in ALIASES.items() for name in (program, *names)}
TRIPLES = tuple(f"{processor}-linux-gnu" for processor in ("x86_64", "aarch64"))
PREFIXED = re.compile(
    r"(?:[\w.]+-(?:[\w.]+-)?(?:linux|apple|darwin)[\w.]*-(?:\w+-)?)?(?P<name>[a-z][a-z+9-]*?\+*)(?:-[\d.]+)?"
)
"""A program's name with a machine before it (`x86_64-linux-gnu-gcc`) and a version after it (`gcc-12`)."""
LAUNCHED = re.compile(rb'#!/bin/sh\nexec [^\n]+ "\$0" "\$@"\n(?=\0asm)')
"""A launcher, at the beginning of a program."""
LINK = ("-Wl,--wrap=__wasilibc_find_abspath",)
"""For programs that `compile_start`'s object is linked into."""
KEPT = frozenset({"LANG", "LANGUAGE", "LC_ALL", "PWD", "SOURCE_DATE_EPOCH", "TMPDIR", "TZ"})
"""Variables that programs see though they come from outside of the build."""


def aliases(path: Iterable[str] | None = None) -> dict[str, str]:
    """Return the names of compiler programs that a build may call -> the toolset's program that answers.

    Those are the common ones, and what the folders of `path` (default: PATH) have of others' names: `gcc-12`.
    """
    found = {name: program for name, program in CANONICAL.items() if name != program}
    found |= {f"{triple}-{name}": program for triple in TRIPLES for name, program in CANONICAL.items()}
    for folder in os.get_exec_path() if path is None else path:
        try:
            names = [file.name for file in Path(folder).iterdir()]
        except OSError:
            continue
        for name in names:
            match = PREFIXED.fullmatch(name)
            if match and match["name"] in CANONICAL and name not in ALIASES:
                found[name] = CANONICAL[match["name"]]
    return found


def native_compilers(path: Iterable[str] | None = None) -> dict[str, str]:
    """Return the machine's own C and C++ compilers, by the variables that name them in builds for another machine."""
    folders = [Path(folder) for folder in (os.get_exec_path() if path is None else path)]
    found = {}
    for variable, names in (("CC_FOR_BUILD", ("cc", "gcc", "clang")), ("CXX_FOR_BUILD", ("c++", "g++", "clang++"))):
        programs = (folder / name for name in names for folder in folders)
        program = next((program for program in programs if program.is_file() and os.access(program, os.X_OK)), None)
        if said := os.environ.get(variable):
            found[variable] = said
        elif program:
            found[variable] = process.quote([program.absolute()])
    return found


def compile_start(sdk: WasiSdk, options: Sequence[str], folder: Path) -> Path:
    """Compile what every program is linked with, below `folder`, and return the object."""
    source, target = folder / "start.c", folder / "program-start.o"
    source.write_bytes(files("hatch_wasi.disguise").joinpath("program", "start.c").read_bytes())
    argv: list[str | Path] = [*sdk.cc, *options, "-Os", "-c", source, "-o", target]
    process.run(argv, what="compiling start.c", env=process.base_environment())
    return target


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs programs of one build on WASI."""

    folder: Path
    """A toolset's folder."""
    writable: Sequence[Path]
    """Folders that programs may write."""
    shown: Sequence[Path]
    """Folders that they may read."""
    environment: Mapping[str, str]
    """The toolset's variables, which programs do not need."""

    @property
    def program(self) -> Path:
        """The program that runs others: `run PROGRAM [WORD…]`."""
        return self.folder / "run"

    @property
    def launcher(self) -> str:
        """What stands at the beginning of a program; the shell reads no further."""
        return f'#!/bin/sh\nexec {process.quote([self.program])} "$0" "$@"\n'

    def write(self) -> None:
        """Write the program and its settings."""
        withheld = {name for name in (*os.environ, *self.environment) if name not in KEPT}
        settings = self.folder / "run-settings"
        settings.write_bytes(
            marshal.dumps(
                {
                    "folders": [(str(folder), True) for folder in self.writable]
                    + [(str(folder), False) for folder in self.shown],
                    "withheld": sorted(withheld),
                    "code": str(self.folder / "run-code"),
                }
            )
        )
        package = Path(__file__).resolve().parents[2]
        start = (
            f"import sys; sys.path += {[str(package), *filter(None, sys.path)]!r}; "
            f"from hatch_wasi.runtime.program import main; main({str(settings)!r}, sys.argv[1:])"
        )
        self.program.write_text(
            f'#!/bin/sh\nexec {process.quote([*process.python(isolated=True), "-SB", "-c", start])} "$@"\n',
            encoding="utf-8",
        )
        self.program.chmod(0o755)
