"""The bytes of a compressed file, read forward only, with bounded memory and up to a limit."""

import gzip
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol

from hatch_wasi.archives import limits
from hatch_wasi.archives.names import Refusal

if TYPE_CHECKING:
    from bz2 import BZ2File

__all__ = ["Stream"]

CHUNK, PIECE = 1 << 20, 1 << 16
GZIP, BZIP2, XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"


def _bzip2(file: BinaryIO) -> "BZ2File":
    try:
        import bz2
    except ImportError as error:
        raise _lacking(error) from error
    return bz2.BZ2File(file)


def _lacking(error: ImportError) -> Refusal:
    """Return the reason where this Python was built without a library for a compressed format."""
    return Refusal(f"this Python cannot decompress it: {error}")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Stream:
    """The content of `file`, decompressed if it is in gzip, bzip2 or xz form."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read `file`, an archive of `size` bytes. What it may unpack to follows from that size."""
        magic = file.read(len(XZ))
        file.seek(0)
        self._source: _Readable = file
        if magic.startswith(GZIP):
            self._source = gzip.GzipFile(fileobj=file)
        elif magic.startswith(BZIP2):
            self._source = _bzip2(file)
        elif magic == XZ:
            self._source = _Xz(file)
        self._count = 0
        self._limit = limits.unpacked(size)
        self.members = limits.members(size)
        """How many members an archive of this size may have."""

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises `Refusal` beyond the limit."""
        self.check(size)
        pieces = []
        while size > 0 and (piece := self._source.read(min(size, CHUNK))):
            pieces.append(piece)
            size -= len(piece)
            self._count += len(piece)
        return b"".join(pieces)

    def check(self, size: int) -> None:
        """Raise `Refusal` if `size` bytes more are more than the archive may unpack to."""
        if self._count + size > self._limit:
            message = f"it unpacks to more than the {self._limit >> 20:,} MB that are accepted: possible bomb"
            raise Refusal(message)

    def skip(self, size: int) -> None:
        """Pass over `size` bytes. Raises `Refusal` if there are fewer."""
        while size > 0:
            piece = self.read(min(size, CHUNK))
            if not piece:
                message = "it ends within a file: it is truncated"
                raise Refusal(message)
            size -= len(piece)

    def drain(self) -> None:
        """Read to the end, where compressed formats have their checksums."""
        while self.read(min(PIECE, self._limit - self._count) or 1):
            pass


class _Xz:
    """Streams in xz form, one after the other. lzma's own file object cannot bound the memory that they ask for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        try:
            import lzma
        except ImportError as error:
            raise _lacking(error) from error
        self._damage = lzma.LZMAError
        self._new = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY)
        self._decompressor = self._new()

    def read(self, size: int, /) -> bytes:
        while True:
            if self._decompressor.eof:
                if not (rest := self._next_stream()):
                    return b""
                self._decompressor = self._new()
            elif self._decompressor.needs_input:
                if not (rest := self._file.read(PIECE)):
                    message = "the compressed data ends too early"
                    raise EOFError(message)
            else:
                rest = b""
            try:
                data = self._decompressor.decompress(rest, size)
            except self._damage as error:
                message = f"the compressed data is damaged, or takes too much memory: {error}"
                raise Refusal(message) from error
            if data:
                return data

    def _next_stream(self) -> bytes:
        """Return the beginning of the next stream, behind padding; empty at the end."""
        rest = self._decompressor.unused_data.lstrip(b"\0")
        while not rest:
            if not (piece := self._file.read(PIECE)):
                return b""
            rest = piece.lstrip(b"\0")
        return rest
