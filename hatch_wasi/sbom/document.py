"""The document: CycloneDX 1.6 in JSON, the same bytes for the same content.

There is no time in it, unless SOURCE_DATE_EPOCH gives one, and the serial number is a digest of the rest.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from hatch_wasi import __version__, epoch
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.errors import MalformedWasm
from hatch_wasi.sbom.component import PREFIX, Component, file_component, purl
from hatch_wasi.sbom.toolchain import cxx_components, python_component, sdk_components
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.side_module import SideModule

__all__ = ["FILE", "FOLDER", "Package", "Toolchain", "Wheel", "document"]

FOLDER = "sboms"
"""Where it is in a wheel's .dist-info (PEP 770)."""
FILE = "hatch-wasi.cdx.json"
SUPPORT = Component(
    kind="library",
    name="hatch-wasi",
    version=__version__,
    ref="hatch-wasi",
    description="what each module gets of hatch-wasi: setjmp, and what C++ needs of its host",
    licence="Apache-2.0",
    part="linked",
)
DESCRIBES_EXCEPTIONS = "hatch_wasi_describe_exception"
"""A function that modules have which were linked with C++ exceptions (side_modules/guest/exceptions.cpp)."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Python package that a build used."""

    name: str
    version: str
    sha256: str = ""
    """Of its wheel, where that is known."""

    def component(self, part: str) -> Component:
        """Give it as `headers` or `tool`."""
        name = canonicalize_name(self.name)
        is_header = part == "headers"
        return Component(
            kind="library",
            name=name,
            version=self.version,
            ref=f"pypi-{name}" if is_header else "",
            description="its headers or static libraries were there to be used" if is_header else "",
            purl=purl("pypi", name, self.version),
            sha256=self.sha256,
            part="headers" if is_header else "tool",
        )


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What a wheel was made by."""

    sdk: WasiSdk
    python: WasiPython
    cxx: CxxLibrary | None = None
    headers: Sequence[Package] = ()
    """Packages of which headers or static libraries were used."""
    tools: Sequence[Package] = ()
    """What else of the build environment may have shaped it: backend, code generators."""


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """What is accounted for."""

    name: str
    version: str
    modules: Mapping[str, bytes]
    """Side modules, by their place in the wheel."""
    archives: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    """Static libraries that were linked into them beside the toolchain's, by the module's place."""


def document(wheel: Wheel, made_by: Toolchain, *, source_date: int = epoch.DEFAULT) -> bytes:
    """Account for the side modules of `wheel`; `source_date` is what SOURCE_DATE_EPOCH says, or its default.

    Raises `ToolchainError` if an archive that was linked cannot be read.
    """
    account = _Account(made_by)
    for place in sorted(wheel.modules):
        account.add(place, wheel.modules[place], wheel.archives.get(place, ()))
    headers = {item.ref: item for item in (package.component("headers") for package in made_by.headers)}
    root = Component(
        kind="library", name=canonicalize_name(wheel.name), version=wheel.version, ref="wheel", purl=_purl(wheel)
    )
    needs = {**account.needs, root.ref: [*account.needs, *headers]}
    needs["wasi-sdk"] = ["llvm", "wasi-libc", "compiler-rt"]
    components = sorted((account.found | headers).values(), key=lambda item: item.ref)
    tools = [package.component("tool").json() for package in made_by.tools]
    content = {
        "metadata": _metadata(root, source_date),
        "components": [item.json() for item in components],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(needs[ref]))} for ref in sorted(needs)],
        **({"formulation": [{"components": tools}]} if tools else {}),
    }
    return _write(content)


class _Account:
    """Components by their names, as modules come to need them; the toolchain is there from the beginning."""

    def __init__(self, made_by: Toolchain) -> None:
        self._made_by = made_by
        toolchain = [*sdk_components(made_by.sdk), python_component(made_by.python), SUPPORT]
        self.found = {item.ref: item for item in toolchain}
        self.needs: dict[str, list[str]] = {}
        self._cxx: dict[bool, list[Component]] = {}

    def add(self, place: str, content: bytes, archives: Sequence[Path]) -> None:
        """Add a module, and what of the toolchain is in it, as it says itself; of one that says nothing, nothing."""
        note, exports = _read(place, content)
        module = Component(
            kind="file",
            name=place,
            ref=f"module-{place}",
            sha256=hashlib.sha256(content).hexdigest(),
            part="module",
            properties=(("abi", json.dumps(note, sort_keys=True) if note else ""),),
        )
        used = [_archive(path) for path in archives]
        if note.get("libcxx"):
            used += self._cxx_library(exceptions=DESCRIBES_EXCEPTIONS in exports)
        self.found |= {item.ref: item for item in (module, *used)}
        own = ["compiler-rt", "cpython", SUPPORT.ref, "wasi-libc"] if self._is_ours(note) else []
        self.needs[module.ref] = [*own, *(item.ref for item in used)]

    def _is_ours(self, note: Mapping[str, object]) -> bool:
        """Tell a module that this toolchain made from one that was packed as it was found."""
        sdk = self._made_by.sdk
        return (note.get("clang"), note.get("wasi_libc")) == (sdk.llvm, sdk.wasi_libc)

    def _cxx_library(self, *, exceptions: bool) -> list[Component]:
        cxx = self._made_by.cxx
        if exceptions not in self._cxx:
            self._cxx[exceptions] = cxx_components(cxx, exceptions=exceptions) if cxx else []
        return self._cxx[exceptions]


def _archive(path: Path) -> Component:
    found = file_component(path)
    return replace(found, kind="library", ref=f"archive-{found.name}-{found.sha256[:12]}", part="linked")


def _read(place: str, content: bytes) -> tuple[Mapping[str, object], frozenset[str]]:
    """Give a module's note of its ABI, and the names of what it exports; nothing of what is no side module."""
    try:
        module = SideModule.parse(content, place)
        return module.abi_note() or {}, frozenset(module.exports)
    except MalformedWasm:
        return {}, frozenset()


def _purl(wheel: Wheel) -> str:
    return purl("pypi", canonicalize_name(wheel.name), wheel.version)


def _metadata(root: Component, source_date: int) -> dict[str, object]:
    # The default is nobody's time: it stands for none.
    when = datetime.fromtimestamp(source_date, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    tool = {"type": "application", "name": "hatch-wasi", "version": __version__}
    properties = [
        {"name": f"{PREFIX}describes", "value": "the wheel's side modules, and what they were made of and by"}
    ]
    return {
        **({} if source_date == epoch.DEFAULT else {"timestamp": when}),
        # "A list of the tool(s) used in the creation": of the document, and here of the wheel too.
        "lifecycles": [{"phase": "build"}],
        "tools": {"components": [tool]},
        "component": root.json(),
        "properties": properties,
    }


def _write(content: Mapping[str, object]) -> bytes:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
    }
    return (json.dumps(head | dict(content), indent=2) + "\n").encode()
