"""From a side module's imports to what they stand for."""

from __future__ import annotations

import ctypes
from ctypes import byref

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime import capi
from hatch_wasi.runtime.capi import Tagged, func_type
from hatch_wasi.runtime.signature import FUNC, GLOBAL, MEMORY, TABLE, TAG, render
from hatch_wasi.runtime.stubs import jump_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hatch_wasi.runtime.scope import Loaded, Scope

__all__ = ["Resolution"]

I32 = 0x7F
MODULES = ("env", "GOT.mem", "GOT.func")
GOT = MODULES[1:]
BASES = ("__memory_base", "__table_base", "__stack_pointer")
SHOWN = 5


class Resolution:
    """Resolves for one guest."""

    def __init__(self, scope: Scope) -> None:
        """Look names up in `scope`."""
        self._scope = scope
        self._engine = scope.space.engine
        self._api = self._engine.api
        self._tags: dict[tuple[str, bytes], Tagged] = {}
        self._types = {mutable: self._global_type(mutable=mutable) for mutable in (False, True)}

    def _global_type(self, *, mutable: bool) -> int:
        return int(self._api.wasm_globaltype_new(self._api.wasm_valtype_new(0), int(mutable)))

    def check(self, module: Loaded) -> None:
        """Make sure that all imports can be resolved. Raises `LoadError` with every one that cannot."""
        problems = [problem for item in module.imports if (problem := self._problem(module, *item))]
        if problems:
            rest = f", and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
            message = f"{module.path}: {'; '.join(problems[:SHOWN])}{rest}"
            raise LoadError(message)

    def _problem(self, module: Loaded, space: str, name: str, kind: int, a: Any, b: Any, weak: bool) -> str | None:
        if space not in MODULES:
            return f"it imports {name} from the host module {space!r}: extension modules can only use python.wasm's"
        if kind in {TABLE, MEMORY} or (kind == GLOBAL and space == "env" and name in BASES):
            expected = {TABLE: "__indirect_function_table", MEMORY: "memory"}.get(kind, name)
            return None if name == expected and space == "env" else f"there is no such table or memory: {space}.{name}"
        if kind == TAG:
            return None if space == "env" else f"there is no such tag: {space}.{name}"
        owner = self._scope.owner(module, name)
        if owner is None:
            return None if weak else f"undefined symbol: {name}"
        if space != "env":
            if (a, b) != (I32, True) or kind != GLOBAL:
                return f"{space}.{name} is not imported as a mutable i32"
            wanted = owner.functions if space == "GOT.func" else owner.data
            return (
                None
                if name in wanted
                else f"{name} is a {'variable' if wanted is owner.functions else 'function'} in {owner.path}"
            )
        if kind == GLOBAL:
            return f"there is no such global: env.{name}"
        if name not in owner.functions:
            return f"{name} is a variable in {owner.path}, not a function"
        _, parameters, results, *_ = owner.functions[name]
        if (parameters, results) != (a, b):
            return f"{name} is declared {render(a, b)}, but is {render(parameters, results)} in {owner.path}"
        return None

    def externs(self, module: Loaded) -> ctypes.Array[Tagged]:
        """Give what `module`, checked and reserved, is to be instantiated with."""
        made = (Tagged * len(module.imports))()
        scope = self._scope
        for place, (space, name, kind, a, b, _) in zip(made, module.imports, strict=False):
            if space in GOT:
                owner = scope.owner(module, name)
                find = scope.slot if space == "GOT.func" else scope.address
                self._number(place, find(owner, name) if owner else 0, mutable=True)
            elif kind == FUNC:
                self._function(place, module, name, a, b)
            elif kind in {MEMORY, TABLE}:
                _copy(place, scope.space.memory if kind == MEMORY else scope.space.table)
            elif kind == TAG:
                _copy(place, self.tag(name, a))
            elif name == "__stack_pointer":
                _copy(place, scope.space.stack_pointer)
            else:
                self._number(place, module.memory_base if name == "__memory_base" else module.table_base, mutable=b)
        return made

    def _number(self, place: Tagged, value: int, *, mutable: bool) -> None:
        """Make `place` a new global that holds an address or a slot."""
        content = Tagged(kind=capi.VALUE_I32)
        content.of[0] = value
        place.kind = capi.GLOBAL
        self._engine.check(
            self._api.wasmtime_global_new(self._engine.context, self._types[mutable], byref(content), place.item)
        )

    def _function(self, place: Tagged, module: Loaded, name: str, parameters: bytes, results: bytes) -> None:
        """Make `place` the function that `module` calls `name`."""
        owner = self._scope.owner(module, name)
        if owner is None:
            text = f"call of the weak function {name}, which is nowhere defined"
            stub = self._engine.host_function(parameters, results, lambda *_: text)
        elif owner.instance is not None:
            found = self._engine.item(owner.instance, name.encode(), capi.FUNC)
            if found is None:
                message = f"{owner.path}: it does not export {name}, as it says"
                raise LoadError(message)
            stub = found
        else:
            stub = self._jump(parameters, results, self._scope.slot(owner, name))
        _copy(place, stub)

    def _jump(self, parameters: bytes, results: bytes, slot: int) -> Tagged:
        """Make a function that calls what is in the table's `slot` by then."""
        engine = self._engine
        code = engine.compile(jump_module(parameters, results, slot))
        instance = engine.instantiate_with(code, [self._scope.space.table])
        found = engine.item(instance, b"f", capi.FUNC)
        if found is None:
            message = "a jump function was not made"
            raise LoadError(message)
        return found

    def tag(self, name: str, parameters: bytes) -> Tagged:
        """Give the one exception tag of this name and type: exceptions cross modules only by the same tag."""
        key = (name, parameters)
        if key not in self._tags:
            engine = self._engine
            found = None
            if name in self._scope.main.description["tags"]:
                found = engine.item(self._scope.space.instance, name.encode(), capi.TAG)
            if found is None:
                found = Tagged(kind=capi.TAG)
                kind = func_type(self._api, parameters, b"")
                made = self._api.wasm_tagtype_new(kind)
                engine.check(self._api.wasmtime_tag_new(engine.context, made, found.item))
                self._api.wasm_tagtype_delete(made)
                if parameters == bytes([I32]):
                    engine.known_tags.append(found)
            self._tags[key] = found
        return self._tags[key]


def _copy(place: Tagged, item: Tagged) -> None:
    ctypes.memmove(byref(place), byref(item), ctypes.sizeof(Tagged))
