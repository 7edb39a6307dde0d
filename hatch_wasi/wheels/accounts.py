"""Give a built wheel its bill of materials (PEP 770)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hatch_wasi.sbom.document import FILE, FOLDER, Toolchain, document
from hatch_wasi.sbom.document import Wheel as Described
from hatch_wasi.wasm.side_module import SHARED_OBJECT
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["accounts"]


def accounts(
    wheel: Wheel,
    made_by: Toolchain,
    archives: Mapping[str, Sequence[Path]],
    changed: Mapping[str, bytes],
    *,
    source_date: int,
) -> dict[str, bytes]:
    """Give the file that accounts for the side modules of `wheel`, by its place in it.

    `archives` are static libraries that were linked into them, by the modules' file names: a build does not say where
    in the wheel it puts them. `changed` is the content of members that will be another one.

    Nothing, where there are no such modules, or our own build hook gave the wheel that file when it was built. Raises
    `WheelError` if a module cannot be read, and `ToolchainError` if an archive of the toolchain cannot.
    """
    place = f"{wheel.dist_info_dir}/{FOLDER}/{FILE}"
    names = [name for name in wheel.archive.members if SHARED_OBJECT.search(name)]
    if not names or place in wheel.archive.members:
        return {}
    modules = {name: changed[name] if name in changed else wheel.archive.read(name) for name in names}
    described = Described(
        name=wheel.project,
        version=str(wheel.parsed_version),
        modules=modules,
        archives={name: archives.get(name.rpartition("/")[2], ()) for name in names},
    )
    return {place: document(described, made_by, source_date=source_date)}
