"""Run a plain WASI command module: how a compiler for WASI is tried before it is trusted."""

import ctypes
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime.capi import Api, find_library
from hatch_wasi.runtime.engine import Engine, Exited

__all__ = ["run_command"]


def run_command(wasm: Path, argv: Sequence[str] = ()) -> tuple[int, str]:
    """Run the command module `wasm` with arguments `argv` and give its exit status and standard output.

    It sees no files and no environment. Raises `Rejected` if it is no command for WASI, `Trapped` if it traps.
    """
    engine = Engine(Api(find_library()[0]))
    api = engine.api
    words = [os.fsencode(wasm.name), *(word.encode() for word in argv)]
    with tempfile.NamedTemporaryFile(prefix="hatch-wasi-") as output:
        config = api.wasi_config_new()
        api.wasi_config_set_argv(config, len(words), (ctypes.c_char_p * len(words))(*words))
        api.wasi_config_set_stdout_file(config, os.fsencode(output.name))
        api.wasi_config_inherit_stderr(config)
        engine.check(api.wasmtime_context_set_wasi(engine.context, config))
        linker = engine.wasi_linker()
        status = 0
        try:
            start = engine.export(engine.instantiate(linker, engine.compile(wasm.read_bytes())), b"_start")
            if start is None:
                message = f"{wasm} is no command: it does not export _start"
                raise LoadError(message)
            engine.call(start)
        except Exited as ended:
            status = ended.status
        finally:
            api.wasmtime_linker_delete(linker)
            engine.close()
        return status, Path(output.name).read_text(encoding="utf-8", errors="replace")
