"""Which symbols a side module exports: those that a shared library on Linux would, for Python and for ctypes.

Read from the objects, as wasm-ld cannot be told to leave out the C++ library's (`--exclude-libs` elsewhere), and exported
functions cannot be left out of the module. The compiler driver uses this, too: nothing that takes time is imported.

https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["INIT_PREFIXES", "has_init", "init_functions", "is_init", "symbols", "words"]

# Symbols' kinds and flags.
FUNCTION, DATA, SECTION = 0, 1, 3
WEAK, LOCAL, HIDDEN, UNDEFINED, EXPLICIT_NAME, TLS = 0x01, 0x02, 0x04, 0x10, 0x40, 0x100
SYMBOL_TABLE = 8
ARCHIVE, THIN = b"!<arch>\n", b"!<thin>\n"
LENGTH_LIMIT = 500_000
"""Letters; systems take 2 million bytes with the environment."""
# PEP 489 and PEP 793; the names of modules that are not ASCII are encoded, with a U.
INIT_PREFIXES = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")


def init_functions(name: str) -> list[str]:
    """Return the functions by which CPython may initialize the module with dotted `name`, the usual one first.

    A package is initialized by its own name, not by that of the file `__init__`.
    """
    parts = name.split(".")
    leaves = [parts[-2], parts[-1]] if parts[-1] == "__init__" and len(parts) > 1 else [parts[-1]]
    found = []
    for prefix in ("PyInit", "PyModExport"):
        for leaf in leaves:
            encoded = f"U_{leaf.encode('punycode').decode('ascii').replace('-', '_')}"
            found.append(prefix + (f"_{leaf}" if leaf.isascii() else encoded))
    return found


def is_init(symbol: str) -> bool:
    """Tell whether `symbol` is a function that initializes some module."""
    return symbol.startswith(INIT_PREFIXES)


def has_init(names: Iterable[str]) -> bool:
    """Tell whether one of `names` is a function that initializes a module."""
    return any(map(is_init, names))


def words(names: Iterable[str]) -> list[str]:
    """Return what the compiler is told to export `names`, as far as they are defined.

    Of more than fit into a command line, those of C++ are left out: nothing asks for them by name.
    """
    found = list(dict.fromkeys(names))
    if sum(map(len, found)) > LENGTH_LIMIT:
        found = [name for name in found if not name.startswith("_Z")]
    return [f"-Wl,--export-if-defined={name}" for name in found]


def symbols(files: Iterable[str]) -> list[str]:
    """List what objects and archives define for others: strong symbols, and weak ones of C.

    Weak symbols of C++ are templates and inline functions, which each module has for itself. What is hidden, by an
    attribute or an option of the project's, is left out, and so are files that are none of ours.
    """
    return sorted({name for file in files for data in _objects(file) for name in _defined(data)})


def _objects(file: str) -> Iterator[bytes]:
    """Return the content of an object, or of each member of an archive."""
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except OSError:
        return
    if data[:8] not in (ARCHIVE, THIN):
        yield data
        return
    long_names, position = b"", 8
    while position + 60 <= len(data):
        name, size = data[position : position + 16].rstrip(), data[position + 48 : position + 58].strip()
        if not size.isdigit():
            return
        start = position + 60
        is_table = name in (b"/", b"//", b"/SYM64/")
        position = start if data[:8] == THIN and not is_table else start + int(size) + int(size) % 2
        if name == b"//":
            long_names = data[start : start + int(size)]
        elif is_table:
            continue
        elif data[:8] == ARCHIVE:
            yield data[start : start + int(size)]
        elif name[1:].isdigit():
            path = long_names[int(name[1:]) :].partition(b"/\n")[0]
            yield from _objects(os.path.join(os.path.dirname(file), os.fsdecode(path)))


def _defined(data: bytes) -> Iterator[str]:
    """Return the symbols that an object defines for others."""
    if data[:8] != b"\0asm\1\0\0\0":
        return
    try:
        position = 8
        while position < len(data):
            kind = data[position]
            size, start = _number(data, position + 1)
            position = start + size
            if kind == 0 and data[start : start + 8] == b"\7linking":
                yield from _linking(data[start + 8 : position])
    except (IndexError, UnicodeDecodeError):  # not whole: the linker says so
        return


def _linking(data: bytes) -> Iterator[str]:
    _, position = _number(data, 0)
    while position < len(data):
        kind = data[position]
        size, start = _number(data, position + 1)
        position = start + size
        if kind == SYMBOL_TABLE:
            yield from _table(data[start:position])


def _table(data: bytes) -> Iterator[str]:
    count, position = _number(data, 0)
    for _ in range(count):
        kind = data[position]
        flags, position = _number(data, position + 1)
        name = b""
        if kind != DATA:
            _, position = _number(data, position)
        if kind == DATA or (kind != SECTION and (flags & EXPLICIT_NAME or not flags & UNDEFINED)):
            size, position = _number(data, position)
            name, position = data[position : position + size], position + size
        if kind == DATA and not flags & UNDEFINED:
            for _ in range(3):  # the segment, the offset and the size
                _, position = _number(data, position)
        is_inline = flags & WEAK and name.startswith(b"_Z")
        if kind in (FUNCTION, DATA) and not flags & (LOCAL | HIDDEN | UNDEFINED | TLS) and not is_inline:
            yield name.decode()


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number; return it and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
