"""How python.wasm is made fast: a profile of CPython at work, and link-time optimization of the code that is hot.

The profile (LLVM's IR instrumentation with value profiling, as scripts/profile.py makes it) turns hot indirect calls into
direct ones, which are dear in WebAssembly; link-time optimization then inlines them. Both are data for one LLVM: with
another, the interpreter is compiled without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from hatch_wasi.cpython.makefile import variable

__all__ = ["PLAIN", "PROFILES", "Optimization", "Profile", "choose", "hot_objects"]


@dataclass(frozen=True)
class Profile:
    """A profile that comes with hatch-wasi."""

    file: str
    sha256: str
    """Of the compressed file; stands for it in the recipe."""


PROFILES = {
    ("3.13", 22): Profile(
        "cpython-3.13-llvm-22.profdata.xz", "686a87382181c1acd16917289586e0c8ec27d3bfd66fa6b479a8f8e7fcb5a212"
    ),
}
"""By Python X.Y and LLVM major: its format, and the hashes of functions in it, are those of one LLVM."""

DATA = "hatch_wasi.profdata"
# What the profile does not know, or knows from another release, is compiled as ever.
QUIET = ("-Wno-profile-instr-unprofiled", "-Wno-profile-instr-out-of-date", "-Wno-backend-plugin")

# Optimized at link time: the objects, and what works on them all the time. Not the evaluation loop itself: with
# everything inlined into it, one pass of LLVM 22 (WebAssembly Fix Irreducible Control Flow) takes minutes over it, for
# 2 % of speed; nor what runs seldom (the compiler, the parser, codecs), which would double the time of the link.
HOT_VARIABLES = ("OBJECT_OBJS",)
HOT_OBJECTS = tuple(
    f"Python/{name}.o"
    for name in (
        "_warnings", "bltinmodule", "ceval_gil", "context", "critical_section", "frame", "gc", "gc_gil", "getargs",
        "intrinsics", "modsupport", "pyhash", "pymath", "pystate", "pystrtod", "pytime", "specialize", "structmember",
    )
) + tuple(
    f"Modules/{name}.o"
    for name in (
        "_abc", "_bisectmodule", "_codecsmodule", "_collectionsmodule", "_csv", "_functoolsmodule", "_heapqmodule",
        "_io/_iomodule", "_io/bufferedio", "_io/bytesio", "_io/fileio", "_io/iobase", "_io/stringio", "_io/textio",
        "_json", "_operator", "_pickle", "_randommodule", "_sre/sre", "_statisticsmodule", "_struct", "_typingmodule",
        "_weakref", "arraymodule", "binascii", "itertoolsmodule", "mathmodule", "timemodule",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Optimization:
    """Flags for the two stages of compiling, and the files that they need in the build folder."""

    flags: tuple[str, ...] = ()
    """For all of CPython."""
    hot_flags: tuple[str, ...] = ()
    """For hot objects, besides; empty: there is no difference."""
    link_flags: tuple[str, ...] = ()
    """For the linker (wasm-ld), which makes one object of the hot ones."""
    program_flags: tuple[str, ...] = ()
    """For linking the programs that the interpreter is in."""
    files: Mapping[str, bytes] = field(default_factory=dict)


PLAIN = Optimization()


def choose(short_version: str, llvm_major: int) -> Optimization:
    """Give the best optimization for this Python and compiler."""
    profile = PROFILES.get((short_version, llvm_major))
    if profile is None:
        return PLAIN
    import lzma  # where nothing is bootstrapped, as in a build that our hook is part of, it may not be there

    packed = files("hatch_wasi.cpython").joinpath("profiles", profile.file).read_bytes()
    return Optimization(
        flags=(f"-fprofile-use={DATA}", *QUIET),
        hot_flags=("-flto=full",),
        link_flags=("-O3", "--lto-O3"),
        files={DATA: lzma.decompress(packed)},
    )


def hot_objects(makefile: str) -> list[str]:
    """List the objects that are hot, by CPython's Makefile."""
    return [*HOT_OBJECTS, *(name for names in HOT_VARIABLES for name in variable(makefile, names))]
