"""The side modules in a wheel: whether they are WebAssembly for the WASI Python they are to be loaded by (PEP 816)."""

import json
from dataclasses import dataclass

from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.side_module import SideModule
from hatch_wasi.wheels.archive import Archive

__all__ = ["ABI_SECTION", "AbiReport", "check"]

ABI_SECTION = "hatch_wasi.abi"
"""Custom section: a JSON object that names what the module was built with and for."""
MAGIC = b"\0asm"
LIMIT = 1 << 30
"""Bytes of one side module; the largest of numpy's has 3 million."""


@dataclass(frozen=True, kw_only=True)
class AbiReport:
    """What is not wrong and yet worth saying about a wheel's side modules."""

    unmarked: tuple[str, ...] = ()
    """Side modules that do not say which wasi-libc they were built with."""
    mismatched: tuple[str, ...] = ()
    """A sentence for each that was built with another one (only where that is allowed)."""
    foreign: tuple[str, ...] = ()
    """`.so` files of another system, in a wheel for any platform."""


def check(archive: Archive, python: WasiPython, *, pure: bool, allow_mismatch: bool = False) -> AbiReport:
    """Check every `.so` of a wheel for `python`; `pure`: its tag says that it is for any platform.

    Raises `WheelError` for what is no side module, and, unless `allow_mismatch`, for one of another wasi-libc:
    struct layouts and signatures of libc functions are part of the ABI that it shares with python.wasm.
    """
    unmarked, mismatched, foreign = [], [], []
    for name in archive.members:
        if not name.endswith(".so"):
            continue
        where = f"{archive.name}: {name}"
        if archive.members[name].file_size > LIMIT:
            message = f"{where} is larger than {LIMIT} bytes"
            raise WheelError(message)
        data = archive.read(name)
        if pure and not data.startswith(MAGIC):
            foreign.append(name)
            continue
        try:
            note = SideModule.parse(data, where).custom(ABI_SECTION)
        except MalformedWasm as error:
            hint = "rebuild the wheel for WASI: HATCH_WASI_TARGET=wasi hatch build -t wheel"
            raise WheelError(error.message, hint=hint) from error
        if note is None:
            unmarked.append(name)
        elif (libc := _wasi_libc(note, where)) != python.wasi_libc:
            mismatched.append(
                f"{where} was built with wasi-libc {libc}; Python {python.version} here has wasi-libc {python.wasi_libc}"
            )
    if mismatched and not allow_mismatch:
        raise WheelError(mismatched[0], hint="rebuild the wheel with this toolchain, or pass --allow-abi-mismatch")
    return AbiReport(unmarked=tuple(unmarked), mismatched=tuple(mismatched), foreign=tuple(foreign))


def _wasi_libc(note: bytes, where: str) -> str:
    try:
        return str(json.loads(note)["wasi_libc"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{where}: its {ABI_SECTION} section cannot be read: {error!r}"
        raise WheelError(message, hint="rebuild the wheel") from error
