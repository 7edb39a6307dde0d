"""POSIX threads for programs, on a wasi-libc that declares them and does not have them, as wasi-sdk 24's.

They are those of python.wasm, made of the same C files: there is one thread, and none can be started. Extension modules
do not link them, they find python.wasm's.
"""

import re
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.sdk import WasiSdk

__all__ = ["LIBRARY", "add", "are_missing"]

LIBRARY = "wasi-emulated-pthread"
"""What programs link for them, by the name that wasi-sdk 25 gave to a library for the same purpose."""
SOURCES = ("threads.c", "pthreads.c", "pthread_attributes.c")
HEADERS = ("hatch_wasi_threads.h",)
FIT = "#define HATCH_WASI_FIT(function, parameters, results) (function)\n"
"""Stands for the guest's hatch_wasi_fit.h: a program has no loader that could fit callbacks of another type."""


def are_missing(sdk: WasiSdk) -> bool:
    """Tell whether the sysroot has the header and not the functions."""
    if not (sdk.sysroot / "include" / sdk.triple / "pthread.h").is_file():
        return False
    argv: list[str | Path] = [sdk.program("llvm-nm"), "--defined-only", "--extern-only", "--format=posix"]
    symbols = process.run(
        [*argv, sdk.library_dir / "libc.a"], what="asking for the functions of libc.a", env=process.base_environment()
    )
    return not re.search(r"^pthread_mutex_lock ", symbols, flags=re.MULTILINE)


def add(sdk: WasiSdk, folder: Path, *, log: Path, hold: Sequence[int] = ()) -> None:
    """Compile them in `folder` and put them into the sysroot as `LIBRARY`. Raises `ProcessFailed`."""
    folder.mkdir(parents=True, exist_ok=True)
    guest = files("hatch_wasi") / "cpython" / "guest"
    for name in (*SOURCES, *HEADERS):
        (folder / name).write_text((guest / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "hatch_wasi_fit.h").write_text(FIT, encoding="utf-8")
    run = partial(process.run, cwd=folder, env=process.base_environment(), log=log, hold=hold)
    run([*sdk.cc, "-O2", "-ffunction-sections", "-I.", "-c", *SOURCES], what="compiling threads for programs")
    archive = sdk.library_dir / f"lib{LIBRARY}.a"
    archive.unlink(missing_ok=True)
    objects = [Path(name).with_suffix(".o") for name in SOURCES]
    run([sdk.program("llvm-ar"), "rcs", archive, *objects], what="packing threads for programs")
