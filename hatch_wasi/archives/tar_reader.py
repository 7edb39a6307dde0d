"""Read a tar archive that is not trusted: forward only, every header checked before what it announces is read.

The standard library decodes single headers. What follows from them (long names, PAX records, sizes, the next header's
place) is decided here: tarfile reads names of gigabytes into memory, goes back where a size is negative, and takes a
damaged header for the end of the archive.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from hatch_wasi.archives import limits
from hatch_wasi.archives.names import Refusal
from hatch_wasi.archives.stream import Stream

__all__ = ["Kind", "Member", "TarReader"]

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 20
ERRORS = "surrogateescape"  # for names that are not UTF-8, as for the names of the file system
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
EXTENDED = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
SPECIAL = {
    tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe", tarfile.GNUTYPE_SPARSE: "a sparse file",
}  # fmt: skip
PLACED = ("path", "linkpath", "size")
"""PAX records that say what a member is; a global header, which is for all members, must not have them."""


class Kind:
    """What a member is."""

    FILE, FOLDER, LINK, HARD_LINK = "file", "folder", "link", "hard link"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One member of an archive, as its headers say."""

    name: str
    kind: str
    size: int = 0
    mode: int = 0o644
    mtime: float = 0
    target: str = ""
    """Of a link, as written; of a hard link, the name of another member."""


class TarReader:
    """Reads the members of an archive, once and in their order."""

    def __init__(self, stream: Stream) -> None:
        """Read `stream`."""
        self._stream = stream
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        """Return the members one by one; `chunks` reads the last one's content. Raises `Refusal`, `OSError`, `EOFError`."""
        count = in_a_row = 0
        known: dict[str, str] = {}
        while (info := self._header(first=count == in_a_row == 0)) is not None:
            if info.type in EXTENDED:
                in_a_row += 1
                if in_a_row > limits.EXTENDED_IN_A_ROW:
                    message = f"a member has more than {limits.EXTENDED_IN_A_ROW} extended headers"
                    raise Refusal(message)
                known |= self._extended(info)
                continue
            count += 1
            if count > self._stream.members:
                message = f"it has more than the {self._stream.members:,} members that are accepted"
                raise Refusal(message)
            member = _member(info, known)
            known, in_a_row = {}, 0
            self._left = member.size
            self._padding = -member.size % BLOCK
            self._stream.check(member.size)
            yield member
            self._stream.skip(self._left + self._padding)
        self._stream.drain()

    def chunks(self) -> Iterator[bytes]:
        """Return the content of the last member piece by piece. Raises `Refusal` if the archive ends before it does."""
        while self._left:
            piece = self._stream.read(min(self._left, CHUNK))
            if not piece:
                message = "it ends within a file: it is truncated"
                raise Refusal(message)
            self._left -= len(piece)
            yield piece

    def _header(self, *, first: bool) -> tarfile.TarInfo | None:
        """Return the next header; None at the end, which is a block of zeros or that of the file."""
        block = self._stream.read(BLOCK)
        if not block.strip(b"\0") and len(block) in (0, BLOCK) and not (first and not block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", ERRORS)
        except (tarfile.HeaderError, ValueError, OverflowError) as error:
            message = "it is not a tar archive" if first else f"a header is damaged: {error}"
            raise Refusal(message) from error
        _check_size(info.size)
        return info

    def _extended(self, info: tarfile.TarInfo) -> dict[str, str]:
        """Read what a GNU long name or a PAX header says of the member that follows, by PAX's names."""
        if info.size > limits.EXTENDED:
            message = f"an extended header has {info.size:,} bytes, more than the {limits.EXTENDED:,} that are accepted"
            raise Refusal(message)
        data = self._stream.read(info.size)
        self._stream.skip(info.size - len(data) + -info.size % BLOCK)
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            key = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
            return {key: data.partition(b"\0")[0].decode("utf-8", ERRORS)}
        records = _records(data)
        if info.type != tarfile.XGLTYPE:
            return records
        if unexpected := [key for key in PLACED if key in records]:
            message = f"a global header has the record {unexpected[0]!r}"
            raise Refusal(message)
        return {}


def _check_size(size: int) -> None:
    if size < 0:
        message = f"a member has the size {size}"
        raise Refusal(message)
    if size > limits.MEMBER_SIZE:
        message = f"a member has {size:,} bytes, more than the {limits.MEMBER_SIZE:,} that are accepted"
        raise Refusal(message)


def _records(data: bytes) -> dict[str, str]:
    r"""Read PAX records, `LENGTH KEY=VALUE\n` each (POSIX.1, pax). Raises `Refusal`."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        digits = data[at : at + 8].partition(b" ")[0]
        end = at + int(digits) if digits.isdigit() and len(digits) < 8 else 0
        if not at + len(digits) + 2 < end <= len(data) or data[end - 1 : end] != b"\n":
            message = "a PAX header is damaged"
            raise Refusal(message)
        key, _, value = data[at + len(digits) + 1 : end - 1].partition(b"=")
        found[key.decode("utf-8", ERRORS)] = value.decode("utf-8", ERRORS)
        at = end
    return found


def _member(info: tarfile.TarInfo, known: dict[str, str]) -> Member:
    name = known.get("path", info.name)
    reason = SPECIAL.get(info.type, "")
    if any(key.startswith("GNU.sparse.") for key in known):
        reason = "a sparse file"
    if reason:
        message = f"{name[:200]!r} is {reason}"
        raise Refusal(message)
    mode = info.mode & 0o777
    if info.type in FILES:
        size = info.size
        if "size" in known:
            digits = known["size"]
            size = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else -1
        _check_size(size)
        return Member(name=name, kind=Kind.FILE, size=size, mode=mode, mtime=_mtime(info, known))
    if info.type == tarfile.DIRTYPE:
        return Member(name=name, kind=Kind.FOLDER, mode=mode)
    if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        kind = Kind.LINK if info.type == tarfile.SYMTYPE else Kind.HARD_LINK
        return Member(name=name, kind=kind, target=known.get("linkpath", info.linkname))
    message = f"{name[:200]!r} is of an unknown type: {info.type!r}"
    raise Refusal(message)


def _mtime(info: tarfile.TarInfo, known: dict[str, str]) -> float:
    try:
        mtime = float(known.get("mtime", info.mtime))
    except ValueError:
        return 0
    return mtime if 0 <= mtime < 1 << 33 else 0
