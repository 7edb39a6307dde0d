"""Headers that come with packages of the build environment: pybind11, and others that say where theirs are."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.config import Extension
from hatch_wasi.errors import BuildError, ProcessFailed

__all__ = ["find", "missing_folders"]

MISSING = "HATCH_WASI_MISSING"
"""Names the file by which a build tells `hatch-wasi wheel` which packages it needs for WASI."""
PROGRAM = """\
import importlib, json, os, sys
package = importlib.import_module(sys.argv[1])
top = sys.modules[sys.argv[1].partition(".")[0]]
place = list(top.__path__)[0] if hasattr(top, "__path__") else top.__file__
print(json.dumps([os.path.abspath(package.get_include()), os.path.dirname(os.path.abspath(place))]))
"""


def find(
    extensions: Iterable[Extension], packages: Sequence[Path] | None = None
) -> tuple[list[Extension], dict[str, BuildError]]:
    """Add to `extensions` the folders of their `include-from`, after their `include-dirs`.

    A package is asked by `get_include()`, in a process of its own. A package that was built for this machine may have
    headers that state the sizes of its types: of such a package, those in `packages`, folders of packages for the
    target, are taken. With None, this machine is the target.

    Returns the extensions and, by name, why optional ones cannot be built. Raises `BuildError` if the headers of another
    one are not found.
    """
    found, failed = [], {}
    for extension in extensions:
        try:
            folders = [_folder(extension, package, packages) for package in extension.include_from]
        except BuildError as error:
            if not extension.optional:
                raise
            failed[extension.name] = error
        else:
            found.append(replace(extension, include_dirs=(*extension.include_dirs, *folders)))
    return found, failed


def _folder(extension: Extension, package: str, packages: Sequence[Path] | None) -> str:
    """Return the folder of a package's headers for the target. Raises `BuildError`."""
    folder, site = _ask(extension, package)
    if packages is None or package in extension.portable_headers or not (bound := _bound(package)):
        return folder
    for place in packages:
        if folder.startswith(f"{site}{os.sep}") and (there := place / os.path.relpath(folder, site)).is_dir():
            return str(there)
    if missing := os.environ.get(MISSING):
        with Path(missing).open("a", encoding="utf-8") as file:
            file.write(f"{bound}\n")
    message = (
        f"{extension.key}.include-from: {package} is installed for this machine and not for WASI, and its headers may "
        "state the sizes of this machine's types"
    )
    hint = (
        f"run `hatch-wasi install {bound}`, or build with `hatch-wasi wheel`, which gets it; if its headers are the same "
        f'on every machine, add portable-headers = ["{package}"]'
    )
    raise BuildError(message, hint=hint)


def missing_folders(extensions: Iterable[Extension], root: Path) -> Iterator[str]:
    """Yield a warning for each folder of headers or libraries that is configured and not there: compilers ignore it."""
    for extension in extensions:
        for key, folders in (("include-dirs", extension.include_dirs), ("library-dirs", extension.library_dirs)):
            for folder in folders:
                if not (root / folder).is_dir():
                    yield f"{extension.key}.{key}: {folder!r} does not exist below {root}"


def _bound(package: str) -> str | None:
    """Return `NAME==VERSION` of the importable `package` if its wheel was built for this machine."""
    from importlib.metadata import distribution, packages_distributions

    for owner in packages_distributions().get(package.partition(".")[0], []):
        found = distribution(owner)
        if "Root-Is-Purelib: false" in (found.read_text("WHEEL") or ""):
            return f"{found.metadata['Name']}=={found.version}"
    return None


def _ask(extension: Extension, package: str) -> tuple[str, str]:
    """Return the folder that `package` names, and the folder that the package is installed in. Raises `BuildError`."""
    try:
        # The build environment may be a PYTHONPATH, as pip makes it.
        text = process.run_python(
            ["-c", PROGRAM, package],
            what=f"asking {package} for its headers",
            cwd=None,
            env=dict(os.environ),
        )
    except ProcessFailed as error:
        reason = error.output.strip().splitlines()[-1:] or [error.message]
        message = f"{extension.key}.include-from: {package} does not say where its headers are: {reason[0]}"
        raise BuildError(message, hint=f"add {package} to build-system.requires, or install it") from error
    folder, site = json.loads(text.splitlines()[-1])
    return str(folder), str(site)
