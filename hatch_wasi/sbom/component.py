"""A component of a bill of materials, and how it is written in CycloneDX 1.6's JSON.

https://cyclonedx.org/docs/1.6/json/. Written by hand: it is a few dozen lines, and what builds a wheel should not have
to install a library with a dozen dependencies for it. The tests validate what comes out by that library.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from hatch_wasi.errors import ToolchainError

__all__ = ["LLVM_LICENCE", "PREFIX", "Component", "Part", "file_component", "is_sha256", "purl"]

PREFIX = "hatch-wasi:"
"""What names of properties begin with (https://github.com/CycloneDX/cyclonedx-property-taxonomy)."""
LLVM_LICENCE = "Apache-2.0 WITH LLVM-exception"

Part = Literal["", "module", "linked", "headers", "interface", "tool"]
"""How a component has to do with the wheel.

`module`: it is a file of it. `linked`: its code is in modules. `headers`: so is what its headers define, or its static
libraries. `interface`: it was compiled against; its code is in the Python that loads the modules. `tool`: it made them.
"""
# "Excluded components … provide the ability to document component usage for test and other non-runtime purposes".
EXCLUDED = ("interface", "tool")


@dataclass(frozen=True, kw_only=True)
class Component:
    """Something that a wheel is, holds, or was made with."""

    kind: str
    """CycloneDX's type: `library`, `application`, `platform`, `file`, …."""
    name: str
    version: str = ""
    ref: str = ""
    """Its name within the document; only what depends on others, or others depend on, needs one."""
    description: str = ""
    purl: str = ""
    """https://github.com/package-url/purl-spec"""
    cpe: str = ""
    """The name by which NVD lists its vulnerabilities."""
    licence: str = ""
    """An SPDX expression, where it is certain."""
    sha256: str = ""
    """Of the file that it is or came in, in hex."""
    part: Part = ""
    properties: tuple[tuple[str, str], ...] = ()
    """More about it, by names without the prefix; empty values are left out."""
    parts: tuple["Component", ...] = ()
    """What it consists of, as far as that matters."""

    def json(self) -> dict[str, object]:
        """Give it as CycloneDX has it; what is not known is left out."""
        properties = [("part", self.part), *self.properties]
        fields = {
            "type": self.kind,
            "bom-ref": self.ref,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "scope": ("excluded" if self.part in EXCLUDED else "required") if self.part else "",
            "hashes": [{"alg": "SHA-256", "content": self.sha256}] if self.sha256 else [],
            "licenses": [{"expression": self.licence}] if self.licence else [],
            "cpe": self.cpe,
            "purl": self.purl,
            "properties": [{"name": PREFIX + name, "value": value} for name, value in properties if value],
            "components": [part.json() for part in self.parts],
        }
        return {name: value for name, value in fields.items() if value}


def is_sha256(text: object) -> bool:
    """Tell the digits of a SHA-256 from those of a git commit, and from other things."""
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


def purl(kind: str, name: str, version: str, qualifiers: Sequence[tuple[str, str]] = ()) -> str:
    """Give a package URL, `pkg:deb/debian/wasi-libc@0.0?arch=all`; `name` may have a namespace before a slash.

    Percent-encoded as the specification has it: a colon stays.
    """
    more = "&".join(f"{key}={quote(value, safe=':~')}" for key, value in sorted(qualifiers) if value)
    return f"pkg:{kind}/{quote(name)}@{quote(version, safe=':~')}" + (f"?{more}" if more else "")


def file_component(path: Path) -> Component:
    """Give a file on this machine by its name and content; its folder is nobody's business.

    Raises `ToolchainError` if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = f"{path} was linked and cannot be read, to account for it: {error.strerror}"
        raise ToolchainError(message, hint="`hatch-wasi info --verify` tells whether the toolchain is whole") from error
    return Component(kind="file", name=path.name, sha256=sha256)
