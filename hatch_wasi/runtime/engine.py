"""One engine and one store of wasmtime, and calls into what lives there."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.capi import CALLBACK, FUNC, TAG, VALUE_I32, Api, Tagged, Vector, func_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["I32", "SETTINGS", "STACK", "THREAD_STACK", "Engine", "Exited", "Rejected", "Trapped"]

STACK = 48 << 20
"""Bytes of stack for compiled code. CPython limits its C recursion by count (Py_C_RECURSION_LIMIT, 500 on WASI), and
its deepest frames (the compiler's, on nested expressions) are far below this."""
THREAD_STACK = STACK + (16 << 20)
"""Stack of the thread that runs the guest: wasmtime's functions and Python's callbacks need some of their own."""
I32 = b"\x7f"
"""The value type, as a module writes it."""
SETTINGS = "exceptions"
"""What changes compiled code; part of the code cache's keys."""


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

    def explain(self, cause: str, hint: str | None = None) -> None:
        """Say `cause`, and what is likely to be behind it, in the place of what was said before."""
        self.cause = cause
        self.hint = hint
        self.message = "\n".join((cause, *self._calls))

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


class Engine:
    """An engine with its one store; everything made in it lives as long as the process."""

    def __init__(self, api: Api) -> None:
        """Set up wasmtime for deep recursion and for what clang 22 emits."""
        config = api.wasm_config_new()
        # In this order: a max_wasm_stack above async_stack_size aborts the process.
        api.wasmtime_config_async_stack_size_set(config, STACK + (2 << 20))
        api.wasmtime_config_max_wasm_stack_set(config, STACK)
        api.wasmtime_config_wasm_exceptions_set(config, True)
        self.api = api
        self.engine: int = api.wasm_engine_new_with_config(config)
        self.store: int = api.wasmtime_store_new(self.engine, None, None)
        self.context: int = api.wasmtime_store_context(self.store)
        self._exit_status: int | None = None
        self._kept: list[object] = []

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
        """Make the exception for a trap; one of the guest that nobody caught leaves its tag and its value."""
        found, value, thrown = Trapped(text), Tagged(), Tagged(kind=TAG)
        exception = (ctypes.c_uint64 * 3)()
        if self.api.wasmtime_context_take_exception(self.context, exception):
            api = self.api
            errors = (
                api.wasmtime_exnref_tag(self.context, exception, thrown.item),
                api.wasmtime_exnref_field(self.context, exception, 0, byref(value)),
            )
            api.wasmtime_exnref_unroot(exception)
            for error in filter(None, errors):
                api.wasmtime_error_delete(error)
            if not any(errors) and value.kind == VALUE_I32:
                found.thrown = thrown, value.of[0] & 0xFFFFFFFF
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

    def call(self, function: Tagged, *arguments: int) -> int:
        """Call a function of i32 (or i64) parameters and at most one i32 result, which is given as unsigned.

        Raises `Trapped` or `Exited`.
        """
        count = max(len(arguments), 1)
        raw = (ctypes.c_uint64 * (2 * count))()
        raw[: 2 * len(arguments) : 2] = list(arguments)
        trap = ctypes.c_void_p()
        self.check(self.api.wasmtime_func_call_unchecked(self.context, function.item, raw, count, byref(trap)), trap)
        return raw[0] & 0xFFFFFFFF

    def host_function(self, parameters: bytes, results: bytes, work: Callable[..., int | str]) -> Tagged:
        """Make a function that compiled code can call: `work` gets its i32 arguments and gives the i32 result.

        When `work` gives a text instead, that is the message of a trap which ends the guest. It must not raise.
        """
        count = len(parameters)

        def called(_environment: int, _caller: int, raw: Any, _count: int) -> int | None:
            # An empty slice with a step is not empty to ctypes.
            result = work(*raw[0 : 4 * count : 4]) if count else work()
            if isinstance(result, str):
                text = result.encode()
                return int(self.api.wasmtime_trap_new(text, len(text)))
            raw[0] = result & 0xFFFFFFFF
            return None

        callback = CALLBACK(called)
        self._kept.append(callback)
        kind = func_type(self.api, parameters, results)
        made = Tagged(kind=FUNC)
        self.api.wasmtime_func_new_unchecked(self.context, kind, callback, None, None, made.item)
        self.api.wasm_functype_delete(kind)
        return made

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
