"""Bytes of a WebAssembly module, read with every bound checked.

https://webassembly.github.io/spec/core/binary/values.html. Nothing here believes a length or a count: a vector cannot
have more elements than bytes are left, so a few forged bytes cannot ask for gigabytes.
"""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from hatch_wasi.errors import MalformedWasm

__all__ = ["Reader"]

T = TypeVar("T")


class Reader:
    """A window on `data`; reading moves its position forward."""

    __slots__ = ("data", "end", "name", "position", "what")

    def __init__(self, data: bytes, name: str, *, what: str = "module", begin: int = 0, end: int | None = None) -> None:
        """Read `data[begin:end]`; `name` is the file and `what` the part of it, for error texts."""
        self.data = data
        self.name = name
        self.what = what
        self.position = begin
        self.end = len(data) if end is None else end

    def fail(self, why: str) -> NoReturn:
        """Raise `MalformedWasm`, saying where."""
        message = f"{self.name}: malformed WebAssembly: {why} (in its {self.what}, at byte {self.position})"
        raise MalformedWasm(message)

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self.end - self.position

    def byte(self) -> int:
        """Read one byte."""
        if self.position >= self.end:
            self.fail("it ends early")
        value = self.data[self.position]
        self.position += 1
        return value

    def take(self, count: int) -> bytes:
        """Read `count` bytes."""
        if not 0 <= count <= self.left:
            self.fail(f"{count} bytes are announced and {self.left} are left")
        self.position += count
        return self.data[self.position - count : self.position]

    def unsigned(self, bits: int = 32) -> int:
        """Read an unsigned LEB128 number of at most `bits` bits."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift >= bits:
                self.fail("a number is too long")
        if value >> bits:
            self.fail("a number is too large")
        return value

    def signed(self, bits: int) -> int:
        """Read a signed LEB128 number of at most `bits` bits."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                self.fail("a number is too long")
        if byte & 0x40:
            value -= 1 << shift
        if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            self.fail("a number is too large")
        return value

    def text(self) -> str:
        """Read a name: its length and that many bytes of UTF-8."""
        raw = self.take(self.unsigned())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.fail("a name is not UTF-8")

    def count(self) -> int:
        """Read how many elements follow; each is one byte at least."""
        count = self.unsigned()
        if count > self.left:
            self.fail(f"{count} elements are announced and {self.left} bytes are left")
        return count

    def vector(self, element: Callable[[], T]) -> list[T]:
        """Read a count and that many elements."""
        return [element() for _ in range(self.count())]

    def window(self, size: int, what: str) -> "Reader":
        """Give a reader of the next `size` bytes and step over them."""
        if size > self.left:
            self.fail(f"{what} claims {size} bytes and {self.left} are left")
        self.position += size
        return Reader(self.data, self.name, what=what, begin=self.position - size, end=self.position)

    def finish(self) -> None:
        """Insist that everything was read."""
        if self.left:
            self.fail(f"{self.left} bytes too many")
