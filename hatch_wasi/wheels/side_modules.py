"""The side modules in a wheel: whether they are WebAssembly for the WASI Python they are to be loaded by (PEP 816)."""

from dataclasses import dataclass

from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.module import MAGIC
from hatch_wasi.wasm.side_module import ABI_SECTION, SHARED_OBJECT, SIZE_LIMIT, SideModule
from hatch_wasi.wheels.archive import Archive

__all__ = ["AbiReport", "check"]


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
    """Check every `.so` of a wheel, and every `.so.1`, for `python`; `pure`: its tag says that it is for any platform.

    Raises `WheelError` for what is no side module, and, unless `allow_mismatch`, for one of another wasi-libc:
    struct layouts and signatures of libc functions are part of the ABI that it shares with python.wasm.
    """
    unmarked, mismatched, foreign = [], [], []
    for name in archive.members:
        if not SHARED_OBJECT.search(name):
            continue
        where = f"{archive.name}: {name}"
        if archive.members[name].file_size > SIZE_LIMIT:
            message = f"{where} is larger than {SIZE_LIMIT} bytes"
            raise WheelError(message)
        data = archive.read(name)
        if pure and not data.startswith(MAGIC):
            foreign.append(name)
            continue
        try:
            note = SideModule.parse(data, where).abi_note()
        except MalformedWasm as error:
            hint = "rebuild the wheel for WASI: HATCH_WASI_TARGET=wasi hatch build -t wheel"
            raise WheelError(error.message, hint=hint) from error
        if note is None:
            unmarked.append(name)
        elif (libc := note.get("wasi_libc")) is None:
            message = f"{where}: its {ABI_SECTION} section does not say which wasi-libc it was built with"
            raise WheelError(message, hint="rebuild the wheel")
        elif libc != python.wasi_libc:
            mismatched.append(
                f"{where} was built with wasi-libc {libc}; Python {python.version} here has wasi-libc {python.wasi_libc}"
            )
    if mismatched and not allow_mismatch:
        raise WheelError(mismatched[0], hint="rebuild the wheel with this toolchain, or pass --allow-abi-mismatch")
    return AbiReport(unmarked=tuple(unmarked), mismatched=tuple(mismatched), foreign=tuple(foreign))
