"""Where modules go: in the wheel, beside their sources, and what the wheel is then called. Pure."""

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from hatch_wasi.config import Extension
from hatch_wasi.errors import BuildError
from hatch_wasi.extension.recipe import limited_api
from hatch_wasi.target import Target

__all__ = ["package_folder", "package_with_python", "refuse_copies", "wheel_tag"]

MODULE_SUFFIXES = (".so", ".pyd", ".dylib")

Files = Sequence[tuple[str, str]]
"""What Hatch would pack of the project itself: absolute path, and path in the wheel."""


def wheel_tag(extensions: Iterable[Extension], target: Target, default: str) -> str:
    """Give the tag of a wheel with `extensions`: that of the stable ABI if all of them are for it, else `default`."""
    limits = [limited_api(extension, target) for extension in extensions]
    known = [limit for limit in limits if limit is not None]
    if not known or len(known) < len(limits):
        return default
    newest = max(known, key=lambda limit: tuple(map(int, limit.split("."))))
    return f"cp{newest.replace('.', '')}-abi3-{default.rpartition('-')[2]}"


def package_folder(extension: Extension, files: Files, root: Path) -> Path:
    """Return the folder that `extension` belongs to in the source tree.

    It is where Hatch takes the package's other files from; failing that, where its first source is.
    """
    return package_with_python(extension, files) or (root / extension.sources[0]).parent


def package_with_python(extension: Extension, files: Files) -> Path | None:
    """Return the folder that Hatch takes Python files of the extension's package from; None if it has none."""
    package = os.path.dirname(extension.name.replace(".", "/"))  # noqa: PTH120 - a name in the wheel
    for path, place in files:
        if path.endswith(".py") and os.path.dirname(place) == package:  # noqa: PTH120
            return Path(path).parent
    return None


def refuse_copies(extensions: Iterable[Extension], files: Files, root: Path, placed: Collection[str] = ()) -> None:
    """Raise `BuildError` if the project's own files bring modules that should come from this build alone.

    Such a copy, of another platform, Python or build, would be packed beside the new one. Those that the hook itself
    `placed` for an editable install (relative to `root`) do not count: they are withheld.
    """
    own = {str(root / name) for name in placed}
    names = {extension.name.replace(".", "/") for extension in extensions}
    for path, place in files:
        if not place.endswith(MODULE_SUFFIXES) or path in own:
            continue
        folder, _, file = place.replace(os.sep, "/").rpartition("/")
        module = f"{folder}/{file.partition('.')[0]}".removeprefix("/")
        if module in names:
            shown = Path(path).relative_to(root) if Path(path).is_relative_to(root) else path
            raise BuildError(
                f"the wheel would hold {shown}, a copy of {module.replace('/', '.')} that this build did not make",
                hint="add *.so to .gitignore, or to tool.hatch.build.targets.wheel.exclude; or remove the file",
            )
