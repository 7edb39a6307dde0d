"""Headers that come with packages of the build environment: pybind11, and others that say where theirs are."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.config import Extension
from hatch_wasi.errors import BuildError, ProcessFailed

__all__ = ["find", "is_for_one_platform", "missing_folders"]


def find(extensions: Iterable[Extension]) -> tuple[list[Extension], dict[str, BuildError]]:
    """Add to `extensions` the folders of their `include-from`, after their `include-dirs`.

    A package is asked by `get_include()`, in a process of its own. Gives the extensions and, by name, why optional ones
    cannot be built. Raises `BuildError` if a package that another one needs does not answer.
    """
    found, failed = [], {}
    for extension in extensions:
        try:
            folders = [_ask(extension, package) for package in extension.include_from]
        except BuildError as error:
            if not extension.optional:
                raise
            failed[extension.name] = error
        else:
            found.append(replace(extension, include_dirs=(*extension.include_dirs, *folders)))
    return found, failed


def missing_folders(extensions: Iterable[Extension], root: Path) -> Iterator[str]:
    """Yield a warning for each folder of headers or libraries that is configured and not there: compilers ignore it."""
    for extension in extensions:
        for key, folders in (("include-dirs", extension.include_dirs), ("library-dirs", extension.library_dirs)):
            for folder in folders:
                if not (root / folder).is_dir():
                    yield f"{extension.key}.{key}: {folder!r} does not exist below {root}"


def is_for_one_platform(package: str) -> bool:
    """Tell whether the importable `package` is of a wheel that was built for this machine."""
    from importlib.metadata import distribution, packages_distributions

    owners = packages_distributions().get(package, [])
    return any("Root-Is-Purelib: false" in (distribution(owner).read_text("WHEEL") or "") for owner in owners)


def _ask(extension: Extension, package: str) -> str:
    code = f"import {package} as package; print(package.get_include())"
    try:
        # The build environment may be a PYTHONPATH, as pip makes it.
        text = process.run_python(
            ["-c", code], what=f"asking {package} for its headers", cwd=None, env=dict(os.environ)
        )
    except ProcessFailed as error:
        reason = error.output.strip().splitlines()[-1:] or [error.message]
        message = f"{extension.key}.include-from: {package} does not say where its headers are: {reason[0]}"
        raise BuildError(message, hint=f"add {package} to build-system.requires, or install it") from error
    return text.strip()
