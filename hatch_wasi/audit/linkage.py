"""Whether everything that a side module imports is there when it is loaded: as the loader resolves it, without running it.

The rules are those of `runtime/resolution.py`: a module's own definitions, then python.wasm's, then those of the
libraries that it needs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hatch_wasi.wasm.entities import FuncType, GlobalType, Import
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.side_module import SideModule

__all__ = ["Interface", "problems"]

BASES = ("__memory_base", "__table_base", "__stack_pointer")
TABLE, MEMORY = "__indirect_function_table", "memory"
I32 = 0x7F


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a module offers to others."""

    where: str
    functions: Mapping[str, FuncType]
    data: frozenset[str]
    """Names of variables: exported globals that hold their addresses."""
    tags: Mapping[str, FuncType]

    @classmethod
    def of(cls, module: Module) -> "Interface":
        """Read it off a module."""
        functions: dict[str, FuncType] = {}
        tags: dict[str, FuncType] = {}
        data = set()
        for name, item in module.exports.items():
            if isinstance(item.type, FuncType):
                (functions if item.kind == "func" else tags)[name] = item.type
            elif isinstance(item.type, GlobalType):
                data.add(name)
        return cls(where=module.name, functions=functions, data=frozenset(data), tags=tags)

    def __contains__(self, name: object) -> bool:
        """Tell whether it has a function or variable of this name."""
        return name in self.functions or name in self.data


def problems(module: SideModule, others: Sequence[Interface]) -> Iterator[tuple[str, str]]:
    """Give a finding's code and text for each import of `module` that neither it nor `others`, in order, can satisfy."""
    own = Interface.of(module.module)
    missing = []
    for item in module.imports:
        if item.kind in {"table", "memory"} or (item.kind == "global" and item.module == "env" and item.name in BASES):
            expected = {"table": TABLE, "memory": MEMORY}.get(item.kind, item.name)
            if (item.module, item.name) != ("env", expected):
                yield "undefined", f"there is no such {item.kind}: {item.module}.{item.name}"
        elif item.module not in {"env", "GOT.mem", "GOT.func"}:
            yield (
                "host-import",
                f"it imports {item.name} from the host's {item.module!r}: only python.wasm's can be used",
            )
        elif item.kind == "tag":
            yield from _tag(item, others)
        else:
            owner = next((found for found in (own, *others) if item.name in found), None)
            if owner is None:
                if not module.is_weak(item):
                    missing.append(item.name)
            elif problem := _misfit(item, owner):
                yield problem
    if missing:
        yield "undefined", f"it needs what WASI Python does not have: {', '.join(sorted(set(missing)))}"


def _tag(item: Import, others: Sequence[Interface]) -> Iterator[tuple[str, str]]:
    """Exceptions cross modules by a tag of one name and type; where nobody has it, the loader makes one."""
    owner = next((found for found in others if item.name in found.tags), None)
    if item.module != "env":
        yield "undefined", f"there is no such tag: {item.module}.{item.name}"
    elif owner is not None and owner.tags[item.name] != item.type:
        yield "signature", f"its tag {item.name} carries {item.type}, but {owner.tags[item.name]} in {owner.where}"


def _misfit(item: Import, owner: Interface) -> tuple[str, str] | None:
    """Tell what is wrong with an import that `owner` has by name."""
    if item.module != "env":
        if item.type != GlobalType(I32, mutable=True):
            return "signature", f"{item.module}.{item.name} is not imported as a mutable i32"
        if item.name not in (owner.functions if item.module == "GOT.func" else owner.data):
            kind = "variable" if item.module == "GOT.func" else "function"
            return "signature", f"{item.name} is a {kind} in {owner.where}"
        return None
    if item.kind != "func":
        return "undefined", f"there is no such global: env.{item.name}"
    if item.name not in owner.functions:
        return "signature", f"{item.name} is a variable in {owner.where}, not a function"
    if owner.functions[item.name] != item.type:
        return "signature", f"{item.name} is declared {item.type}, but is {owner.functions[item.name]} in {owner.where}"
    return None
