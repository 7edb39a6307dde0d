"""Run a plain WASI command module, to its end and with its output: programs of a build, not of a person."""

import ctypes
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hatch_wasi.errors import HatchWasiError, LoadError
from hatch_wasi.runtime.capi import Api, find_library
from hatch_wasi.runtime.codecache import CodeCache
from hatch_wasi.runtime.description import describe_main
from hatch_wasi.runtime.engine import THREAD_STACK, Engine, Exited

__all__ = ["run_attached", "run_command"]


def run_command(
    wasm: Path,
    argv: Sequence[str] = (),
    *,
    folders: Mapping[str, Path] | None = None,
    shown: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
    code: Path | None = None,
) -> tuple[int, str]:
    """Run the command module `wasm` and give its exit status and standard output.

    Parameters: `argv` without the program's name; `folders` maps the guest's absolute paths to folders of the host
    that it may write, `shown` to those that it may only read, and `environment` is the whole environment: by default it
    sees no files and no variables; `code` is a folder for compiled code (the cache's `aot`), for programs that are run
    more than once. What it wrote to standard error is added where it failed (another status than 0), else dropped.

    Raises `Rejected` if it is no command for WASI, `Trapped` if it traps, `HatchWasiError` if a folder is missing.
    """
    library, version = find_library()
    engine = Engine(Api(library))
    try:
        with tempfile.TemporaryDirectory(prefix="hatch-wasi-") as name:
            outputs = Path(name, "stdout"), Path(name, "stderr")
            mounts: list[tuple[str, Path | str, bool]] = [
                (guest, host, True) for guest, host in (folders or {}).items()
            ]
            mounts += [(guest, host, False) for guest, host in (shown or {}).items()]
            words = [os.fsencode(wasm.name), *(os.fsencode(word) for word in argv)]
            _configure(engine, words, outputs, mounts, environment or {})
            data = wasm.read_bytes()
            if code is None:
                module = engine.compile(data)
            else:
                module = CodeCache(str(code), engine, version).load(data, lambda: describe_main(data)).module
            status = _in_thread(lambda: _start(engine, module, wasm))
            told = outputs if status else outputs[:1]
            return status, "".join(path.read_text(encoding="utf-8", errors="replace") for path in told)
    finally:
        engine.close()


def run_attached(
    image: bytes,
    argv: Sequence[str],
    folders: Sequence[tuple[str, Path | str, bool]],
    environment: Mapping[str, str],
    *,
    code: str,
) -> int:
    """Run the command module `image` with this process's standard streams, and return its exit status.

    Parameters: `argv` with the program's name; `folders` are the guest's paths, folders of the host, and whether it may
    write there; `environment` is the whole environment; `code` is a folder for compiled code.

    Raises `Rejected` if it is no command for WASI, `Trapped` if it traps, `HatchWasiError` if a folder is missing.
    """
    library, version = find_library()
    engine = Engine(Api(library))
    try:
        _configure(engine, [os.fsencode(word) for word in argv], None, folders, environment)
        module = CodeCache(code, engine, version).load(image, dict).module
        return _in_thread(lambda: _start(engine, module, argv[0]))
    finally:
        engine.close()


def _configure(
    engine: Engine,
    words: list[bytes],
    outputs: tuple[Path, Path] | None,
    mounts: Sequence[tuple[str, Path | str, bool]],
    environment: Mapping[str, str],
) -> None:
    api = engine.api
    config = api.wasi_config_new()
    names, values = [os.fsencode(name) for name in environment], [os.fsencode(text) for text in environment.values()]
    api.wasi_config_set_argv(config, len(words), (ctypes.c_char_p * len(words))(*words))
    api.wasi_config_set_env(
        config, len(names), (ctypes.c_char_p * len(names))(*names), (ctypes.c_char_p * len(names))(*values)
    )
    if outputs:
        api.wasi_config_set_stdout_file(config, os.fsencode(outputs[0]))
        api.wasi_config_set_stderr_file(config, os.fsencode(outputs[1]))
    else:
        api.wasi_config_inherit_stdin(config)
        api.wasi_config_inherit_stdout(config)
        api.wasi_config_inherit_stderr(config)
    for guest, host, writable in mounts:
        if not api.wasi_config_preopen_dir(config, os.fsencode(host), os.fsencode(guest), writable):
            message = f"the folder {host} cannot be opened for a program on WASI"
            raise HatchWasiError(message)
    engine.check(api.wasmtime_context_set_wasi(engine.context, config))


def _start(engine: Engine, module: int, wasm: Path | str) -> int:
    linker = engine.wasi_linker()
    try:
        start = engine.function(engine.instantiate(linker, module), b"_start", b"", b"")
        if start is None:
            message = f"{wasm} is no command: it does not export _start"
            raise LoadError(message)
        start()
    except Exited as ended:
        return ended.status
    finally:
        engine.api.wasmtime_linker_delete(linker)
    return 0


def _in_thread(work: Callable[[], int]) -> int:
    """Do `work` in a thread with the stack that compiled code may use."""
    before = threading.stack_size(THREAD_STACK)
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(work).result()
    finally:
        threading.stack_size(before)
