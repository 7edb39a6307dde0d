"""Where the `installer` library writes a wheel's files: a staging folder with the layout of the final one."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Literal

from installer.destinations import SchemeDictionaryDestination
from installer.records import RecordEntry
from installer.scripts import Script
from installer.utils import Scheme, construct_record_file

from hatch_wasi.wheels.wheel import Wheel

__all__ = ["SCRIPT_HEADER", "StageDestination"]

# A program for /bin/sh and for Python at once, as the installer library and distlib write it: for the shell, the
# second line is the command `exec hatch-wasi …`; for Python it begins a string that ends in the third line. It finds
# the packages beside itself, so the folder may be moved; links to it are followed, as the guest sees no other folder.
SCRIPT_HEADER = b"""#!/bin/sh
'''exec' hatch-wasi run --site "$(dirname -- "$(readlink -f -- "$0")")/.." "$(readlink -f -- "$0")" "$@"
' '''
"""


class StageDestination(SchemeDictionaryDestination):
    """Writes below `stage` and keeps the rows for RECORD, which `write_record` writes when bytecode is there too."""

    def __init__(self, stage: Path, wheel: Wheel) -> None:
        """Write the files of `wheel` below `stage`, as `Wheel.places` says."""
        self._folders = {"scripts": "bin/", "headers": f"{wheel.headers}/"}
        names = ("purelib", "platlib", "data", "scripts", "headers")
        schemes = {name: str(stage / self._folders.get(name, "")) for name in names}
        super().__init__(scheme_dict=schemes, interpreter="python3", script_kind="posix")
        self._record: tuple[Scheme, str] | None = None
        self._rows: list[tuple[Scheme, RecordEntry]] = []

    def write_file(self, scheme: Scheme, path: object, stream: BinaryIO, is_executable: bool) -> RecordEntry:
        """Write one file; a script whose first line is `#!python` gets the line that runs it on WASI (PEP 427)."""
        if scheme == "scripts":
            data = stream.read()
            first, _, rest = data.partition(b"\n")
            if first.startswith(b"#!python"):
                data, is_executable = SCRIPT_HEADER + rest, True
            return self.write_to_fs(scheme, str(path), io.BytesIO(data), is_executable)
        return self.write_to_fs(scheme, str(path), stream, is_executable)

    def write_script(self, name: str, module: str, attr: str, section: Literal["console", "gui"]) -> RecordEntry:
        """Write the script of an entry point: it runs on WASI when it is called, and by `hatch-wasi run bin/NAME`."""
        _, code = Script(name, module, attr, section).generate("", "posix")
        _, _, body = code.partition(b"\n")
        return self.write_to_fs(Scheme("scripts"), name, io.BytesIO(SCRIPT_HEADER + body), is_executable=True)

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Keep the rows."""
        self._record = (scheme, record_file_path)
        self._rows = list(records)

    def sources(self) -> list[str]:
        """Python files that can be imported, relative to the stage."""
        return [row.path for scheme, row in self._rows if scheme not in self._folders and row.path.endswith(".py")]

    def write_record(self, bytecode: Iterable[str]) -> None:
        """Write RECORD, with the `bytecode` files of this distribution listed without hashes, as pip does."""
        if self._record is None:
            return
        scheme, path = self._record
        rows = [*self._rows, *((scheme, RecordEntry(name, None, None)) for name in bytecode)]
        with construct_record_file(rows, self._folders.get) as stream:
            self.write_to_fs(scheme, path, stream, is_executable=False)
