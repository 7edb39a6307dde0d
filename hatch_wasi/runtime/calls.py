"""What the guest's libffi (cpython/guest/ffi.c) needs and cannot make: code for types of functions, made once for each."""

from __future__ import annotations

import re
from ctypes import byref

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime.capi import FUNC, VALUE_FUNCREF, Tagged
from hatch_wasi.runtime.engine import I32, Rejected
from hatch_wasi.runtime.signature import arity
from hatch_wasi.runtime.stubs import probe_module
from hatch_wasi.runtime.typed import call_module, closure_module, copy_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hatch_wasi.runtime.scope import Scope

__all__ = ["Calls"]

LETTERS = {"i": 0x7F, "j": 0x7E, "f": 0x7D, "d": 0x7C}
PARAMETERS = 1000
"""The most that engines take (WebAssembly's JavaScript interface, "Implementation limits")."""
COUNT = 1024
"""The most functions that are made at once."""
FOUND = re.compile(r"found type `\(func(?: \(param ([^()]*)\))?(?: \(result ([^()]*)\))?\)`")
"""The end of wasmtime's message about an import of another type. Types with parentheses of their own do not match."""
WRITTEN = {"i32": "i", "i64": "j", "f32": "f", "f64": "d"}


class Calls:
    """Makes that code for one guest."""

    def __init__(self, scope: Scope) -> None:
        """Put what is made into the table of `scope`'s guest."""
        self._scope = scope
        self._space = scope.space
        self._engine = scope.space.engine
        self._stubs: dict[str, int] = {}
        self._copy = 0
        self._probe = 0

    def stub(self, signature: int) -> int:
        """Give the slot of a function that calls those of a type; `signature` is the address of its text.

        This and the next two raise `LoadError` or `Rejected` for what cannot be.
        """
        text = self._space.text(signature, PARAMETERS + 2)
        if text not in self._stubs:
            code = call_module(*_parse(text))
            self._stubs[text] = self._place(code, [self._space.table, self._space.memory], I32 * 3, I32)
        return self._stubs[text]

    def closures(self, signature: int, handler: int, first: int, step: int, count: int) -> int:
        """Give the first of `count` slots with functions of a type, each of which calls `handler`; or with nothing."""
        space = self._space
        if not 0 < count <= COUNT:
            message = f"{count} functions at once: they must be 1 to {COUNT}"
            raise LoadError(message)
        if not signature:
            slot = space.grow_table(count)
            self._scope.arities.store(slot, bytes(count))
            return slot
        parameters, results = _parse(space.text(signature, PARAMETERS + 2))
        values = [(first + step * index) & 0xFFFFFFFF for index in range(count)]
        slot = space.grow_table(count)
        module = self._engine.compile(closure_module(parameters, results, handler, values, slot))
        try:
            self._engine.instantiate_with(module, [space.table, space.memory, space.stack_pointer])
        finally:
            self._engine.api.wasmtime_module_delete(module)
        self._scope.arities.store(slot, bytes([arity(parameters, results)]) * count)
        return slot

    def copier(self) -> int:
        """Give the slot of a function that copies what is in one slot to another."""
        if not self._copy:
            self._copy = self._place(copy_module(), [self._space.table], I32 * 2, b"")
        return self._copy

    def describe(self, slot: int) -> str:
        """Write the type of the function in a slot as a signature; empty if there is none, or it has other types.

        The C API's own description aborts the process for types that it cannot name. wasmtime's message about an import
        that is of another type names all of them.
        """
        engine, value = self._engine, Tagged()
        found = engine.api.wasmtime_table_get(engine.context, self._space.table.item, slot, byref(value))
        if not found or value.kind != VALUE_FUNCREF or not value.of[0]:
            return ""
        self._probe = self._probe or engine.compile(probe_module())
        try:
            engine.instantiate_with(self._probe, [Tagged(FUNC, value.of)])
        except Rejected as refusal:
            return _signature(str(refusal))
        return ""

    def _place(self, code: bytes, externs: list[Tagged], parameters: bytes, results: bytes) -> int:
        """Instantiate a module and put its function `f` into the table."""
        module = self._engine.compile(code)
        try:
            made = self._engine.item(self._engine.instantiate_with(module, externs), b"f", FUNC)
        finally:
            self._engine.api.wasmtime_module_delete(module)
        if made is None:
            message = "a function that calls others was not made"
            raise LoadError(message)
        slot = self._space.slot()
        self._space.set_slot(slot, made)
        self._scope.arities.store(slot, bytes([arity(parameters, results)]))
        return slot


def _parse(text: str) -> tuple[bytes, bytes]:
    """Read a signature: its result and its parameters, a letter each."""
    if not text or len(text) > PARAMETERS + 1 or not set(text[1:]) <= LETTERS.keys() or text[0] not in {*LETTERS, "v"}:
        message = f"{text[:40]!r} is no type of a function"
        raise LoadError(message)
    return bytes(LETTERS[letter] for letter in text[1:]), bytes(LETTERS[letter] for letter in text[0] if letter != "v")


def _signature(refusal: str) -> str:
    """Read the type that a function was found to have off wasmtime's message, as a signature; empty if it has none."""
    found = FOUND.search(refusal)
    if found is None:
        return ""
    parameters, results = ([WRITTEN.get(word, "?") for word in (side or "").split()] for side in found.groups())
    if len(results) > 1 or "?" in (*parameters, *results):
        return ""
    return "".join((*(results or "v"), *parameters))
