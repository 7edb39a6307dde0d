"""Which files of the project Hatch packs, and where: what the build hook has to know of Hatch's file selection."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.config import BuilderConfig

from hatch_wasi.config import Extension
from hatch_wasi.errors import BuildError
from hatch_wasi.extension.placement import Files

if TYPE_CHECKING:
    from hatchling.metadata.core import ProjectMetadata

__all__ = ["enters_sdist", "forced", "included_by_force", "selected", "withhold"]

NOT_SHIPPED = frozenset(
    {"benchmarks", "dist", "doc", "docs", "examples", "scripts", "test", "testing", "tests", "tools"}
)
"""Folders that hold Python files of a project, and are rarely part of its wheel."""


def selected(
    config: BuilderConfig, build_data: Mapping[str, Any], extensions: Iterable[Extension], modules: Iterable[str]
) -> Files:
    """List what Hatch would pack of the project itself, other hooks' artifacts included.

    Hatch refuses a project whose name matches none of its Python files, unless something is included by force. Where the
    project has no Python files, the `modules` (paths in the wheel) that the hook is about to include are enough.
    Raises `BuildError` if there are Python files that Hatch would then leave out silently.
    """
    try:
        return _list(config, build_data)
    except ValueError:
        planned = {str(Path(config.root, place)): place for place in modules}
        found = _list(config, {**build_data, "force_include": {**build_data["force_include"], **planned}})
    if unnamed := next(_python_files(Path(config.root), extensions), None):
        message = f"Hatch cannot tell whether {unnamed} belongs in the wheel: nothing there has the project's name"
        hint = 'name what to pack, as in: [tool.hatch.build.targets.wheel] packages = ["src/example"]'
        raise BuildError(message, hint=hint)
    return found


def included_by_force(config: BuilderConfig, build_data: Mapping[str, Any]) -> Files:
    """List what the project and other hooks include by force; what Hatch will not find, it reports itself."""
    try:
        with config.set_build_data(dict(build_data)):
            forced_files = config.builder.recurse_forced_files(config.get_force_include())
            return [(file.path, file.distribution_path) for file in forced_files]
    except FileNotFoundError:
        return []


def _list(config: BuilderConfig, build_data: Mapping[str, Any]) -> Files:
    with config.set_build_data(dict(build_data)):
        return [(file.path, file.distribution_path) for file in config.builder.recurse_selected_project_files()]


def _python_files(root: Path, extensions: Iterable[Extension]) -> Iterator[str]:
    """Yield Python files and packages that probably belong in the wheel, relative to `root`."""
    for folder in (root, root / "src"):
        for file in sorted(folder.glob("*/__init__.py")):
            if file.parent.name not in NOT_SHIPPED:
                yield file.parent.relative_to(root).as_posix()
    yield from (file.relative_to(root).as_posix() for file in sorted(root.glob("src/*.py")))
    for extension in extensions:
        package, _, leaf = extension.name.replace(".", "/").rpartition("/")
        pattern = f"{package}/*.py" if package else f"{leaf.strip('_')}.py"
        for file in (*sorted(root.glob(pattern)), *(sorted(root.glob(f"*/{pattern}")) if package else ())):
            yield file.relative_to(root).as_posix()


def forced(config: BuilderConfig, place: str) -> str:
    """Return the target that `force_include` must be given for a file to be at `place` in the wheel.

    Hatch rewrites these targets too, by the project's `sources`.
    """
    if config.get_distribution_path(place) == place:
        return place
    for source, replacement in config.sources.items():
        if place.startswith(replacement):
            target = source + place.removeprefix(replacement)
            if config.get_distribution_path(target) == place:
                return target
    return place


def withhold(config: BuilderConfig, names: Iterable[str]) -> None:
    """Keep files of the project (relative to its root) out of what is about to be built, artifacts or not.

    Hatch forgets it when that version is built.
    """
    config.build_reserved_paths.update(config.get_distribution_path(os.path.normpath(name)) for name in names)


def enters_sdist(root: Path, metadata: "ProjectMetadata[Any]", name: str) -> bool:
    """Tell whether Hatch would pack the file `name` of the project into its sdist."""
    from hatchling.builders.sdist import SdistBuilder

    config = SdistBuilder(str(root), metadata=metadata).config
    if config.only_include:
        path = str(root / name)
        explicit = any(path == source or path.startswith(f"{source}{os.sep}") for source in config.only_include)
        return explicit and bool(config.include_path(name, explicit=True))
    return bool(config.include_path(name))
