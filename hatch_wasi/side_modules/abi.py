"""The custom section `hatch_wasi.abi`: what a side module was made for and by, for `install`, `audit` and people.

A JSON object with sorted keys. It is read without running or loading anything.
"""

import json
import re

from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasm.side_module import ABI_SECTION

__all__ = ["assembly", "describe"]

SCHEMA = 1


def describe(sdk: WasiSdk, python: str, soabi: str, libcxx: str | None = None) -> bytes:
    """Give the section's content, for Python's full version `python`; `sdk` is null there where the wasi-sdk release is not known.

    `libcxx` is the version of the C++ library that is linked into the module, if one is.
    """
    content: dict[str, object] = {
        "clang": sdk.llvm,
        "python": python,
        "schema": SCHEMA,
        "sdk": sdk.version,
        "soabi": soabi,
        "triple": sdk.triple,
        "wasi_libc": sdk.wasi_libc,
    }
    if libcxx is not None:
        content["libcxx"] = libcxx
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def assembly(content: bytes) -> str:
    """Give an assembler source whose object carries `content` in the section.

    Copies from several objects would be concatenated by the linker: exactly one object of a module may have it.
    """
    # As octal escapes, whatever is not plain: nothing in the content can end the string.
    text = re.sub(rb"[^ !#-\[\]-~]", lambda found: f"\\{found[0][0]:03o}".encode(), content).decode("ascii")
    return f'\t.section .custom_section.{ABI_SECTION},"",@\n\t.ascii "{text}"\n'
