"""A wheel as a ZIP archive that is not trusted: bounded, its names checked, before any of it is used."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.names import check_distinct, check_name

__all__ = ["Archive"]

MEMBER_LIMIT = 100_000
SIZE_LIMIT = 4 << 30
"""Bytes that a wheel may unpack to: what a 32-bit machine can address. numpy's takes 0.05 of it."""
BOMB_SIZE, BOMB_RATIO = 256 << 20, 100
"""Bytes from which on an archive may not unpack to more than so many times itself: code and data do not (numpy: 4)."""
CHUNK = 1 << 20
ENCRYPTED = 0x1
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, IndexError, OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip


class Archive:
    """An open wheel. What is read of it is checked against the size and CRC that the archive gives."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        """Check `file`, opened from `path`. Raises `WheelError`."""
        self.name = path.name
        self._file = file
        entries = file.infolist()
        if len(entries) > MEMBER_LIMIT:
            message = f"{self.name}: {len(entries)} members, more than the {MEMBER_LIMIT} that are accepted"
            raise WheelError(message)
        for entry in entries:
            self._check(entry)
        names = [entry.filename for entry in entries if not entry.is_dir()]
        check_distinct(names, self.name)
        self.members: dict[str, zipfile.ZipInfo] = {entry.filename: entry for entry in entries if not entry.is_dir()}
        """Its files by name; folders are left out."""
        size = sum(entry.file_size for entry in entries)
        limit = max(BOMB_SIZE, BOMB_RATIO * path.stat().st_size)
        if size > min(SIZE_LIMIT, limit):
            message = f"{self.name}: unpacks to {size} bytes, more than the {min(SIZE_LIMIT, limit)} that are accepted"
            raise WheelError(message, hint="the wheel is a bomb: nothing was written")

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Archive"]:
        """Open the archive `path`. Raises `WheelError` if it cannot be read, or is not what may be unpacked."""
        if not path.is_file():
            message = f"{path}: no such file" if not path.exists() else f"{path} is not a file"
            raise WheelError(message)
        with _damage(path.name):
            file = zipfile.ZipFile(path)
        with file:
            yield cls(path, file)

    def _check(self, entry: zipfile.ZipInfo) -> None:
        # zipfile cuts a name at its first NUL; what was written in the archive is in orig_filename.
        check_name(entry.orig_filename, self.name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        reason = ""
        if kind == stat.S_IFLNK:
            reason = "is a symbolic link"
        elif kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
            reason = "is neither a file nor a folder"
        elif entry.is_dir() and entry.file_size:
            reason = "is a folder with content"
        elif entry.flag_bits & ENCRYPTED:
            reason = "is encrypted"
        elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            reason = f"is compressed by method {entry.compress_type}; wheels are stored or deflated"
        if reason:
            message = f"{self.name}: {entry.filename!r} {reason}"
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
    except DAMAGED as error:
        message = f"{where} cannot be read: {str(error) or type(error).__name__}"
        raise WheelError(message, hint="the wheel is damaged: fetch or build it again") from error
