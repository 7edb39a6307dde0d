"""python.wasm as a process: what it sees of the host, how it starts and how it ends."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.engine import I32, THREAD_STACK, Engine, Exited, Rejected
from hatch_wasi.runtime.space import Space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hatch_wasi.runtime.loader import Loader

__all__ = ["Guest", "Mount"]

DL_VERSION = 1
"""Of `struct hatch_wasi_dl`."""
ENTRIES = (("open", 4), ("sym", 2), ("error", 2))
"""The loader's functions in the order of that struct, from its third field on, and how many parameters they have."""


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

    def __init__(self, engine: Engine, module: int, load: "Callable[[Space, int], Loader]", *, cwd: str = "/") -> None:
        """Prepare to run `module`, python.wasm compiled; `cwd` is a guest path.

        `load` makes the loader, given where it is to work and the address of `hatch_wasi_dl`.
        """
        self.engine = engine
        self._load = load
        self._cwd = cwd
        self._module = module
        self.status = 0
        self._failure: BaseException | None = None

    def configure(self, argv: Sequence[str], environment: Mapping[str, str], mounts: Sequence[Mount]) -> None:
        """Set what the guest sees. Raises `HatchWasiError` for a folder that cannot be opened."""
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
        space = Space(engine, instance)
        self._install_loader(space)
        self._change_folder(space)
        engine.call(start)

    def _install_loader(self, space: Space) -> None:
        """Fill in the guest's `hatch_wasi_dl` (cpython/guest/hatch_wasi_dl.h)."""
        struct = space.address_of(b"hatch_wasi_dl")
        version = int.from_bytes(space.read(struct, 4), "little")
        if version != DL_VERSION:
            message = f"python.wasm has version {version} of the loader interface, this is hatch-wasi for {DL_VERSION}"
            raise HatchWasiError(message)
        loader: list[Loader] = []

        def late(name: str) -> "Callable[..., int | str]":
            def call(*arguments: int) -> int | str:
                if not loader:
                    loader.append(self._load(space, struct))
                result: int | str = getattr(loader[0], name)(*arguments)
                return result

            return call

        first = space.grow_table(len(ENTRIES))
        for slot, (name, parameters) in enumerate(ENTRIES, first):
            space.set_slot(slot, self.engine.host_function(I32 * parameters, I32, late(name)))
        space.write(struct + 8, b"".join((first + index).to_bytes(4, "little") for index in range(len(ENTRIES))))

    def _change_folder(self, space: Space) -> None:
        """Let the guest begin in its working directory: wasi-libc starts every process in `/`."""
        chdir = self.engine.export(space.instance, b"chdir")
        if chdir is not None and self._cwd != "/":
            path = space.string(os.fsencode(self._cwd))
            self.engine.call(chdir, path)
            space.free(path)


def _strings(words: Sequence[str]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * max(len(words), 1))(*(os.fsencode(word) for word in words))
