"""Open a zip archive that is not trusted: its directory is bounded and must say one thing only.

Programs read zip archives in different ways (from the front, from the back, by one of two names). An archive in which
they would find different files is refused.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hatch_wasi.archives import limits
from hatch_wasi.archives.names import Refusal
from hatch_wasi.archives.tar_reader import Kind, Member

__all__ = ["DAMAGED", "ZipReader", "is_zip", "kind_of", "opened"]

CHUNK = 1 << 20

DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, IndexError, NotImplementedError, OSError, OverflowError,
    RuntimeError, ValueError,
)  # fmt: skip
"""What zipfile raises for an archive that is not whole."""
ENCRYPTED = 0x1 | 0x40 | 0x2000  # by password, strongly, and the directory
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LOCAL_HEADER, END_RECORD = 30, 22  # bytes, without what is variable
LOCAL, END = b"PK\3\4", b"PK\5\6"
UNICODE_PATH = 0x7075
"""Extra field with another name (APPNOTE 4.6.9); newer versions of zipfile put it into `filename`."""


class _Bounded(io.BufferedReader):
    """A file of which no more than a central directory may have is read in one piece: zipfile reads it whole."""

    is_open = False
    """The directory was read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > limits.DIRECTORY and not self.is_open:
            message = f"its central directory has {size:,} bytes, more than the {limits.DIRECTORY:,} that are accepted"
            raise Refusal(message)
        return super().read(size)


def is_zip(path: Path) -> bool:
    """Tell whether a file begins as a zip archive does: one with other data before is refused in any case."""
    with path.open("rb") as file:
        return file.read(4) in (LOCAL, END)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the archive `path`. Raises `Refusal`, or one of `DAMAGED`."""
    with _Bounded(io.FileIO(path)) as raw, zipfile.ZipFile(raw) as file:
        raw.is_open = True
        size = path.stat().st_size
        entries = file.infolist()
        if len(entries) > limits.ZIP_MEMBERS:
            message = f"it has {len(entries)} members, more than the {limits.ZIP_MEMBERS} that are accepted"
            raise Refusal(message)
        for entry in entries:
            _check(entry)
        _check_sizes(entries, size)
        _check_places(file, raw, entries, size)
        yield file


class ZipReader:
    """Reads the members of an archive as `tar.TarReader` does."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        """Read `file`, which `opened` gave."""
        self._file = file
        self._entry: zipfile.ZipInfo | None = None

    def __iter__(self) -> Iterator[Member]:
        """Return the members one by one; `chunks` reads the last one's content. Raises `Refusal` or one of `DAMAGED`."""
        for entry in self._file.infolist():
            self._entry = entry
            mode = entry.external_attr >> 16 & 0o777 or 0o644
            if entry.is_dir():
                yield Member(name=entry.filename, kind=Kind.FOLDER)
            elif kind_of(entry) == stat.S_IFLNK:
                yield Member(name=entry.filename, kind=Kind.LINK, target=self._target(entry))
            else:
                yield Member(name=entry.filename, kind=Kind.FILE, size=entry.file_size, mode=mode)

    def chunks(self) -> Iterator[bytes]:
        """Return the content of the last member piece by piece."""
        if self._entry is not None:
            with self._file.open(self._entry) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk

    def _target(self, entry: zipfile.ZipInfo) -> str:
        if entry.file_size > limits.PATH:
            message = f"the link {entry.filename[:200]!r} has a target of more than {limits.PATH} bytes"
            raise Refusal(message)
        return self._file.read(entry).decode("utf-8", "surrogateescape")


def kind_of(entry: zipfile.ZipInfo) -> int:
    """Return the file type bits (`stat.S_IFMT`) of an entry; 0 if it has none."""
    return stat.S_IFMT(entry.external_attr >> 16)


def _check(entry: zipfile.ZipInfo) -> None:
    kind = kind_of(entry)
    reason = ""
    # zipfile cuts a name at its first NUL, and may take another one from an extra field.
    if "\0" in entry.orig_filename:
        reason = "has a control character"
    elif entry.filename != entry.orig_filename or _other_name(entry):
        reason = f"has another name, {_other_name(entry) or entry.filename!r}"
    elif kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG, stat.S_IFLNK):
        reason = "is neither a file nor a folder"
    elif entry.is_dir() and entry.file_size:
        reason = "is a folder with content"
    elif entry.flag_bits & ENCRYPTED:
        reason = "is encrypted"
    elif entry.compress_type not in METHODS:
        reason = f"is compressed by method {entry.compress_type}; stored and deflated members are accepted"
    elif entry.file_size > limits.MEMBER_SIZE:
        reason = f"has {entry.file_size:,} bytes, more than the {limits.MEMBER_SIZE:,} that are accepted"
    if reason:
        message = f"{entry.orig_filename[:200]!r} {reason}"
        raise Refusal(message)


def _other_name(entry: zipfile.ZipInfo) -> str:
    """Return what a Unicode Path field calls a member, if that is not its name; or that the field is damaged."""
    at, extra = 0, entry.extra
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        content = extra[at + 4 : at + 4 + length]
        if tag == UNICODE_PATH and content[5:] != entry.orig_filename.encode("utf-8", "surrogatepass"):
            return repr(content[5:205].decode("utf-8", "replace"))
        at += 4 + length
    return ""


def _check_sizes(entries: list[zipfile.ZipInfo], size: int) -> None:
    total, limit = sum(entry.file_size for entry in entries), limits.unpacked(size)
    if total > limit:
        message = f"it unpacks to {total} bytes, more than the {limit} that are accepted: possible bomb"
        raise Refusal(message)


def _check_places(file: zipfile.ZipFile, raw: io.BufferedReader, entries: list[zipfile.ZipInfo], size: int) -> None:
    """Raise `Refusal` if members overlap, or there is data before the first or behind the directory."""
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < at:
            message = f"{entry.orig_filename[:200]!r} overlaps another member"
            raise Refusal(message)
        if at == 0 < entry.header_offset:
            message = "there is data before its first member"
            raise Refusal(message)
        at = entry.header_offset + LOCAL_HEADER + len(entry.orig_filename) + entry.compress_size
    if not entries and file.start_dir:
        message = "there is data before its directory, which is empty"
        raise Refusal(message)
    if at > file.start_dir:
        message = "a member overlaps the central directory"
        raise Refusal(message)
    raw.seek(size - END_RECORD - len(file.comment))
    end = raw.read(END_RECORD)
    if end[:4] != END or struct.unpack("<H", end[20:22])[0] != len(file.comment) or END in file.comment:
        message = "there is data behind its central directory"
        raise Refusal(message)
