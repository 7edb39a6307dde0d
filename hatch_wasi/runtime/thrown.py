"""C++ exceptions that leave C++: what they say, and how a PyInit_* that throws becomes an ImportError.

Modules that the hook builds export `hatch_wasi_describe_exception` (side_modules/guest/exceptions.cpp); of others' it is
only known that something was thrown.
"""

from __future__ import annotations

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.capi import FUNC
from hatch_wasi.runtime.engine import I32, Exited, Trapped
from hatch_wasi.runtime.signature import TAG, arity
from hatch_wasi.runtime.stubs import guard_module
from hatch_wasi.text import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hatch_wasi.runtime.capi import Tagged
    from hatch_wasi.runtime.resolution import Resolution
    from hatch_wasi.runtime.scope import Loaded, Scope

__all__ = ["Thrown"]

CPP, LONGJMP = "__cpp_exception", "__c_longjmp"
"""The tags that clang throws C++ exceptions and longjmp's values with."""
DESCRIBE = "hatch_wasi_describe_exception"
LIMIT = 1000
"""Bytes of a description."""


class Thrown:
    """Exceptions of one guest."""

    def __init__(self, scope: Scope, resolution: Resolution) -> None:
        """Know the tags by `resolution`."""
        self._scope = scope
        self._resolution = resolution
        self._engine = scope.space.engine
        self._guards: dict[tuple[int, str], int] = {}
        self._code = 0

    def explain(self, trap: Trapped) -> None:
        """Let `trap` say what was thrown, if something was."""
        if trap.thrown is None:
            return
        tag, value = trap.thrown
        if self._is(tag, CPP):
            trap.explain(f"uncaught C++ exception {self._describe(value)}".rstrip())
        elif self._is(tag, LONGJMP):
            trap.explain("longjmp, and no function that called setjmp is active")
        trap.thrown = None

    def _is(self, tag: Tagged, name: str) -> bool:
        known = self._resolution.tag(name, I32)
        return bool(self._engine.api.wasmtime_tag_eq(self._engine.context, tag.item, known.item))

    def _describe(self, exception: int) -> str:
        """Give the type's name and what() of a C++ exception; empty if no module can tell."""
        space = self._scope.space
        for module in self._scope.modules.values():
            if DESCRIBE not in module.functions or module.instance is None:
                continue
            try:
                function = self._scope.function(module, DESCRIBE, I32 * 3, b"")
                buffer, _ = space.allocate_zeroed(LIMIT, 1)
                if function is not None:
                    function(exception, buffer, LIMIT)
                text = space.text(buffer, LIMIT)
                space.free(buffer)
            except (HatchWasiError, Exited):  # the guest may be in any state
                return ""
            return text
        return ""

    def throws(self, module: Loaded) -> bool:
        """Tell whether `module` has to do with C++ exceptions."""
        return any(kind == TAG and name == CPP for _, name, kind, *_ in module.imports)

    def guard(self, module: Loaded, symbol: str) -> int:
        """Give the table slot of a function that calls `module`'s `symbol`, a `PyInit_*`.

        Where that throws, the function gives NULL, with ImportError set.
        """
        key = module.handle, symbol
        if key not in self._guards:
            engine, space = self._engine, self._scope.space
            called = engine.item(module.instance, symbol.encode(), FUNC)
            if called is None or module.functions[symbol][1:3] != (b"", I32):
                return self._scope.slot(module, symbol)
            self._code = self._code or engine.compile(guard_module())

            def report(exception: int) -> int | str:
                return self._import_error(module, exception)

            tag = self._resolution.tag(CPP, I32)
            externs = [space.stack_pointer, tag, called, engine.host_function(I32, I32, report)]
            made = engine.export(engine.instantiate_with(self._code, externs), b"f")
            slot = space.slot()
            if made is not None:
                space.set_slot(slot, made)
            self._scope.arities.store(slot, bytes([arity(b"", I32)]))
            self._guards[key] = slot
        return self._guards[key]

    def _import_error(self, module: Loaded, exception: int) -> int | str:
        """Set ImportError in the guest; gives NULL, or the message of a trap."""
        space = self._scope.space
        text = f"{module.path}: its initialization threw a C++ exception {self._describe(exception)}".rstrip()
        text = one_line(text)
        try:
            kind = int.from_bytes(space.read(space.address_of(b"PyExc_ImportError"), 4), "little")
            setter = space.function(b"PyErr_SetString", I32 * 2, b"")
            message = space.string(text.encode("utf-8", "replace"))
            setter(kind, message)
            space.free(message)
        except (HatchWasiError, Exited):
            return text
        return 0
