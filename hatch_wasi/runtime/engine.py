"""One engine and one store of wasmtime, and the two ways across the border between host and guest.

The host calls the guest through `Function` alone, and the guest calls the host through `Engine.host_function` alone.
Everything on the guest's side may be hostile: `Function` has wasmtime compare the types of each call, and no Python
exception leaves a host function.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import byref

from hatch_wasi.errors import HatchWasiError, LoadError
from hatch_wasi.runtime.capi import CALLBACK, FUNC, TAG, VALTYPES, VALUE_I32, Api, Tagged, Vector, func_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["I32", "SETTINGS", "STACK", "THREAD_STACK", "Engine", "Exited", "Function", "Rejected", "Trapped"]

STACK = 48 << 20
"""Bytes of stack for compiled code. CPython limits its C recursion by count (Py_C_RECURSION_LIMIT, 500 on WASI), and
its deepest frames (the compiler's, on nested expressions) are far below this."""
THREAD_STACK = STACK + (16 << 20)
"""Stack of the thread that runs the guest: wasmtime's functions and Python's callbacks need some of their own."""
I32 = b"\x7f"
"""The value type, as a module writes it."""
SETTINGS = "exceptions"
"""What changes compiled code; part of the code cache's keys."""
TABLE_SLOTS = 10_000_000
"""Default limit of a table; each slot takes 8 bytes of the host."""
INSTANCES = 20_000
"""Limit of instances. Each takes about 20 KB and 2 memory maps of the host, which has 65,530 maps for a process. A side
module is one instance, and so is each stub that the loader makes for it."""
NESTING = 64
"""Limit of host functions that run at once, each called by the guest that the one before called. Each level takes about
10 of the 1,000 Python frames that CPython allows by default, and ctypes cannot report an error that it meets itself."""
KINDS = ("a function", "a global", "a table", "a memory", "a shared memory", "a tag")
"""Of exports, by `wasmtime_extern_kind_t`."""


class Trapped(HatchWasiError):
    """The guest did something impossible, or the host ended it: the message says why, then where."""

    exit_code = 134  # what a shell gives for a process that abort() ended

    def __init__(self, text: str) -> None:
        """Take wasmtime's text apart."""
        # A trap is rare, and this module is not needed for anything else.
        from hatch_wasi.runtime import traps

        cause, self.frames = traps.take_apart(text)
        self._calls = traps.calls(self.frames)
        self.thrown: tuple[Tagged, int] | None = None
        super().__init__("")
        self.explain(*traps.in_words(cause, self.frames))

    def __str__(self) -> str:
        """Return what `explain` was told last."""
        return self.message

    def explain(self, cause: str, hint: str | None = None) -> None:
        """Say `cause`, and what is likely to be behind it, in the place of what was said before."""
        from hatch_wasi.text import one_line

        self.cause = one_line(cause)
        self.hint = hint
        self.message = "\n".join((self.cause, *self._calls))

    @property
    def brief(self) -> str:
        """The cause and the innermost function, in one line."""
        return f"{self.cause} (in {self.frames[0]})" if self.frames else self.cause


class Rejected(HatchWasiError):
    """wasmtime does not accept a module, or its imports."""


class Exited(Exception):
    """The guest called `proc_exit`."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Function:
    """A function of the guest. The host has no other way to call one.

    wasmtime compares the number and the types of the values with the function's own type at each call, whatever the
    caller believes about that type: nothing is ever read or written beyond the values.
    """

    __slots__ = ("_engine", "_item", "_parameters", "_results")

    def __init__(self, engine: Engine, item: Tagged, parameters: bytes, results: bytes) -> None:
        """Call `item` with i32 and i64 `parameters`, for at most one i32 in `results`."""
        self._engine = engine
        self._item = item
        self._parameters = parameters
        self._results = results

    def __call__(self, *arguments: int) -> int:
        """Call the function and return its result as unsigned, or 0 if it has none.

        Raises `Trapped`, `Exited`, or `Rejected` for a function of another type.
        """
        engine, result, trap = self._engine, Tagged(), ctypes.c_void_p()
        given = (Tagged * max(len(arguments), 1))()
        for place, code, value in zip(given, self._parameters, arguments, strict=False):
            place.kind = VALTYPES[code]
            place.of[0] = value
        call = engine.api.wasmtime_func_call
        count = len(self._results)
        error = call(engine.context, self._item.item, given, len(arguments), byref(result), count, byref(trap))
        engine.check(error, trap)
        if self._results and result.kind != VALUE_I32:
            message = f"a function of the guest has a result of another type than {self._results.hex()}"
            raise Rejected(message)
        return result.of[0] & 0xFFFFFFFF


class Engine:
    """An engine with its one store; everything made in it lives as long as the process."""

    def __init__(self, api: Api, *, memory: int = -1, table: int = TABLE_SLOTS) -> None:
        """Set up wasmtime for deep recursion and for what clang 22 emits.

        `memory` limits linear memory, in bytes (-1: 4 GiB, all that there can be), and `table` a table, in slots.
        """
        config = api.wasm_config_new()
        # In this order: a max_wasm_stack above async_stack_size aborts the process.
        api.wasmtime_config_async_stack_size_set(config, STACK + (2 << 20))
        api.wasmtime_config_max_wasm_stack_set(config, STACK)
        api.wasmtime_config_wasm_exceptions_set(config, True)
        self.api = api
        self.engine: int = api.wasm_engine_new_with_config(config)
        self.store: int = api.wasmtime_store_new(self.engine, None, None)
        self.context: int = api.wasmtime_store_context(self.store)
        api.wasmtime_store_limiter(self.store, memory, table, INSTANCES, -1, -1)
        self.known_tags: list[Tagged] = []
        """Tags of one i32. What was thrown with another is opaque: the C API cannot read every value."""
        self._exit_status: int | None = None
        self._kept: list[object] = []
        self._depth = 0
        self._spare_trap: int | None = self._trap("the host has no memory left")

    def close(self) -> None:
        """Give everything back; for processes that go on afterwards."""
        self.api.wasmtime_store_delete(self.store)
        self.api.wasm_engine_delete(self.engine)

    def text(self, vector: Vector) -> str:
        """Take what wasmtime wrote to `vector`."""
        data = ctypes.string_at(vector.data or 0, vector.size) if vector.size else b""
        self.api.wasm_byte_vec_delete(byref(vector))
        return data.rstrip(b"\0").decode("utf-8", "replace")

    def check(self, error: int | None, trap: ctypes.c_void_p | None = None) -> None:
        """Raise what a call reported: `Exited`, `Trapped` for a trap, `Rejected` for anything else."""
        api, vector = self.api, Vector()
        if trap is not None and trap.value:
            api.wasm_trap_message(trap, byref(vector))
            api.wasm_trap_delete(trap)
            if self._exit_status is not None:
                raise Exited(self._exit_status)
            raise self._trapped(self.text(vector))
        if error:
            api.wasmtime_error_message(error, byref(vector))
            api.wasmtime_error_delete(error)
            text = self.text(vector)
            if self._exit_status is not None:
                raise Exited(self._exit_status)
            raise self._trapped(text) if "wasm backtrace" in text else Rejected(text)

    def _trapped(self, text: str) -> Trapped:
        """Make the exception for a trap; an uncaught exception of the guest leaves its tag and its value."""
        found, value, thrown, api = Trapped(text), Tagged(), Tagged(kind=TAG), self.api
        exception = (ctypes.c_uint64 * 3)()
        if api.wasmtime_context_take_exception(self.context, exception):
            error = api.wasmtime_exnref_tag(self.context, exception, thrown.item)
            known = self.known_tags if not error else ()
            if any(api.wasmtime_tag_eq(self.context, thrown.item, tag.item) for tag in known):
                error = api.wasmtime_exnref_field(self.context, exception, 0, byref(value))
                if not error and value.kind == VALUE_I32:
                    found.thrown = thrown, value.of[0] & 0xFFFFFFFF
            if error:
                api.wasmtime_error_delete(error)
            api.wasmtime_exnref_unroot(exception)
        return found

    def compile(self, data: bytes) -> int:
        """Compile a module (seconds for a large one). Raises `Rejected` with wasmtime's reason."""
        module = ctypes.c_void_p()
        self.check(self.api.wasmtime_module_new(self.engine, data, len(data), byref(module)))
        return module.value or 0

    def map(self, code: str) -> int:
        """Map a compiled module from the file `code`, which the caller trusts. Raises `Rejected`."""
        module = ctypes.c_void_p()
        self.check(self.api.wasmtime_module_deserialize_file(self.engine, os.fsencode(code), byref(module)))
        return module.value or 0

    def export(self, instance: Any, name: bytes) -> Tagged | None:
        """Look up one export."""
        found = Tagged()
        known = self.api.wasmtime_instance_export_get(self.context, byref(instance), name, len(name), byref(found))
        return found if known else None

    def item(self, instance: Any, name: bytes, kind: int) -> Tagged | None:
        """Return the export `name`, or None if there is none. Raises `LoadError` if it is not of `kind`."""
        found = self.export(instance, name)
        if found is not None and found.kind != kind:
            message = f"{name.decode()} is {KINDS[min(found.kind, TAG)]}, not {KINDS[kind]}"
            raise LoadError(message)
        return found

    def function(self, instance: Any, name: bytes, parameters: bytes, results: bytes) -> Function | None:
        """Return the exported function `name` to call it as one of this type, or None if there is no such export.

        The value types are written as in a module. Raises `LoadError` if the export is not a function.
        """
        found = self.item(instance, name, FUNC)
        return None if found is None else Function(self, found, parameters, results)

    def host_function(self, parameters: bytes, results: bytes, work: Callable[..., int | str]) -> Tagged:
        """Make a function that compiled code can call: `work` gets its i32 arguments and returns the i32 result.

        If `work` returns a text instead, that is the message of a trap, which ends the guest. So is any exception.
        """
        count = len(parameters)

        def called(_environment: int, _caller: int, raw: Any, _count: int) -> int | None:
            self._depth += 1
            try:
                if self._depth > NESTING:
                    return self._trap(f"host and guest call each other more than {NESTING} levels deep")
                # An empty slice with a step is not empty to ctypes.
                result = work(*raw[0 : 4 * count : 4]) if count else work()
                if isinstance(result, str):
                    return self._trap(result)
                if results:
                    raw[0] = result & 0xFFFFFFFF
            except BaseException as error:  # noqa: BLE001 - ctypes would print it and return a random pointer
                return self._failed(error)
            finally:
                self._depth -= 1
            return None

        callback = CALLBACK(called)
        self._kept.append(callback)
        kind = func_type(self.api, parameters, results)
        made = Tagged(kind=FUNC)
        self.api.wasmtime_func_new_unchecked(self.context, kind, callback, None, None, made.item)
        self.api.wasm_functype_delete(kind)
        return made

    def _trap(self, text: str) -> int:
        """Make a trap that says `text`; wasmtime takes it over."""
        data = text.encode("utf-8", "replace")
        return int(self.api.wasmtime_trap_new(data, len(data)))

    def _failed(self, error: BaseException) -> int:
        """Make a trap of an exception that a host function raised, out of the spare one if nothing else works."""
        try:
            return self._trap(error.cause if isinstance(error, Trapped) else f"the host failed: {error!r}")
        except BaseException:  # noqa: BLE001 - there is no memory
            spare, self._spare_trap = self._spare_trap, None
            if spare is None:
                os._exit(Trapped.exit_code)
            return spare

    def wasi_linker(self) -> int:
        """Make a linker that knows WASI; its owner deletes it.

        wasmtime's own `proc_exit` traps for a status above 125; processes have statuses to 255.
        """
        linker: int = self.api.wasmtime_linker_new(self.engine)
        self.check(self.api.wasmtime_linker_define_wasi(linker))
        self.api.wasmtime_linker_allow_shadowing(linker, True)
        self.define(linker, b"wasi_snapshot_preview1", b"proc_exit", self.host_function(I32, b"", self._proc_exit))
        return linker

    def define(self, linker: int, module: bytes, name: bytes, item: Tagged) -> None:
        """Give `item` to whoever imports `module.name`."""
        self.check(
            self.api.wasmtime_linker_define(linker, self.context, module, len(module), name, len(name), byref(item))
        )

    def _proc_exit(self, status: int) -> str:
        self._exit_status = status & 0xFF
        return "exit"

    def linked(self, linker: int, module: bytes, name: bytes) -> Tagged:
        """Give what `linker` has for `module.name`. Raises `Rejected` if that is nothing."""
        found = Tagged()
        if not self.api.wasmtime_linker_get(linker, self.context, module, len(module), name, len(name), byref(found)):
            message = f"wasmtime has no {module.decode()}.{name.decode()}"
            raise Rejected(message)
        return found

    def instantiate(self, linker: int, module: int) -> Any:
        """Instantiate a compiled module with what `linker` knows."""
        instance, trap = (ctypes.c_uint64 * 2)(), ctypes.c_void_p()
        error = self.api.wasmtime_linker_instantiate(linker, self.context, module, byref(instance), byref(trap))
        self.check(error, trap)
        return instance

    def instantiate_with(self, module: int, externs: ctypes.Array[Tagged] | list[Tagged]) -> Any:
        """Instantiate a compiled module with its imports, in order. Raises `Rejected`, `Trapped` or `Exited`."""
        given = (Tagged * max(len(externs), 1))(*externs) if isinstance(externs, list) else externs
        instance, trap = (ctypes.c_uint64 * 2)(), ctypes.c_void_p()
        error = self.api.wasmtime_instance_new(self.context, module, given, len(externs), byref(instance), byref(trap))
        self.check(error, trap)
        return instance
