"""Where the `installer` library writes a wheel's files: a staging folder with the layout of the final one."""

import io
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO, Literal

from installer.destinations import SchemeDictionaryDestination
from installer.records import Hash, RecordEntry
from installer.scripts import Script
from installer.utils import Scheme, construct_record_file, copyfileobj_with_hashing

from hatch_wasi.environment import LAUNCHERS
from hatch_wasi.launchers import PROGRAM, script_header
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["StageDestination"]

NOT_WRITTEN = ""
"""Path of the row of what is left out."""
ALGORITHM = "sha256"


class StageDestination(SchemeDictionaryDestination):
    """Writes below `stage` and keeps the rows for RECORD, which `write_record` writes when bytecode is there too.

    Rows have paths relative to `stage`. Only programs that were written here may be executed.
    """

    def __init__(self, stage: Path, wheel: Wheel, *, scripts: str = "bin", shared: Collection[str] = ()) -> None:
        """Write the files of `wheel` below `stage`, its programs to the folder `scripts` there.

        Files named in `shared` may be there already, with the same content: another distribution's.
        """
        names = ("purelib", "platlib", "data", "scripts", "headers")
        super().__init__(scheme_dict=dict.fromkeys(names, str(stage)), interpreter="python3", script_kind="posix")
        self._wheel = wheel
        self._scripts = scripts
        self._shared = frozenset(shared)
        self._header = script_header(environment=scripts == LAUNCHERS)
        self._record: tuple[Scheme, str] | None = None
        self._rows: list[tuple[Scheme, RecordEntry]] = []

    def write_file(self, scheme: Scheme, path: object, stream: BinaryIO, is_executable: bool) -> RecordEntry:  # noqa: ARG002
        """Write one file where the wheel has it; a Python script gets what runs it on WASI in place of its first line."""
        place, name = self._wheel.place(scheme, str(path))
        if name:
            _, _, body = stream.read().partition(b"\n")
            return self._write_program(name, body)
        if place in self._shared and (there := self._path_with_destdir(scheme, place)).exists():
            with there.open("rb") as file, Path(os.devnull).open("wb") as nowhere:
                digest, size = copyfileobj_with_hashing(file, nowhere, ALGORITHM)
            return RecordEntry(place, Hash(ALGORITHM, digest), size)
        return self.write_to_fs(scheme, place, stream, is_executable=False)

    def write_script(self, name: str, module: str, attr: str, section: Literal["console", "gui"]) -> RecordEntry:
        """Write the script of an entry point, if it may have its name; `hatch-wasi run bin/NAME` runs it as well."""
        if name not in self._wheel.scripts:
            return RecordEntry(NOT_WRITTEN, None, None)
        _, code = Script(name, module, attr, section).generate("", "posix")
        _, _, body = code.partition(b"\n")
        return self._write_program(name, body)

    def _write_program(self, name: str, body: bytes) -> RecordEntry:
        content, scheme, place = io.BytesIO(self._header + body), Scheme("scripts"), f"{self._scripts}/{name}"
        row = self.write_to_fs(scheme, place, content, is_executable=False)
        self._path_with_destdir(scheme, place).chmod(PROGRAM)
        return row

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Keep the rows."""
        self._record = (scheme, record_file_path)
        self._rows = [(where, row) for where, row in records if row.path != NOT_WRITTEN]

    def sources(self) -> list[str]:
        """Return the Python files that can be imported, relative to the stage."""
        apart = ("scripts", "headers")
        return [row.path for scheme, row in self._rows if scheme not in apart and row.path.endswith(".py")]

    def write_record(self, bytecode: Iterable[str]) -> None:
        """Write RECORD, with the `bytecode` files of this distribution listed without hashes, as pip does."""
        if self._record is None:
            return
        scheme, path = self._record
        rows = [*self._rows, *((scheme, RecordEntry(name, None, None)) for name in bytecode)]
        with construct_record_file(rows) as stream:
            self.write_to_fs(scheme, path, stream, is_executable=False)
