"""Check a finished wheel against the WASI Python it is for: whether it will import there, and what it gives away."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

from hatch_wasi.audit import module_audit, privacy
from hatch_wasi.audit.finding import Finding, Level, ModuleReport, Report
from hatch_wasi.audit.libraries import Libraries
from hatch_wasi.audit.module_audit import Expectation
from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.text import one_line
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.linkage import SHOWN, Interface
from hatch_wasi.wasm.module import MAGIC, Module
from hatch_wasi.wasm.side_module import SHARED_OBJECT, SIZE_LIMIT, SideModule
from hatch_wasi.wheels.install import check_tags
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["CODES", "WARNINGS", "Auditor"]

# What does not keep a wheel from being used.
WARNINGS = module_audit.WARNINGS | {"foreign", "host-path", "needed-elsewhere", "secret-shape"}
CODES = WARNINGS | {
    "abi", "dylink", "exports-nothing", "host-import", "init", "limited-api", "malformed", "memory", "needed", "not-wasm",
    "requires-python", "secret", "signature", "suffix", "table", "tag", "threads", "undefined",
}  # fmt: skip
"""Every kind of finding; docs/audit.md explains them."""

Problem = tuple[str, str, str]
"""A finding's code, place and text."""


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

    def check_open(self, wheel: Wheel, *, private: Sequence[str] = (), usable_only: bool = False) -> Report:
        """Audit a wheel that is open; `usable_only`: not for what it gives away.

        Raises `WheelError` if a member is damaged.
        """
        modules: dict[str, SideModule] = {}
        scan = None if usable_only else privacy.Scan(self.secrets, private)
        problems = list(self._members(wheel, scan, modules))
        problems += self._modules(wheel, modules)
        problems += self._wheel(wheel, modules)
        reports = [_describe(name, module, wheel) for name, module in modules.items()]
        return Report(
            wheel=wheel.path.name, findings=[self._finding(*problem) for problem in problems], modules=reports
        )

    def _finding(self, code: str, where: str, what: str) -> Finding:
        mild = code in WARNINGS or (code == "abi" and self.allow_abi_mismatch)
        level = Level.WARNING if mild else Level.ERROR
        return Finding(level=level, code=code, where=one_line(where), what=one_line(what))

    def _expectation(self, wheel: Wheel) -> Expectation:
        abi3 = [tag.interpreter for tag in wheel.tags if tag.abi == "abi3"]
        versions = [re.fullmatch(r"cp(\d)(\d{1,4})", interpreter) for interpreter in abi3]
        limited = min(((int(found[1]), int(found[2])) for found in versions if found), default=None)
        target = self.python.target()
        own = "cp" + self.python.short_version.replace(".", "")
        return Expectation(
            python=self.python,
            target=target,
            interface=self._interface,
            abi3=bool(abi3),
            single=all(tag.abi == own for tag in wheel.tags),
            limited=limited,
        )

    def _members(self, wheel: Wheel, scan: privacy.Scan | None, modules: dict[str, SideModule]) -> Iterator[Problem]:
        """Look at each file by itself, once; fill `modules`."""
        pure = _is_pure(wheel)
        info = f"{wheel.dist_info_dir}/"
        for name, entry in wheel.archive.members.items():
            is_module = bool(SHARED_OBJECT.search(name))
            # A README may speak of anybody's paths; what is made by machines should not.
            paths = is_module or (name.startswith(info) and name != f"{info}METADATA" and "/licenses/" not in name)
            if is_module and entry.file_size <= SIZE_LIMIT:
                data = wheel.archive.read(name)
                chunks: Iterator[bytes] = iter((data,))
                for code, what in _parse(data, name, pure=pure, modules=modules):
                    yield code, name, what
            else:
                chunks = wheel.archive.chunks(name)
                if is_module:
                    yield "not-wasm", name, f"it is larger than {SIZE_LIMIT} bytes"
            for code, what in scan.find(chunks, paths=paths) if scan else ():
                yield code, name, what

    def _modules(self, wheel: Wheel, modules: Mapping[str, SideModule]) -> Iterator[Problem]:
        """Look at each side module beside the others."""
        if not modules:
            return
        expected = self._expectation(wheel)
        libraries = Libraries(modules)
        interfaces = {name: Interface.of_side(module) for name, module in modules.items()}
        for name, module in modules.items():
            needed, lacking = libraries.closure(name)
            theirs = [interfaces[library] if library else None for library in needed]
            is_library = name in libraries.members
            found = module_audit.check(module, name, expected, interfaces[name], theirs, is_library=is_library)
            for code, what in _some(chain(lacking, found)):
                yield code, name, what

    def _wheel(self, wheel: Wheel, modules: Mapping[str, SideModule]) -> Iterator[Problem]:
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


def _some(found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Give a module's first findings of each code, and how many more there are."""
    count: Counter[str] = Counter()
    for code, what in found:
        count[code] += 1
        if count[code] <= SHOWN:
            yield code, what
    for code, number in count.items():
        if number > SHOWN:
            yield code, f"and {number - SHOWN} more of this kind"


def _is_pure(wheel: Wheel) -> bool:
    return all(tag.platform == "any" for tag in wheel.tags)


def _parse(data: bytes, name: str, *, pure: bool, modules: dict[str, SideModule]) -> Iterator[tuple[str, str]]:
    """Read a side module into `modules`, or say what poses as one."""
    is_wasm = data.startswith(MAGIC)
    if not is_wasm and pure:
        yield "foreign", "it is for another system; WASI Python cannot load it"
        return
    try:
        modules[name] = SideModule.parse(data, name)
    except MalformedWasm as error:
        text = error.message.removeprefix(f"{name}: ").removeprefix(f"{name} ")
        yield "dylink" if is_wasm else "not-wasm", text


def _describe(name: str, module: SideModule, wheel: Wheel) -> ModuleReport:
    try:
        note = module.abi_note()
    except MalformedWasm:
        note = None
    return ModuleReport(
        name=name,
        size=wheel.archive.members[name].file_size,
        debug=module_audit.debug_size(module),
        needed=module.needed,
        abi=note,
    )
