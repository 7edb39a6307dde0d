"""python.wasm as a process: what it sees of the host, how it starts and how it ends."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enum, and is not needed
import _thread
import ctypes
import os

from hatch_wasi.errors import HatchWasiError, UsageError
from hatch_wasi.runtime.affinity import DURATION, Start
from hatch_wasi.runtime.ending import die_by
from hatch_wasi.runtime.engine import I32, THREAD_STACK, Engine, Exited, Rejected, Trapped
from hatch_wasi.runtime.space import Space
from hatch_wasi.runtime.waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hatch_wasi.runtime.editing import Editor
    from hatch_wasi.runtime.loader import Loader
    from hatch_wasi.runtime.view import View

__all__ = ["Guest"]

INTERRUPTED = 130
"""Exit status of the guest after a KeyboardInterrupt that it did not catch; a program may also choose it."""
WATCH = 0.5
"""Seconds between looks whether a signal was missed."""
SIGNALS_VERSION = 1
"""Of `struct hatch_wasi_signals`."""
DL_VERSION = 1
"""Of `struct hatch_wasi_dl`."""
ENTRIES = (("open", 4), ("sym", 2), ("error", 2))
"""The loader's functions in the order of that struct, from its third field on, and how many parameters they have."""
FFI_OFFSET, FFI_ENTRIES = 32, (("call", 1), ("closure", 5), ("copy", 0), ("describe", 3))
"""Those that a python.wasm with libffi has a place for, behind what the first ones had."""
EDIT_OFFSET = 48
"""Where the function is that edits lines."""
SIGNALS_SIZE, UNHANDLED_OFFSET = 32, 28
"""Size of `struct hatch_wasi_signals` since it tells of a KeyboardInterrupt that was not caught, and where."""


