"""dlopen, dlsym and dlerror for python.wasm (cpython/guest/dl.c): side modules are linked into the running guest.

https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md. A module is in one of two states for the
rest: loaded, or never heard of; one that fails takes back what it took.
"""

from __future__ import annotations

import posixpath

from hatch_wasi.errors import HatchWasiError, LoadError
from hatch_wasi.runtime.engine import I32, Engine, Exited, Rejected, Trapped
from hatch_wasi.runtime.resolution import Resolution
from hatch_wasi.runtime.scope import Arities, Loaded, Scope
from hatch_wasi.runtime.thrown import Thrown
from hatch_wasi.side_modules.exports import INIT_PREFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hatch_wasi.runtime.calls import Calls
    from hatch_wasi.runtime.codecache import CodeCache
    from hatch_wasi.runtime.space import Space

__all__ = ["Loader"]

RTLD_GLOBAL = 256
"""wasi-libc's <dlfcn.h>; RTLD_DEFAULT is handle 0 there."""
MAIN_HANDLE = 1
NESTING = 32
"""How many modules may be on their way at once, each needed by the one before or opened by its constructors."""


class Loader:
    """The loader of one guest."""

    def __init__(self, space: Space, code: CodeCache, main: dict[str, Any], struct: int, abi: dict[str, str]) -> None:
        """Serve the guest of `space`.

        `main` describes python.wasm, `struct` is the address of its `hatch_wasi_dl`, and `abi` (`soabi`, `wasi_libc`)
        is what side modules must have been built for.
        """
        self._space = space
        self._engine: Engine = space.engine
        self._code = code
        self._abi = abi
        self._main = Loaded("python.wasm", MAIN_HANDLE, main, is_global=True)
        self._main.instance = space.instance
        self._scope = Scope(space, self._main, Arities(space, struct, main["arity"]))
        self._resolution = Resolution(self._scope)
        self._thrown = Thrown(self._scope, self._resolution)
        self._handles: dict[int, Loaded] = {MAIN_HANDLE: self._main, 0: self._main}
        self._count = MAIN_HANDLE
        self._message = b""
        self._depth = 0
        self._too_deep: LoadError | None = None
        self._made_calls: Calls | None = None

    # What the guest calls. None of these may raise.

    def open(self, path: int, image: int, size: int, flags: int) -> int | str:
        """`hatch_wasi_dl.open`."""
        try:
            if not path:
                return MAIN_HANDLE
            name = self._normal(self._space.text(path))
            known = self._scope.modules.get(name)
            if known is None and image:
                known = self._nested(name, image, size, flags)
            if known is None:
                return 0
            if flags & RTLD_GLOBAL:
                for module in known.closure():
                    module.is_global = True
        except Exited:
            return "exit"
        except Exception as error:  # noqa: BLE001 - the guest gets an ImportError, whatever it is
            return self._failed(error)
        return known.handle

    def sym(self, handle: int, name: int) -> int | str:
        """`hatch_wasi_dl.sym`."""
        try:
            return self._find(handle, self._space.text(name))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(error)

    def error(self, buffer: int, size: int) -> int | str:
        """`hatch_wasi_dl.error`."""
        try:
            text = self._message[: max(size - 1, 0)].decode("utf-8", "ignore").encode() + b"\0"
            self._space.write(buffer, text)
        except HatchWasiError:
            return 0
        return len(text)

    def call(self, signature: int) -> int | str:
        """`hatch_wasi_dl.call`."""
        return self._guarded(lambda: self._calls.stub(signature))

    def closure(self, signature: int, handler: int, first: int, step: int, count: int) -> int | str:
        """`hatch_wasi_dl.closure`."""
        return self._guarded(lambda: self._calls.closures(signature, handler, first, step, count))

    def copy(self) -> int | str:
        """`hatch_wasi_dl.copy`."""
        return self._guarded(self._calls.copier)

    def describe(self, function: int, buffer: int, size: int) -> int | str:
        """`hatch_wasi_dl.describe`."""

        def work() -> int:
            text = self._calls.describe(function).encode()
            if not text or len(text) >= size:
                return 0
            self._space.write(buffer, text + b"\0")
            return len(text) + 1

        return self._guarded(work)

    def _guarded(self, work: Callable[[], int]) -> int | str:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(error)

    @property
    def _calls(self) -> Calls:
        if self._made_calls is None:
            # Only for those who use ctypes or cffi.
            from hatch_wasi.runtime.calls import Calls

            self._made_calls = Calls(self._scope)
        return self._made_calls

    def _find(self, handle: int, symbol: str) -> int:
        module = self._handles.get(handle)
        if module is None:
            message = f"{symbol}: {handle:#x} is no handle of a loaded module"
            raise LoadError(message)
        for place in self._scope.visible(module) if module is self._main else module.closure():
            if symbol in place.functions:
                guarded = symbol.startswith(INIT_PREFIXES) and self._thrown.throws(place)
                return self._thrown.guard(place, symbol) if guarded else self._scope.slot(place, symbol)
            if symbol in place.data:
                return self._scope.address(place, symbol)
        message = f"{module.path}: undefined symbol: {symbol}"
        raise LoadError(message)

    def _failed(self, error: Exception) -> int:
        if isinstance(error, HatchWasiError):
            text = error.message if error.hint is None else f"{error.message} ({error.hint})"
        else:
            text = f"the loader failed, which is a defect of hatch-wasi: {error!r}"
        from hatch_wasi.text import one_line

        self._message = one_line(text).encode("utf-8", "replace")
        return 0

    def _normal(self, path: str) -> str:
        """Give the one name that a guest path is known by."""
        if not path.startswith("/"):
            getcwd = self._space.function(b"getcwd", I32 * 2, I32)
            buffer = self._space.allocate(4096)
            found = getcwd(buffer, 4096)
            path = posixpath.join(self._space.text(buffer) if found else "/", path)
            self._space.free(buffer)
        return posixpath.normpath(path)

    def explain(self, trap: Trapped) -> None:
        """Let a trap that ended the guest say what was thrown, if something was."""
        self._thrown.explain(trap)

    # Loading.

    def _nested(self, name: str, image: int, size: int, flags: int) -> Loaded:
        """Load a module, unless it is the last of a long chain of modules that are not loaded yet."""
        if self._depth >= NESTING:
            message = f"{name}: more than {NESTING} modules need or open each other in a chain"
            self._too_deep = LoadError(message, hint="load the last ones first")
            raise self._too_deep
        if not self._depth:
            self._too_deep = None
        self._depth += 1
        try:
            return self._load(name, self._space.view(image, size), flags)
        finally:
            self._depth -= 1

    def _load(self, path: str, image: memoryview, flags: int) -> Loaded:
        try:
            # Megabytes, which need not be copied to see that they are known; the guest does not run meanwhile.
            name = posixpath.basename(path)
            entry = self._code.load(image, lambda: _describe(bytes(image), path), name=name, keep=False)
        except Rejected as error:
            message = f"{path}: not valid WebAssembly: {' '.join(str(error).split())}"
            raise LoadError(message) from error
        module = Loaded(path, self._count + 1, entry.description, is_global=bool(flags & RTLD_GLOBAL))
        self._count += 1
        self._handles[module.handle] = self._scope.modules[path] = module
        try:
            self._check_abi(path, entry.description["abi"])
            module.needed = [self._open_needed(module, name, flags) for name in entry.description["needed"]]
            self._resolution.check(module)
            self._scope.reserve(module)
            self._instantiate(module, entry.module)
            for symbol in module.functions:
                if symbol.startswith(INIT_PREFIXES):
                    self._scope.function(module, symbol, b"", I32)  # CPython calls it whatever its type is
            self._initialize(module)
            self._code.keep(entry)  # not before: the guest can make any number of modules that do not load
        except BaseException:
            self._forget(module)
            raise
        finally:
            self._engine.api.wasmtime_module_delete(entry.module)  # an instance holds what it needs of it
        return module

    def _check_abi(self, path: str, abi: dict[str, str] | None) -> None:
        """Refuse what was built for another Python or wasi-libc; what does not say is taken as it is."""
        for key, what in (("soabi", "Python"), ("wasi_libc", "wasi-libc")):
            built, running = (abi or {}).get(key), self._abi.get(key)
            if built and running and built != running and not (key == "soabi" and built == "abi3"):
                message = f"{path}: built for {what} {built}, but this is {what} {running}"
                allowed = "" if key == "soabi" else ", or run with --allow-abi-mismatch"
                raise LoadError(message, hint=f"install a build for this Python{allowed}")

    def _open_needed(self, module: Loaded, name: str, flags: int) -> Loaded:
        """Load a library that `module` needs: by its run path, beside it, or one of that name that is there already."""
        folder = posixpath.dirname(module.path)
        runtime_path = (place.replace("$ORIGIN", folder) for place in module.description["runtime_path"])
        reasons = []
        for place in (*runtime_path, folder):
            path = self._normal(posixpath.join(place, name))
            if path in self._scope.modules:
                return self._scope.modules[path]
            handle, reason = self._guest_open(path, flags)
            if handle:
                return self._handles[handle]
            if self._too_deep is not None:
                raise self._too_deep  # not wrapped into a message for each level
            reasons.append(reason)
        loaded = self._scope.modules.values()
        for other in loaded:
            if posixpath.basename(other.path) == posixpath.basename(name):
                return other
        message = f"{module.path}: needs {name}, which cannot be loaded: {'; '.join(reasons)}"
        raise LoadError(message)

    def _guest_open(self, path: str, flags: int) -> tuple[int, str]:
        """Open by the guest's own dlopen, which reads the file through WASI; gives its handle, or 0 and the reason."""
        space = self._space
        dlopen, dlerror = space.function(b"dlopen", I32 * 2, I32), space.function(b"dlerror", b"", I32)
        text = space.string(path.encode("utf-8", "surrogateescape"))
        handle = dlopen(text, flags)
        space.free(text)
        if handle:
            return handle, ""
        reason = dlerror()
        return 0, space.text(reason) if reason else "unknown reason"

    def _instantiate(self, module: Loaded, code: int) -> None:
        engine = self._engine
        externs = self._resolution.externs(module)
        stack = self._space.stack()
        try:
            module.instance = engine.instantiate_with(code, externs)
        except Rejected as reason:
            message = f"{module.path}: cannot be linked to python.wasm: {' '.join(str(reason).split())}"
            raise LoadError(message) from reason
        except Trapped as reason:
            self._space.set_stack(stack)
            self._thrown.explain(reason)
            message = f"{module.path}: its start function ended in a trap: {reason.brief}"
            raise LoadError(message) from reason
        self._scope.fill_pending(module)

    def _initialize(self, module: Loaded) -> None:
        """Apply data relocations, then run constructors, as the tool conventions order it."""
        stack = self._space.stack()
        constructors = "_initialize" if "_initialize" in module.functions else "__wasm_call_ctors"
        for name in ("__wasm_apply_data_relocs", constructors):
            function = self._scope.function(module, name, b"", b"")
            if function is None:
                continue
            try:
                function()
            except Trapped as reason:
                self._space.set_stack(stack)
                self._thrown.explain(reason)
                message = f"{module.path}: its {name} ended in a trap: {reason.brief}"
                raise LoadError(message) from reason

    def _forget(self, module: Loaded) -> None:
        """Take back a module that failed, and those that were linked to it while it was on its way."""
        for other in [other for other in self._scope.modules.values() if module in other.closure()]:
            del self._scope.modules[other.path]
            del self._handles[other.handle]
        if module.block and module.instance is None:
            self._space.free(module.block)


def _describe(data: bytes, path: str) -> dict[str, Any]:
    # Only for a module that was never seen before: importing the reader takes longer than loading a known module.
    from hatch_wasi.runtime.description import describe_side

    return describe_side(data, path)
