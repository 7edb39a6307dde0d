"""Let modules of a built wheel find the libraries that it has for them: linkers of other systems write run paths."""

from hatch_wasi.audit.libraries import Libraries
from hatch_wasi.errors import MalformedWasm
from hatch_wasi.wasm.sections import with_run_path
from hatch_wasi.wasm.side_module import SHARED_OBJECT, SideModule
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["run_paths"]


def run_paths(wheel: Wheel) -> dict[str, bytes]:
    """Give those side modules of `wheel` that need a library of it in another folder, with a run path that leads there.

    What is no side module stays, for the audit to find. Raises `WheelError` if a member cannot be read.
    """
    modules: dict[str, SideModule] = {}
    for name in wheel.archive.members:
        if SHARED_OBJECT.search(name):
            try:
                modules[name] = SideModule.parse(wheel.archive.read(name), name)
            except MalformedWasm:
                continue
    return {
        name: with_run_path(wheel.archive.read(name), name, [*modules[name].dylink.runtime_path, *places])
        for name, places in Libraries(modules).elsewhere().items()
    }
