"""What a side module expects of the interpreter that loads it, and would not find there."""

from collections.abc import Container

from hatch_wasi.wasm.side_module import SideModule

__all__ = ["unresolved"]

GOT = ("GOT.func", "GOT.mem")


def unresolved(module: SideModule, main: Container[str]) -> list[str]:
    """List the symbols that `module` needs and neither it nor `main` (names of exports) has.

    Weak ones may stay undefined. With libraries of its own (NEEDED), a module may find them there: nothing is listed.
    """
    if module.needed:
        return []
    names = {
        item.name
        for item in module.imports
        if (item.module in GOT and item.name not in module.exports) or (item.module == "env" and item.kind == "func")
        if item.name not in main and not module.is_weak(item)
    }
    return sorted(names)
