"""Check a finished wheel against the WASI Python it is for: whether it will import there, and what it gives away."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hatch_wasi.audit import module_audit, privacy
from hatch_wasi.audit.finding import Finding, Level, ModuleReport, Report
from hatch_wasi.audit.linkage import Interface
from hatch_wasi.audit.module_audit import Expectation
from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.side_module import SideModule
from hatch_wasi.wheels.install import check_tags
from hatch_wasi.wheels.side_modules import LIMIT, MAGIC
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["Auditor"]

# What does not keep a wheel from being used.
WARNINGS = module_audit.WARNINGS | {"foreign", "host-path", "secret-shape"}


@dataclass(frozen=True)
class Auditor:
    """Knows one WASI Python; checks any number of wheels."""

    python: WasiPython
    allow_abi_mismatch: bool = False
    """Take modules that were built with another wasi-libc."""
    secrets: Mapping[str, str] = field(default_factory=privacy.environment_secrets)
    """Values that must not show, by the names of their variables."""

    @cached_property
    def _interface(self) -> Interface:
        return Interface.of(Module(self.python.wasm.read_bytes(), self.python.wasm.name))

    def check(self, path: Path, *, private: Sequence[str] = ()) -> Report:
        """Audit the wheel file `path`; `private` are texts that must not show in it, as build paths.

        Raises `WheelError` if it is no wheel, or a damaged or hostile one.
        """
        with Wheel.open(path) as wheel:
            return self.check_open(wheel, private=private)

    def check_open(self, wheel: Wheel, *, private: Sequence[str] = ()) -> Report:
        """Audit a wheel that is open. Raises `WheelError` if a member is damaged."""
        modules, findings = self._parse(wheel)
        expected = self._expectation(wheel)
        for name, module in modules.items():
            libraries, lacking = _libraries(name, modules)
            is_library = any(name in _libraries(other, modules)[0] for other in modules if other != name)
            found = [("needed", f"it needs {library}, which is not in the wheel") for library in lacking]
            interfaces = [Interface.of(modules[library].module) for library in libraries]
            found += module_audit.check(module, name, expected, interfaces, is_library=is_library)
            findings += [self._finding(code, name, what) for code, what in found]
        findings += [self._finding(code, where, what) for code, where, what in self._wheel(wheel, modules)]
        findings += [self._finding(code, where, what) for code, where, what in self._private(wheel, private)]
        reports = [_describe(name, module, wheel) for name, module in modules.items()]
        return Report(wheel=wheel.path.name, findings=findings, modules=reports)

    def _finding(self, code: str, where: str, what: str) -> Finding:
        mild = code in WARNINGS or (code == "abi" and self.allow_abi_mismatch)
        return Finding(level=Level.WARNING if mild else Level.ERROR, code=code, where=where, what=what)

    def _expectation(self, wheel: Wheel) -> Expectation:
        abi3 = [tag.interpreter for tag in wheel.tags if tag.abi == "abi3"]
        versions = [re.fullmatch(r"cp(\d)(\d+)", interpreter) for interpreter in abi3]
        limited = min(((int(found[1]), int(found[2])) for found in versions if found), default=None)
        target = self.python.target()
        return Expectation(
            python=self.python, target=target, interface=self._interface, abi3=bool(abi3), limited=limited
        )

    def _parse(self, wheel: Wheel) -> tuple[dict[str, SideModule], list[Finding]]:
        """Read the side modules, and say which members pose as such."""
        modules, findings = {}, []
        pure = _is_pure(wheel)
        for name, entry in wheel.archive.members.items():
            if not name.endswith(".so"):
                continue
            if entry.file_size > LIMIT:
                findings.append(self._finding("not-wasm", name, f"it is larger than {LIMIT} bytes"))
                continue
            data = wheel.archive.read(name)
            if not data.startswith(MAGIC) and pure:
                findings.append(self._finding("foreign", name, "it is for another system; WASI Python cannot load it"))
                continue
            try:
                modules[name] = SideModule.parse(data, name)
            except MalformedWasm as error:
                code = "not-wasm" if not data.startswith(MAGIC) else "dylink"
                findings.append(self._finding(code, name, error.message.removeprefix(f"{name}: ")))
        return modules, findings

    def _wheel(self, wheel: Wheel, modules: Mapping[str, SideModule]) -> Iterator[tuple[str, str, str]]:
        """Check what the wheel as a whole says of itself."""
        name = wheel.path.name
        try:
            check_tags([wheel], self.python.version)
        except WheelError as error:
            yield "tag", name, error.message.removeprefix(f"{name}: ")
        if not wheel.requires_python.contains(self.python.version, prereleases=True):
            yield "requires-python", name, f"it requires Python {wheel.requires_python}; this is {self.python.version}"
        if _is_pure(wheel) and modules:
            yield "tag", name, f"it is tagged for any platform and has {next(iter(modules))}"

    def _private(self, wheel: Wheel, private: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Look for what the build environment left behind."""
        described = f"{wheel.dist_info_dir}/METADATA"
        for name in wheel.archive.members:
            data = wheel.archive.read(name)
            for certain, what in privacy.secrets(data, self.secrets, private):
                yield "secret" if certain else "secret-shape", name, what
            # A README may speak of anybody's paths; what is made by machines should not.
            written = name.endswith(".so") or (name.startswith(f"{wheel.dist_info_dir}/") and name != described)
            if written and (paths := privacy.host_paths(data)):
                yield "host-path", name, f"it has paths of a build machine: {paths}"


def _is_pure(wheel: Wheel) -> bool:
    return all(tag.platform == "any" for tag in wheel.tags)


def _libraries(name: str, modules: Mapping[str, SideModule]) -> tuple[list[str], list[str]]:
    """Give the members that the member `name` needs, directly and through others, and the names that are not there."""
    found: list[str] = []
    lacking: list[str] = []
    waiting = [name]
    while waiting:
        needed_by = waiting.pop(0)
        for library in modules[needed_by].needed:
            member = _member(library, needed_by, modules)
            if member is None:
                lacking.append(library)
            elif member not in found:
                found.append(member)
                waiting.append(member)
    return found, lacking


def _member(library: str, needed_by: str, modules: Mapping[str, SideModule]) -> str | None:
    """Find a library as the loader does: beside the module, then anywhere in the wheel, for RUNPATH may lead there."""
    beside = f"{needed_by.rpartition('/')[0]}/{library}".removeprefix("/")
    if beside in modules:
        return beside
    return next((member for member in modules if member.rpartition("/")[2] == library), None)


def _describe(name: str, module: SideModule, wheel: Wheel) -> ModuleReport:
    try:
        note = module_audit.abi_note(module)
    except ValueError:
        note = None
    return ModuleReport(
        name=name,
        size=wheel.archive.members[name].file_size,
        debug=module_audit.debug_size(module),
        needed=module.needed,
        abi=note,
    )