class Guest:
    """One run of python.wasm."""

    def __init__(self, engine: Engine, module: int, load: Callable[[Space, int], Loader]) -> None:
        """Prepare to run `module`, python.wasm compiled.

        `load` makes the loader, given where it is to work and the address of `hatch_wasi_dl`.
        """
        self.engine = engine
        self._load = load
        self._cwd = "/"
        self._ended = _thread.allocate_lock()
        self._signals: tuple[int, ...] | None = None
        self._waiting: Waiting | None = None
        self._module = module
        self.status = 0
        self._loader: Loader | None = None
        self._space: Space | None = None
        self._failure: BaseException | None = None
        self._leave: Callable[[], object] = bool
        self._editor: Editor | None = None
        self._unhandled = 0
        self._main_thread = 0
        self.history: str | None = None
        """File that keeps what is typed at the prompt."""

    def configure(self, argv: Sequence[str], view: View) -> None:
        """Set what the guest gets and sees. Raises `HatchWasiError` for a folder that cannot be opened."""
        api = self.engine.api
        config = api.wasi_config_new()
        environment = view.environment
        names, values = _strings(list(environment)), _strings(list(environment.values()))
        if not api.wasi_config_set_argv(config, len(argv), _strings(argv)):
            message = "an argument is not UTF-8, which is what WASI passes on"
            raise UsageError(message)
        if not api.wasi_config_set_env(config, len(environment), names, values):
            message = "an environment variable is not UTF-8, which is what WASI passes on"
            raise UsageError(message)
        api.wasi_config_inherit_stdin(config)
        api.wasi_config_inherit_stdout(config)
        api.wasi_config_inherit_stderr(config)
        for mount in view.mounts:
            host, guest = os.fsencode(mount.host), os.fsencode(mount.guest)
            if not api.wasi_config_preopen_dir(config, host, guest, mount.writable):
                message = f"the folder {mount.host} cannot be opened for the guest"
                raise HatchWasiError(message, hint="is it readable, and its path UTF-8?")
        self.engine.check(api.wasmtime_context_set_wasi(self.engine.context, config))
        self._cwd = view.cwd

    def run(self, leave: Callable[[], object] = bool) -> int:
        """Run it to its end in a thread with a large stack, and return its exit status; for the main thread.

        The status is `-SIGINT` after a KeyboardInterrupt that it did not catch. `leave` is called if the process is to
        end at once. Raises `Trapped` if it crashes.
        """
        self._leave = leave
        self._main_thread = _thread.get_ident()
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            _signal.signal(_signal.SIGINT, self._on_interrupt)
        _thread.stack_size(THREAD_STACK)
        self._ended.acquire()
        start = Start()
        try:
            _thread.start_new_thread(self._main, ())
            is_called = self._ended.acquire(timeout=DURATION)
        except RuntimeError as error:
            message = f"no memory for a stack of {THREAD_STACK >> 20} MiB: {error}"
            raise HatchWasiError(message) from error
        finally:
            start.release()
        while not is_called or self._serve():
            is_called = self._ended.acquire(timeout=WATCH)
            self._poke()
        if isinstance(self._failure, Trapped):
            self._failure.message = f"the guest crashed: {self._failure.message}"
        if self._failure is not None:
            raise self._failure
        return -_signal.SIGINT if self._is_interrupted() else self.status

    def _serve(self) -> bool:
        """Read a line if the guest waits for one; returns False if it does not, which means that it has ended."""
        if self._editor is None or not self._editor.waits:
            return False
        self._editor.serve()
        return True

    def _is_interrupted(self) -> bool:
        """Tell whether a KeyboardInterrupt ended the guest."""
        return self.status == INTERRUPTED and self._signals is not None and self._unhandled_word() != 0

    def _unhandled_word(self) -> int:
        space = self._space
        return int.from_bytes(space.read(self._unhandled, 4), "little") if space and self._unhandled else 0

    def _main(self) -> None:
        try:
            self._start()
        except Exited as ended:
            self.status = ended.status
        except Trapped as trap:
            self._explain(trap)
            self._failure = trap
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
        finally:
            if self._editor is not None:
                self._editor.abandon()
            self._ended.release()

    def _explain(self, trap: Trapped) -> None:
        """Say more of a trap than wasmtime can: what was thrown, or that the C stack, at the memory's start, is full."""
        if self._loader is not None:
            self._loader.explain(trap)
        if self._space is not None and self._space.stack_is_full():
            from hatch_wasi.runtime.traps import STACK_FULL

            trap.explain(*STACK_FULL)

    def _start(self) -> None:
        engine = self.engine
        linker = engine.wasi_linker()
        self._waiting = waiting = Waiting(engine, linker)
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
        self._space = space = Space(engine, instance)
        waiting.attach(space)
        self._find_signals(space)
        self._install_loader(space)
        self._change_folder(space)
        engine.call(start)

    def _find_signals(self, space: Space) -> None:
        """Find where the guest's `hatch_wasi_signals` says that a signal handler would store."""
        raw = space.read(space.address_of(b"hatch_wasi_signals"), 28)
        words = [int.from_bytes(raw[at : at + 4], "little") for at in range(0, 28, 4)]
        if words[0] == SIGNALS_VERSION:
            self._signals = (space.base(), *words[2:])
            if words[1] >= SIGNALS_SIZE:
                struct = space.address_of(b"hatch_wasi_signals")
                self._unhandled = int.from_bytes(space.read(struct + UNHANDLED_OFFSET, 4), "little")

    def _on_interrupt(self, *_: object) -> None:
        """Pass SIGINT on; if the guest cannot take it yet, or has not taken the one before, end it."""
        editor = self._editor
        if editor is not None and editor.is_reading and not editor.is_completing:
            # The guest waits for the line, and reacts when it has the answer.
            if not editor.is_abandoned:
                self.interrupt(is_waiting=False)
            raise KeyboardInterrupt
        if not self.interrupt():
            self._leave()
            die_by(_signal.SIGINT)

    def interrupt(self, *, is_waiting: bool = True) -> bool:
        """Do what CPython's own handler of SIGINT does, from any thread: the guest raises KeyboardInterrupt soon.

        `is_waiting` says that this ends a wait of the guest. Returns False if it cannot: the guest has not begun yet,
        or has not reacted to the one before.
        """
        if self._signals is None:
            return False
        base, tripped, sigint, main_state, *_ = self._signals
        if not _word(base + main_state) or _word(base + sigint):
            return False
        # The order of trip_signal in Modules/signalmodule.c. The memory never moves: wasmtime reserves all 4 GiB.
        ctypes.c_uint32.from_address(base + sigint).value = 1
        ctypes.c_uint32.from_address(base + tripped).value = 1
        self._poke()
        if self._waiting is not None and is_waiting:
            self._waiting.interrupt()
        return True

    def _poke(self) -> None:
        """Set the bit that makes the interpreter look for signals. Again if need be: this store is not atomic."""
        if self._signals is not None:
            base, _, sigint, main_state, eval_breaker, pending = self._signals
            state = _word(base + main_state)
            if state and _word(base + sigint):
                ctypes.c_uint32.from_address(base + state + eval_breaker).value |= pending

    def _install_loader(self, space: Space) -> None:
        """Fill in the guest's `hatch_wasi_dl` (cpython/guest/hatch_wasi_dl.h)."""
        struct = space.address_of(b"hatch_wasi_dl")
        version, size = (int.from_bytes(space.read(struct + at, 4), "little") for at in (0, 4))
        if version != DL_VERSION:
            message = f"python.wasm has version {version} of the loader interface, this is hatch-wasi for {DL_VERSION}"
            raise HatchWasiError(message)

        def late(name: str) -> Callable[..., int | str]:
            def call(*arguments: int) -> int | str:
                if self._loader is None:
                    self._loader = self._load(space, struct)
                result: int | str = getattr(self._loader, name)(*arguments)
                return result

            return call

        first = space.grow_table(len(ENTRIES) + len(FFI_ENTRIES))
        for slot, (name, parameters) in enumerate(ENTRIES + FFI_ENTRIES, first):
            space.set_slot(slot, self.engine.host_function(I32 * parameters, I32, late(name)))
        slots = [(first + index).to_bytes(4, "little") for index in range(len(ENTRIES) + len(FFI_ENTRIES))]
        space.write(struct + 8, b"".join(slots[: len(ENTRIES)]))
        if size >= FFI_OFFSET + 4 * len(FFI_ENTRIES):
            space.write(struct + FFI_OFFSET, b"".join(slots[len(ENTRIES) :]))
        if size >= EDIT_OFFSET + 4 and os.isatty(0) and os.isatty(1):
            self._install_editor(space, struct + EDIT_OFFSET)

    def _install_editor(self, space: Space, field: int) -> None:
        """Let the guest have its lines edited, which are typed on a terminal."""
        from hatch_wasi.runtime.editing import Editor, is_possible

        if is_possible():
            self._editor = Editor(space, self._ended.release, self._main_thread, self.history)
            slot = space.grow_table(1)
            space.set_slot(slot, self.engine.host_function(I32 * 3, I32, self._editor.edit))
            space.write(field, slot.to_bytes(4, "little"))

    def _change_folder(self, space: Space) -> None:
        """Let the guest begin in its working directory: wasi-libc starts every process in `/`."""
        chdir = self.engine.export(space.instance, b"chdir")
        if chdir is not None and self._cwd != "/":
            path = space.string(os.fsencode(self._cwd))
            self.engine.call(chdir, path)
            space.free(path)


def _word(address: int) -> int:
    return ctypes.c_uint32.from_address(address).value


def _strings(words: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * max(len(words), 1))(*(os.fsencode(word) for word in words))
