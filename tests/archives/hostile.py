"""Archives made byte by byte, as no library would write them."""

import tarfile
from collections.abc import Iterable
from pathlib import Path

BLOCK = 512
PROJECT = ("top/pyproject.toml", b"[build-system]\nrequires = []\n")


def header(name: str, *, kind: bytes = b"0", size: int = 0, target: str = "", mode: int = 0o644) -> bytes:
    """One header in GNU form; a size below 0 is written as GNU tar would write it."""
    block = bytearray(BLOCK)
    block[:100] = name.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0")
    block[100:108], block[108:116], block[116:124] = b"%07o\0" % mode, b"%07o\0" % 0, b"%07o\0" % 0
    block[124:136] = b"%011o\0" % size if size >= 0 else b"\xff" + (size & ((1 << 88) - 1)).to_bytes(11, "big")
    block[136:148], block[156:157] = b"%011o\0" % 0, kind
    block[157:257] = target.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0")
    block[257:265] = b"ustar  \0"
    return summed(block)


def summed(block: bytes | bytearray) -> bytes:
    """The header with its right checksum."""
    blank = bytes(block[:148]) + b" " * 8 + bytes(block[156:BLOCK])
    return bytes(block[:148]) + b"%06o\0 " % sum(blank) + bytes(block[156:BLOCK])


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def file(name: str, content: bytes = b"") -> bytes:
    return header(name, size=len(content)) + padded(content)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    return header(name, kind=kind, target=target)


def extended(kind: bytes, content: bytes) -> bytes:
    """A PAX header or a GNU long name."""
    return header("././@LongLink", kind=kind, size=len(content)) + padded(content)


def record(key: str, value: str) -> bytes:
    """One PAX record."""
    body = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def tar(path: Path, parts: Iterable[bytes]) -> Path:
    path.write_bytes(b"".join(parts) + bytes(2 * BLOCK))
    return path
