"""Answer questions about the sizes of C types as WASI does, for the code of a project that is built.

Build scripts ask `struct.calcsize("P")` or `ctypes.sizeof(ctypes.c_long)` to find out what they compile for. The standard
library asks the same to call functions of this machine, so its answers stay the machine's. Copied into a build
environment beside `shim.py`, which imports it; it knows nothing of hatch_wasi.
"""

import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["answer_as_wasi"]

# struct's native types whose sizes differ -> those that have WASI's sizes and alignments here.
NARROW = dict(zip(map(ord, "lLPnN"), map(ord, "iIIiI"), strict=True))
STANDARD = ("<", ">", "=", "!")
# ctypes' codes of simple types -> size on WASI, which is the alignment, too.
SIMPLE = {
    **dict.fromkeys("cbB?", 1), **dict.fromkeys("hHv", 2), **dict.fromkeys("iIlLfuPzZO", 4), **dict.fromkeys("qQd", 8),
    "g": 16,
}  # fmt: skip
POINTER = 4
LIBRARY = os.path.dirname(os.__file__) + os.sep
PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def _is_package(file: str) -> bool:
    """Tell whether `file` is an installed package's."""
    return any(folder in file for folder in PACKAGES)


def _is_library(file: str) -> bool:
    """Tell whether `file` is the standard library's."""
    return file.startswith("<frozen ") or (file.startswith(LIBRARY) and not _is_package(file))


def _caller() -> str:
    """Return the file of the code that called the function that calls this."""
    return sys._getframe(2).f_code.co_filename


def _calcsize(true: "Callable[[str | bytes], int]") -> "Callable[[str | bytes], int]":
    def calcsize(format: "str | bytes", /) -> int:  # noqa: A002 - the name in struct's documentation
        """Return size in bytes of the struct described by the format string (on WASI)."""
        text = format if isinstance(format, str) else bytes(format).decode("latin-1")
        if text.startswith(STANDARD) or _is_library(_caller()):
            return true(text)
        return true(text.translate(NARROW))

    return calcsize


def _separate() -> None:
    """Make types of their own of those that are aliases here and not on WASI: `c_longlong` of `c_long`, say."""
    import ctypes

    module: Any = ctypes
    for name, code in (("c_longlong", "q"), ("c_ulonglong", "Q"), ("c_longdouble", "g")):
        if getattr(module, name).__name__ != name:
            setattr(module, name, type(name, (_simple(),), {"_type_": code, "__module__": "ctypes"}))
    module.c_int64, module.c_uint64 = module.c_longlong, module.c_ulonglong
    if hasattr(module, "c_time_t"):
        module.c_time_t = module.c_int64


def _simple() -> type:
    import ctypes

    return ctypes.c_int.__base__ or object


def layout(kind: "Any") -> tuple[int, int] | None:
    """Return size and alignment of a ctypes type on WASI; None if they are not known."""
    import ctypes

    pointers = (type(ctypes.pointer(ctypes.c_int())).__base__, ctypes.CFUNCTYPE(None).__base__)
    if issubclass(kind, tuple(filter(None, pointers))):
        return POINTER, POINTER
    if issubclass(kind, _simple()):
        size = SIMPLE.get(str(kind._type_))
        return (size, size) if size else None
    if issubclass(kind, ctypes.Array):
        item = layout(kind._type_)
        return (item[0] * kind._length_, item[1]) if item else None
    if issubclass(kind, ctypes.Structure | ctypes.Union):
        return _aggregate(kind, is_union=issubclass(kind, ctypes.Union))
    return None


def _aggregate(kind: "Any", *, is_union: bool) -> tuple[int, int] | None:
    if any(hasattr(kind, name) for name in ("_pack_", "_align_", "_layout_", "_swappedbytes_")):
        return None
    end, alignment = 0, 1
    for base in reversed(kind.__mro__):
        for field in vars(base).get("_fields_", ()):
            found = layout(field[1]) if len(field) == 2 else None  # not a bit field
            if found is None:
                return None
            begin = 0 if is_union else -(-end // found[1]) * found[1]
            end, alignment = max(end, begin + found[0]), max(alignment, found[1])
    return -(-end // alignment) * alignment, alignment


def _measure(true: "Callable[[Any], int]", index: int) -> "Callable[[Any], int]":
    def measure(obj: "Any", /) -> int:
        file = _caller()
        found = None if _is_library(file) or _is_package(file) else layout(obj if isinstance(obj, type) else type(obj))
        return true(obj) if found is None else found[index]

    measure.__name__ = true.__name__
    measure.__doc__ = true.__doc__
    return measure


def answer_as_wasi() -> None:
    """Replace `struct.calcsize`, `ctypes.sizeof` and `ctypes.alignment`."""
    struct.calcsize = _calcsize(struct.calcsize)
    try:
        import ctypes
    except ImportError:  # a lean build python has no libffi
        return
    _separate()
    ctypes.sizeof = _measure(ctypes.sizeof, 0)
    ctypes.alignment = _measure(ctypes.alignment, 1)
