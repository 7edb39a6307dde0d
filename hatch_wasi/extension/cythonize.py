"""From .pyx to C: Cython's command line, run by the interpreter that runs the build."""

import importlib.util
from collections.abc import Sequence

from hatch_wasi import process
from hatch_wasi.config import CYTHON_SUFFIXES, Extension
from hatch_wasi.errors import BuildError

__all__ = ["REQUIREMENT", "command", "generated", "is_cython", "require", "version"]

REQUIREMENT = "Cython>=3.0.3"
"""What a build that names a .pyx needs; older releases do not write depfiles for every include."""


def is_cython(source: str) -> bool:
    """Tell a source that Cython reads from one that a compiler reads."""
    return source.endswith(CYTHON_SUFFIXES)


def generated(extension: Extension, source: str, folder: str) -> str:
    """Name what is made from `source` below `folder`."""
    return f"{folder}/{source}.{'cpp' if extension.is_cxx else 'c'}"


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
