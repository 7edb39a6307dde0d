"""From .pyx to C: Cython's command line, run by the interpreter that runs the build."""

import importlib.util
import posixpath
import re
from collections.abc import Sequence

from hatch_wasi import process
from hatch_wasi.config import CYTHON_SUFFIXES, Extension
from hatch_wasi.errors import BuildError

__all__ = [
    "ERROR",
    "GENERATED",
    "REQUIREMENT",
    "command",
    "generated",
    "header_folders",
    "headers",
    "is_cython",
    "require",
    "version",
]

REQUIREMENT = "Cython>=3.0.3"
"""What a build that names a .pyx needs; older releases do not write depfiles for every include."""

ERROR = re.compile(r"^(?!warning:)\S.*\.(pyx|pxd|pxi|py):\d+:\d+: ")
"""How Cython begins the line that says what is wrong and where, between excerpts of the source."""
GENERATED = "generated"
"""Folder of what Cython generates, in that of the extension."""


def is_cython(source: str) -> bool:
    """Tell a source that Cython reads from one that a compiler reads."""
    return source.endswith(CYTHON_SUFFIXES)


def generated(extension: Extension, source: str, folder: str) -> str:
    """Return the name of what is made from `source` below `folder`.

    Headers of what is `public` or `api` are beside it, and have its name, hence that of the source.
    """
    return f"{folder}/{GENERATED}/{source.removesuffix('.pyx')}.{'cpp' if extension.is_cxx else 'c'}"


def headers(unit: str) -> tuple[str, ...]:
    """Return the names of the headers that Cython may write beside `unit`, which it generates."""
    stem = unit.rpartition(".")[0]
    return (f"{stem}.h", f"{stem}_api.h")


def header_folders(extension: Extension, folder: str) -> tuple[str, ...]:
    """Return where the generated headers of `extension` are found by the names that `cythonize` users know them by.

    `folder` is the extension's. Cython alone writes the headers beside their sources: so includes name them from there,
    or from one of the extension's include folders.
    """
    places = [source.rpartition("/")[0] for source in extension.sources if is_cython(source)]
    places += [name for name in extension.include_dirs if not name.startswith(("/", ".."))] if places else []
    return tuple(dict.fromkeys(posixpath.normpath(f"{folder}/{GENERATED}/{place}") for place in places))


def command(extension: Extension, source: str, output: str) -> list[str]:
    """Give the command that makes `output` and, beside it, `output`.dep."""
    includes: Sequence[str] = [word for folder in extension.include_dirs for word in ("-I", folder)]
    language = ["--cplus"] if extension.is_cxx else []
    # A module's name is told from packages' __init__.py, which a namespace package lacks: say it.
    name = ["--module-name", extension.name]
    # The project's top folder, where this runs, is searched last, as `-m` without `-P` would have it.
    options = ["-3", "--depfile", *language, *name, *includes, "-I", ".", "-o", output]
    return [*process.python(), "-m", "cython", *options, source]


def version() -> str:
    """Give the installed Cython's version; empty if there is none."""
    import importlib.metadata

    try:
        return importlib.metadata.version("Cython")
    except importlib.metadata.PackageNotFoundError:
        return ""


def require(extensions: Sequence[Extension]) -> None:
    """Raise `BuildError` if Cython is not installed and one of `extensions` needs it."""
    for extension in extensions:
        source = next(filter(is_cython, extension.sources), None)
        if source and importlib.util.find_spec("Cython") is None:
            message = f"{extension.name}: Cython is not installed, and {source} needs it"
            raise BuildError(message, hint=f'add "{REQUIREMENT}" to build-system.requires, or install it')
