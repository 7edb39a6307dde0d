"""A wheel as a ZIP archive that is not trusted: bounded, its names checked, before any of it is used."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from hatch_wasi.archives import limits, zip_reader
from hatch_wasi.archives.names import Refusal
from hatch_wasi.errors import WheelError
from hatch_wasi.text import one_line
from hatch_wasi.wheels.names import check_distinct, check_name

__all__ = ["Archive"]

CHUNK = 1 << 20


class Archive:
    """An open wheel. What is read of it is checked against the size and CRC that the archive gives."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        """Check the names in `file`, opened from `path`. Raises `WheelError`."""
        self.name = path.name
        self._file = file
        entries = file.infolist()
        for entry in entries:
            self._check(entry)
        names = [entry.filename for entry in entries if not entry.is_dir()]
        check_distinct(names, self.name)
        self.members: dict[str, zipfile.ZipInfo] = {entry.filename: entry for entry in entries if not entry.is_dir()}
        """Its files by name; folders are left out."""

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Archive"]:
        """Open the archive `path`. Raises `WheelError` if it cannot be read, or is not what may be unpacked."""
        if not path.is_file():
            message = f"{path}: no such file" if not path.exists() else f"{path} is not a file"
            raise WheelError(message)
        with ExitStack() as stack:
            try:
                file = stack.enter_context(zip_reader.opened(path))
            except Refusal as refusal:
                message = one_line(f"{path.name}: {refusal}")
                raise WheelError(message, hint="the wheel is damaged or hostile: nothing was written") from refusal
            except zip_reader.DAMAGED as error:
                raise _damaged(path.name, error) from error
            yield cls(path, file)

    def _check(self, entry: zipfile.ZipInfo) -> None:
        check_name(entry.filename, self.name)
        if zip_reader.kind_of(entry) == stat.S_IFLNK:
            message = f"{self.name}: {entry.filename!r} is a symbolic link"
            raise WheelError(message, hint="nothing was written")
        _, _, base = entry.filename.rpartition(".dist-info/")
        limit = limits.TEXTS.get(base, entry.file_size) if base != entry.filename else entry.file_size
        if entry.file_size > limit:
            message = f"{self.name}: {base} has {entry.file_size:,} bytes, more than the {limit:,} that are accepted"
            raise WheelError(message, hint="nothing was written")

    def open_member(self, name: str) -> IO[bytes]:
        """Open the member `name` to read. Raises `WheelError` if it cannot be."""
        with _damage(f"{self.name}: {name!r}"):
            return self._file.open(self.members[name])

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read the member `name` piece by piece. Raises `WheelError` if it is damaged."""
        with self.open_member(name) as stream, _damage(f"{self.name}: {name!r}"):
            while chunk := stream.read(CHUNK):
                yield chunk

    def read(self, name: str) -> bytes:
        """Read the whole member `name`. Raises `WheelError` if it is missing or damaged."""
        if name not in self.members:
            message = f"{self.name}: {name} is missing"
            raise WheelError(message, hint="the file is not a wheel, or a damaged one")
        return b"".join(self.chunks(name))

    def text(self, name: str) -> str:
        """Read the member `name` as UTF-8. Raises `WheelError` if it is missing, damaged or not text."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError as error:
            message = f"{self.name}: {name} is not UTF-8: {error.reason} at byte {error.start}"
            raise WheelError(message) from error


@contextmanager
def _damage(where: str) -> Iterator[None]:
    try:
        yield
    except zip_reader.DAMAGED as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: Exception) -> WheelError:
    message = one_line(f"{where} cannot be read: {str(error) or type(error).__name__}")
    return WheelError(message, hint="the wheel is damaged: fetch or build it again")
