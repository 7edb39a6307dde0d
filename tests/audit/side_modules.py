"""Side modules that the real compiler and linker make of a few lines of C, each once."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

EMULATED = ("SIGNAL", "GETPID", "PROCESS_CLOCKS")
LINK = (
    "-nostdlib", "-Wl,--no-entry", "-Wl,--unresolved-symbols=import-dynamic", "-Wl,--experimental-pic",
    "-Wl,--export-if-defined=__wasm_call_ctors",
)  # fmt: skip
SIDE = ("-Wl,-pie", "-Wl,--import-memory")
EXTENSION = """
#include <Python.h>
{top}
static PyObject *use(PyObject *self, PyObject *unused) {{ {use} }}
static PyMethodDef methods[] = {{{{"use", use, METH_NOARGS, ""}}, {{0}}}};
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, .m_name = "{name}", .m_size = 0, .m_methods = methods}};
PyMODINIT_FUNC {init}(void) {{ return PyModuleDef_Init(&definition); }}
"""


class SideModules:
    """Makes side modules for one WASI Python."""

    def __init__(self, sdk: WasiSdk, python: WasiPython, folder: Path) -> None:
        self.sdk = sdk
        self.python = python
        self.folder = folder
        self.note = {"schema": 1, "soabi": python.target().soabi, "wasi_libc": python.wasi_libc}
        """What a module says that is built for this Python."""
        self._made: dict[str, bytes] = {}

    def extension(
        self,
        use: str = "return PyLong_FromLong(42);",
        top: str = "",
        *,
        name: str = "m",
        init: str = "",
        exports: Sequence[str] | None = None,
        **options: object,
    ) -> bytes:
        """An extension module `name` with the function `use`."""
        init = init or f"PyInit_{name}"
        source = EXTENSION.format(top=top, use=use, name=name, init=init)
        return self(source, exports=[init] if exports is None else exports, **options)

    def library(self, source: str, exports: Sequence[str], **options: object) -> bytes:
        """A library of C functions and variables."""
        return self(source, exports=exports, **options)

    def __call__(
        self,
        source: str,
        *,
        exports: Sequence[str] = (),
        note: Mapping[str, object] | str | None = "own",
        compile_flags: Sequence[str] = (),
        link_flags: Sequence[str] = ("-Wl,--strip-debug",),
        kind: Sequence[str] = SIDE,
        needs: Mapping[str, bytes] | None = None,
        suffix: str = ".c",
    ) -> bytes:
        """Compile and link; `note` is the ABI note (a mapping or its text), `needs` are libraries to link with."""
        key = repr((source, exports, note, compile_flags, link_flags, kind, sorted((needs or {}).items()), suffix))
        if key not in self._made:
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            (folder / f"source{suffix}").write_text(source)
            sources = [f"source{suffix}"]
            if note is not None:
                text = (
                    note
                    if isinstance(note, str) and note != "own"
                    else json.dumps(self.note if note == "own" else note)
                )
                escaped = text.replace("\\", "\\\\").replace('"', '\\"')
                (folder / "note.s").write_text(f'.section .custom_section.hatch_wasi.abi,"",@\n.ascii "{escaped}"\n')
                sources.append("note.s")
            for library, data in (needs or {}).items():
                (folder / library).write_bytes(data)
            flags = ["-fPIC", "-O1", "-w", f"-I{self.python.include}", f"-I{self.python.include.parent}"]
            flags += [f"-D_WASI_EMULATED_{feature}" for feature in EMULATED]
            wanted = [f"-Wl,--export={symbol}" for symbol in exports]
            made = [*self.sdk.cc, *flags, *compile_flags, *sources, *(needs or {}), *kind, *LINK, *link_flags, *wanted]
            done = subprocess.run(
                [*map(str, made), "-o", "made.so"], cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            self._made[key] = (folder / "made.so").read_bytes()
        return self._made[key]
