"""Check a finished wheel against the WASI Python it is for: whether it will import there, and what it gives away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.resolution import unresolved
from hatch_wasi.wasm.side_module import SideModule
from hatch_wasi.wheels.install import check_tags
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["Auditor", "Finding"]

EXTENSION_SUFFIXES = ".abi3.so", ".so"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a wheel."""

    where: str
    """The member, or the wheel's own name."""
    what: str

    def __str__(self) -> str:
        """Give it in a line."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Auditor:
    """Knows one WASI Python; checks any number of wheels."""

    python: WasiPython

    @cached_property
    def _exports(self) -> frozenset[str]:
        return frozenset(Module(self.python.wasm.read_bytes(), self.python.wasm.name).exports)

    @cached_property
    def _suffixes(self) -> tuple[str, ...]:
        return (self.python.target().ext_suffix, *EXTENSION_SUFFIXES)

    def check(self, path: Path, *, private: Sequence[str] = ()) -> list[Finding]:
        """List what is wrong with the wheel at `path`; `private` are texts that must not show in it, as build paths.

        Raises `WheelError` if it is no wheel.
        """
        found = []
        with Wheel.open(path) as wheel:
            try:
                check_tags([wheel], self.python.version)
            except WheelError as error:
                found.append(Finding(path.name, error.message))
            names = [name for name in wheel.archive.members if name.endswith(".so")]
            pure = all(tag.platform == "any" for tag in wheel.tags)
            if pure and names:
                found.append(Finding(path.name, f"it is tagged for any platform and has {names[0]}"))
            for name in wheel.archive.members:
                data = wheel.archive.read(name)
                found += [Finding(name, f"it names {text}") for text in private if text.encode() in data]
                if name.endswith(".so"):
                    found += [Finding(name, what) for what in self._side_module(name, data)]
        return found

    def _side_module(self, name: str, data: bytes) -> Iterator[str]:
        try:
            module = SideModule.parse(data, name)
        except MalformedWasm as error:
            yield error.message
            return
        leaf = name.rpartition("/")[2].partition(".")[0]
        other = [export for export in module.exports if export.startswith("PyInit")]
        if other and not {f"PyInit_{leaf}", f"PyInitU_{leaf}"} & set(module.exports) and leaf.isascii():
            yield f"it exports {other[0]} and not PyInit_{leaf}"
        if not module.exports or all(export.startswith("__wasm") for export in module.exports):
            yield "it exports nothing"
        suffix = name.rpartition("/")[2][len(leaf) :]
        if suffix not in self._suffixes and ".cpython-" in suffix:
            yield f"its suffix {suffix} is another Python's; this one has {self._suffixes[0]}"
        if missing := unresolved(module, self._exports):
            yield f"it needs what WASI Python does not have: {', '.join(missing)}"
