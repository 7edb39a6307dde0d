"""python.wasm as a process: what it sees of the host, how it starts and how it ends."""

import ctypes
import os
import threading
from collections.abc import Mapping, Sequence
from ctypes import byref

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.engine import THREAD_STACK, Engine, Exited, Rejected, Tagged

__all__ = ["Guest", "Mount"]


class Mount:
    """A folder of the host and where the guest sees it."""

    __slots__ = ("guest", "host", "writable")

    def __init__(self, host: str, guest: str, *, writable: bool = False) -> None:
        """Let the guest see `host` as `guest`, both absolute paths."""
        self.host = host
        self.guest = guest
        self.writable = writable


class Guest:
    """One run of python.wasm."""

    def __init__(self, engine: Engine, module: int) -> None:
        """Prepare to run `module`, python.wasm compiled."""
        self.engine = engine
        self._module = module
        self.status = 0
        self._failure: BaseException | None = None

    def configure(
        self, argv: Sequence[str], environment: Mapping[str, str], mounts: Sequence[Mount], cwd: str
    ) -> None:
        """Set what the guest sees; `cwd` is a guest path. Raises `HatchWasiError` for a folder that cannot be opened."""
        api = self.engine.api
        config = api.wasi_config_new()
        words = _strings(argv)
        api.wasi_config_set_argv(config, len(argv), words)
        names, values = _strings(tuple(environment)), _strings(tuple(environment.values()))
        api.wasi_config_set_env(config, len(environment), names, values)
        api.wasi_config_inherit_stdin(config)
        api.wasi_config_inherit_stdout(config)
        api.wasi_config_inherit_stderr(config)
        for mount in mounts:
            opened = api.wasi_config_preopen_dir(
                config, os.fsencode(mount.host), os.fsencode(mount.guest), mount.writable
            )
            if not opened:
                message = f"the folder {mount.host} cannot be opened for the guest"
                raise HatchWasiError(message)
        self.engine.check(api.wasmtime_context_set_wasi(self.engine.context, config))
        self._cwd = cwd

    def run(self) -> int:
        """Run it to its end in a thread with a large stack, and give its exit status. Raises `Trapped`."""
        threading.stack_size(THREAD_STACK)
        thread = threading.Thread(target=self._main, name="guest", daemon=True)
        thread.start()
        thread.join()
        if self._failure is not None:
            raise self._failure
        return self.status

    def _main(self) -> None:
        try:
            self._start()
        except Exited as ended:
            self.status = ended.status
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error

    def _start(self) -> None:
        engine = self.engine
        linker = engine.wasi_linker()
        try:
            instance = engine.instantiate(linker, self._module)
        except Rejected as error:
            message = f"python.wasm cannot be started: {error}"
            raise HatchWasiError(message) from error
        finally:
            engine.api.wasmtime_linker_delete(linker)
        start = engine.export(instance, b"_start")
        if start is None:
            message = "python.wasm does not export _start"
            raise HatchWasiError(message)
        self._change_folder(instance)
        engine.call(start)

    def _change_folder(self, instance: object) -> None:
        """Let the guest begin in its working directory: wasi-libc starts every process in `/`."""
        engine = self.engine
        memory, chdir, malloc = (engine.export(instance, name) for name in (b"memory", b"chdir", b"malloc"))
        if memory is None or chdir is None or malloc is None:
            return
        path = os.fsencode(self._cwd) + b"\0"
        address = engine.call(malloc, len(path))
        ctypes.memmove(engine.api.wasmtime_memory_data(engine.context, memory.item) + address, path, len(path))
        engine.call(chdir, address)


def _strings(words: Sequence[str]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * max(len(words), 1))(*(os.fsencode(word) for word in words))
