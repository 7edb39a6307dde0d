"""Whether everything that a side module imports is there when it is loaded: as the loader resolves it, without running it.

The rules are those of `runtime/resolution.py`: a module's own definitions, then python.wasm's, then those of the
libraries that it needs.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hatch_wasi.wasm.entities import FuncType, GlobalType, Import, Limits
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.side_module import TLS, SideModule

__all__ = ["SHOWN", "Interface", "listed", "problems"]

BASES = ("__memory_base", "__table_base", "__stack_pointer")
TABLE, MEMORY = "__indirect_function_table", "memory"
I32 = 0x7F
SHOWN = 10
"""Names that are listed of many."""


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a module offers to others."""

    where: str
    functions: Mapping[str, FuncType]
    data: frozenset[str]
    """Names of variables: exported globals that hold their addresses."""
    tags: Mapping[str, FuncType]
    limits: Mapping[str, Limits]
    """Its memory's and its table's."""

    @classmethod
    def of(cls, module: Module, thread_local: Collection[str] = ()) -> "Interface":
        """Read it off a module; variables that are `thread_local` have no address that others could use."""
        functions: dict[str, FuncType] = {}
        tags: dict[str, FuncType] = {}
        data = set()
        for name, item in module.exports.items():
            if isinstance(item.type, FuncType):
                (functions if item.kind == "func" else tags)[name] = item.type
            elif item.kind == "global" and name not in thread_local:
                kind, value = module.globals[item.index]
                if kind == GlobalType(I32, mutable=False) and value is not None and value.base is None:
                    data.add(name)
        limits = {"memory": module.memories[0]} if module.memories else {}
        if module.tables:
            limits["table"] = module.tables[0]
        return cls(where=module.name, functions=functions, data=frozenset(data), tags=tags, limits=limits)

    @classmethod
    def of_side(cls, side: SideModule) -> "Interface":
        """Read it off a side module."""
        return cls.of(side.module, [name for name, flags in side.dylink.export_flags.items() if flags & TLS])

    def __contains__(self, name: object) -> bool:
        """Tell whether it has a function or variable of this name."""
        return name in self.functions or name in self.data


def listed(names: Collection[str]) -> str:
    """List names for a person, in order; not all of very many."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(sorted(names)[:SHOWN]) + rest


def problems(
    module: SideModule, own: Interface, main: Interface, libraries: Sequence[Interface | None]
) -> Iterator[tuple[str, str]]:
    """Give a finding's code and text for what of `module`'s imports cannot be satisfied.

    `own` is its own interface, `main` python.wasm's, and `libraries` are those that it needs, in order, None for one
    that is not there: what is nowhere may be in it.
    """
    missing = set()
    known = [own, main, *(library for library in libraries if library is not None)]
    for item in module.imports:
        if item.kind in {"table", "memory"} or (item.kind == "global" and item.module == "env" and item.name in BASES):
            yield from _base(item, main)
        elif item.module not in {"env", "GOT.mem", "GOT.func"}:
            yield (
                "host-import",
                f"it imports {item.name} from the host's {item.module!r}: only python.wasm's can be used",
            )
        elif item.kind == "tag":
            yield from _tag(item, main)
        else:
            owner = next((found for found in known if item.name in found), None)
            if owner is None:
                if not module.is_weak(item):
                    missing.add(item.name)
            elif problem := _misfit(item, owner):
                yield problem
    if missing and None not in libraries:
        yield "undefined", f"it needs what WASI Python does not have: {listed(missing)}"


def _base(item: Import, main: Interface) -> Iterator[tuple[str, str]]:
    """Check the memory, the table, and where in them the module is: what every side module is given."""
    expected = {"table": TABLE, "memory": MEMORY}.get(item.kind, item.name)
    if (item.module, item.name) != ("env", expected):
        yield "undefined", f"there is no such {item.kind}: {item.module}.{item.name}"
    elif isinstance(item.type, GlobalType):
        if item.type.value != I32 or (item.name == "__stack_pointer" and not item.type.mutable):
            yield "signature", f"env.{item.name} is not imported as {'a mutable' if 'stack' in item.name else 'an'} i32"
    elif isinstance(item.type, Limits):
        there = main.limits.get(item.kind)
        # Flag 1: it has a maximum. 2, 4: it is shared, or of 64 bits.
        if there and ((item.type.flags ^ there.flags) & 6 or (item.type.flags & 1 and not there.flags & 1)):
            yield item.kind, f"it imports a {item.kind} that is shared, bounded or of 64 bits; python.wasm's is not"


def _tag(item: Import, main: Interface) -> Iterator[tuple[str, str]]:
    """Exceptions cross modules by a tag of one name and type; where python.wasm has none, the loader makes it."""
    if item.module != "env":
        yield "undefined", f"there is no such tag: {item.module}.{item.name}"
    elif main.tags.get(item.name, item.type) != item.type:
        yield "signature", f"its tag {item.name} carries {item.type}, but {main.tags[item.name]} in {main.where}"


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
