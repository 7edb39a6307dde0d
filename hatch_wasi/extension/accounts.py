"""The bill of materials of a wheel that the build hook made (PEP 770), written beside its modules."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distributions, packages_distributions, version
from pathlib import Path

from hatch_wasi.cache import replace_file
from hatch_wasi.config import Extension
from hatch_wasi.extension.build import Built
from hatch_wasi.extension.wasi import WasiRecipe
from hatch_wasi.sbom.document import FILE, Package, Toolchain, Wheel, document

__all__ = ["write"]

TOOLS = ("hatchling", "Cython")


def write(
    built: Sequence[Built], recipe: WasiRecipe, project: str, version_: str, folder: Path, packages: Sequence[Path]
) -> Path:
    """Write the bill of materials of the modules `built` of `project` to `folder`, by the name it has in the wheel.

    `packages` are the folders of packages for WASI that headers may be from.

    Raises `OSError` if it cannot be written, and `ToolchainError` if an archive that was linked cannot be read.
    """
    wheel = Wheel(
        name=project,
        version=version_,
        modules={item.place: item.path.read_bytes() for item in built},
        archives={item.place: item.archives for item in built},
    )
    is_cython = any(item.extension.is_cython for item in built)
    made_by = Toolchain(
        sdk=recipe.sdk,
        python=recipe.python,
        cxx=recipe.cxx,
        headers=list(_headers(built, packages)),
        tools=list(_installed(TOOLS if is_cython else TOOLS[:1])),
    )
    path = folder / FILE
    replace_file(path, document(wheel, made_by, source_date=recipe.epoch))
    return path


def _headers(built: Sequence[Built], packages: Sequence[Path]) -> Iterator[Package]:
    """Yield the distributions of the packages that `include-from` names; of one that belongs to none, nothing."""
    names = {(name.partition(".")[0], folder) for item in built for name, folder in _included(item.extension, packages)}
    owners = packages_distributions() if names else {}
    found: set[tuple[str, str]] = set()
    for name, place in names:
        for owner in owners.get(name, []):
            there = next(iter(distributions(name=owner, path=[place])), None) if place else None
            with suppress(PackageNotFoundError):
                found.add((owner, there.version if there else version(owner)))
    yield from (Package(name=name, version=version_) for name, version_ in sorted(found))


def _included(extension: Extension, packages: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield the packages of `include-from`, each with the folder for WASI that its headers are from, if they are."""
    for name, folder in zip(
        extension.include_from, extension.include_dirs[-len(extension.include_from) :], strict=False
    ):
        yield name, next((str(place) for place in packages if Path(folder).is_relative_to(place)), "")


def _installed(names: Sequence[str]) -> Iterator[Package]:
    for name in names:
        try:
            yield Package(name=name, version=version(name))
        except PackageNotFoundError:
            continue
