"""python.wasm as a process: what it sees of the host, how it starts and how it ends."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enum, and is not needed
import _thread
import ctypes
import os
import time

from hatch_wasi.errors import HatchWasiError, UsageError
from hatch_wasi.runtime.affinity import DURATION, Start
from hatch_wasi.runtime.ending import die_by
from hatch_wasi.runtime.engine import I32, THREAD_STACK, Engine, Exited, Rejected, Trapped
from hatch_wasi.runtime.entries import Entries
from hatch_wasi.runtime.signals import Signals
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
TIMED_OUT = 124
"""Exit status of a process that ran longer than it may, as `timeout` has it."""
WATCH = 0.5
"""Seconds between looks whether a signal was missed."""


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
        self._signals: Signals | None = None
        self._waiting: Waiting | None = None
        self._module = module
        self.status = 0
        self._entries: Entries | None = None
        self._space: Space | None = None
        self._failure: BaseException | None = None
        self._leave: Callable[[], object] = bool
        self._editor: Editor | None = None
        self._is_over = False
        self._has_passed_on = False
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

    def run(self, leave: Callable[[], object] = bool, *, seconds: float | None = None) -> int:
        """Run it to its end in a thread with a large stack, and return its exit status; for the main thread.

        The status is `-SIGINT` after a KeyboardInterrupt that it did not catch. `leave` is called if the process is to
        end at once. After `seconds`, it ends in any case, with status 124: this thread goes on whatever the guest does,
        as ctypes releases the interpreter's lock during each call. Interrupting the guest's code itself, by wasmtime's
        epochs, would make all code slower and would not end a call of the host. Raises `Trapped` if the guest crashes.
        """
        self._leave = leave
        self._main_thread = _thread.get_ident()
        deadline = None if seconds is None else time.monotonic() + seconds
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            _signal.signal(_signal.SIGINT, self._on_interrupt)
        before = _thread.stack_size(THREAD_STACK)
        self._ended.acquire()
        start = Start()
        try:
            _thread.start_new_thread(self._main, ())
            is_called = self._is_called(DURATION, deadline)
        except RuntimeError as error:
            message = f"no memory for a stack of {THREAD_STACK >> 20} MiB: {error}"
            raise HatchWasiError(message) from error
        finally:
            _thread.stack_size(before)
            start.release()
        while not is_called or self._serve(deadline):
            is_called = self._is_called(WATCH, deadline)
            if self._signals is not None:
                self._signals.poke()
            if not is_called and deadline is not None and time.monotonic() >= deadline:
                self._time_out(seconds)
        self._is_over = True
        if isinstance(self._failure, Trapped):
            self._failure.message = f"the guest crashed: {self._failure.message}"
        if self._failure is not None:
            raise self._failure
        return -_signal.SIGINT if self._is_interrupted() else self.status

    def _serve(self, deadline: float | None) -> bool:
        """Read a line if the guest waits for one; returns False if it does not, which means that it has ended."""
        editor = self._editor
        if editor is None or not editor.waits:
            return False
        try:
            editor.serve(None if deadline is None else deadline - time.monotonic())
        except KeyboardInterrupt:  # the signal that ended the reading came just before it ended by itself
            if deadline is None and not editor.is_abandoned:
                raise
        return True

    def _is_interrupted(self) -> bool:
        """Tell whether a KeyboardInterrupt ended the guest, or a SIGINT came so late that it has not looked at it."""
        if self._signals is None:
            return False
        is_unseen = self._has_passed_on and self._signals.is_pending
        return is_unseen or (self.status == INTERRUPTED and self._signals.is_unhandled)

    def _is_called(self, seconds: float, deadline: float | None) -> bool:
        """Wait until the guest has ended or wants a line, no longer than `seconds` or until the deadline."""
        left = seconds if deadline is None else min(seconds, deadline - time.monotonic())
        return self._ended.acquire(timeout=max(left, 0))

    def _time_out(self, seconds: float | None) -> None:
        """End the process; the guest's thread cannot be ended alone."""
        self._leave()
        os.write(2, f"error: the time is up: the guest ran for {seconds:g} s (--timeout)\n".encode())
        os._exit(TIMED_OUT)

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
        if self._entries is not None and self._entries.loader is not None:
            self._entries.loader.explain(trap)
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
            hint = "Python needs more than --max-memory or --max-table allows" if "limits" in str(error) else None
            raise HatchWasiError(message, hint=hint) from error
        finally:
            engine.api.wasmtime_linker_delete(linker)
        self._space = space = Space(engine, instance)
        start = space.function(b"_start", b"", b"")
        self._signals = Signals(space)
        waiting.attach(space, self._signals)
        self._entries = Entries(space, self._load)
        self._entries.install()
        self._install_editor(space)
        self._change_folder(space)
        start()

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
        has not reacted to the one before, or has ended.
        """
        if self._is_over or self._signals is None or not self._signals.interrupt():
            return False
        self._has_passed_on = True
        if self._waiting is not None and is_waiting:
            self._waiting.interrupt()
        return True

    def _install_editor(self, space: Space) -> None:
        """Let the guest have its lines edited, if they are typed on a terminal."""
        if self._entries is None or not self._entries.takes_lines or not (os.isatty(0) and os.isatty(1)):
            return
        from hatch_wasi.runtime.editing import Editor, is_possible

        if is_possible():
            self._editor = Editor(space, self._ended.release, self._main_thread, self.history)
            self._entries.install_editor(self._editor.edit)

    def _change_folder(self, space: Space) -> None:
        """Let the guest begin in its working directory: wasi-libc starts every process in `/`."""
        if self._cwd != "/":
            path = space.string(os.fsencode(self._cwd))
            space.function(b"chdir", I32, I32)(path)
            space.free(path)


def _strings(words: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * max(len(words), 1))(*(os.fsencode(word) for word in words))
