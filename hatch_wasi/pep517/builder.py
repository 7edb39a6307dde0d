"""Build wheels for one WASI Python: an environment and a toolset for each source tree, and the wheels that are kept."""

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_wasi import __version__, epoch
from hatch_wasi.cache import Cache, Workspace, digest
from hatch_wasi.console import Console
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.disguise.toolset import Toolset
from hatch_wasi.pep517 import project
from hatch_wasi.pep517.build import WRITABLE, Build
from hatch_wasi.pep517.environment import Environment, Surroundings
from hatch_wasi.pep517.finish import Finish, archives, package, tools
from hatch_wasi.redaction import redacted
from hatch_wasi.sbom.document import Package, Toolchain
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wheels.unpack import unpack

__all__ = ["KIND", "BuildOptions", "Builder", "Needs"]

KIND = "wheels"
"""Cache entries: wheels of sdists, as pip keeps them."""
SHAPING = (
    "hatch_wasi.disguise", "hatch_wasi.disguise.program", "hatch_wasi.sbom", "hatch_wasi.side_modules",
    "hatch_wasi.side_modules.guest", "hatch_wasi.side_modules.include",
)  # fmt: skip
"""Whose files shape what is built."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a person can choose of how things are built."""

    allow_pure: bool = False
    config_settings: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    pip_options: Sequence[str] = ()
    """For installing build requirements."""
    surroundings: Surroundings | None = None
    """The environment to build in; None: one of its own for each project."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """For backends: our own hook among them is to know its target."""
    sbom: bool = True
    """Give wheels a bill of materials."""
    source_date: int = epoch.DEFAULT
    """SOURCE_DATE_EPOCH for backends, and the time of what is in wheels."""
    rebuild: bool = False
    """Build again those wheels of sdists that are kept in the cache."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """How a build comes to what it needs for WASI: files of the target's own wheels, in place of the machine's."""

    fetch: Callable[[Requirement, Path], Path]
    """Gives the target's wheel of a requirement, using a folder."""
    asked: Sequence[str] = ()
    """Requirements that are there from the beginning; others follow as the build is seen to use them."""


@dataclass
class Builder:
    """Builds for one WASI Python."""

    cache: Cache
    console: Console
    sdk: WasiSdk
    python: WasiPython
    cxx: CxxLibrary | None
    """The C++ library, if it is there already."""
    ensure_cxx: Callable[[], CxxLibrary]
    """Asked when C++ is compiled and it is not."""
    build_python: Path
    options: BuildOptions

    def __post_init__(self) -> None:
        """Have built nothing yet."""
        self._rebuilt: set[str] = set()

    def log(self, label: str) -> Path:
        """Name the log of building `label`."""
        return self.cache.folder("logs") / f"wheel-{label.replace(' ', '-').replace('/', '_')}.log"

    def build(self, source: Path, label: str, work: Path, needs: Needs) -> Path:
        """Give the wheel of the tree at `source`, made in `work`. Raises `BuildError`."""
        log = self.log(label)
        log.unlink(missing_ok=True)
        backend = project.read(source)
        asked = (*needs.asked, *backend.external.packages)
        used: list[Package] = []

        def provide(need: str, folder: Path) -> None:
            used.append(self._provide(need, folder, work / f"need-{len(used)}-{_plain(redacted(need))}", needs))

        with self.console.step(f"Building {label}"):
            environment, toolset = self._tools(work, log)
            for need in asked:
                provide(need, toolset.target_packages)
            build = Build(
                source=source,
                label=label,
                work=work,
                environment=environment,
                toolset=toolset,
                provide=provide,
                ensure_cxx=self._ensure_cxx,
                log=log,
                config_settings=self.options.config_settings,
                allow_pure=self.options.allow_pure,
                variables={**self._settled, **self.options.variables},
            )
            wheel = build.run()
            finish = Finish(
                private=work,
                source_date=self.options.source_date,
                made_by=self._made_by(used, tools(environment, backend.requires)) if self.options.sbom else None,
                archives=archives(toolset, source, build.tree),
            )
            return finish.run(wheel, work / "finished")

    def _made_by(self, headers: Sequence[Package], tools: Sequence[Package]) -> Toolchain:
        return Toolchain(sdk=self.sdk, python=self.python, cxx=self.cxx, headers=headers, tools=tools)

    def _tools(self, work: Path, log: Path) -> tuple[Environment, Toolset]:
        """Make the environment of a build, and describe its compilers."""
        environment = Environment(
            folder=work / "env",
            build_python=self.build_python,
            log=log,
            constraints=self.options.pip_options,
            surroundings=self.options.surroundings,
        )
        environment.make()
        toolset = Toolset(
            folder=work / "toolset",
            sdk=self.sdk,
            python=self.python,
            cxx=self.cxx,
            hidden=(work,),
            writable=tuple(work / name for name in WRITABLE),
            site_packages=environment.site_packages,
            more_packages=environment.other_packages,
            target_packages=work / "target-packages",
        )
        return environment, toolset

    @property
    def _settled(self) -> dict[str, str]:
        """What would differ from one run of a backend to the next."""
        return {epoch.VARIABLE: str(self.options.source_date), "PYTHONHASHSEED": "0"}

    def build_sdist(self, sdist: Path, source: Path, label: str, work: Path, needs: Needs) -> Path:
        """Give the wheel of an sdist file that is unpacked at `source`: the one that was kept, if there is one."""
        if self.options.config_settings or self.options.surroundings:
            return self.build(source, label, work, needs)
        with sdist.open("rb") as file:
            key = digest([hashlib.file_digest(file, "sha256").hexdigest(), list(needs.asked), self._identity])
        name = f"{_plain(label)}-{key}"
        kept = self.cache.find(KIND, name)
        if kept and self.options.rebuild and name not in self._rebuilt:
            with self.cache.lock(f"{KIND}-{name}"):
                self.cache.discard(kept)
            kept = None
        self._rebuilt.add(name)

        def make(workspace: Workspace) -> Mapping[str, object]:
            wheel = self.build(source, label, work, needs)
            shutil.copyfile(wheel, workspace.tree / wheel.name)
            return {"schema": 1, "sdist": sdist.name, "python": self.python.version, "sdk": self.sdk.id}

        entry = self.cache.make(KIND, name, make, tell=self.console.note)
        wheel = next(entry.glob("*.whl"))
        if kept:
            self.console.detail(f"{label} was built before: {wheel}")
        return wheel

    def forget(self, wheel: Path) -> None:
        """Keep a wheel no longer that turned out not to be right: it would not be found out again."""
        entry = wheel.parent
        if entry in self.cache.entries(KIND):
            with self.cache.lock(f"{KIND}-{entry.name}"):
                self.cache.discard(entry)

    @cached_property
    def _identity(self) -> list[object]:
        """Everything but the sources that shapes a wheel; versions of build requirements do not count, as with pip."""
        shaping = [
            [entry.name, hashlib.sha256(entry.read_bytes()).hexdigest()]
            for package in SHAPING
            for entry in sorted(files("hatch_wasi").joinpath(*package.split(".")[1:]).iterdir(), key=lambda e: e.name)
            if entry.is_file() and not entry.name.endswith(".pyc")
        ]
        with self.python.wasm.open("rb") as file:
            python = hashlib.file_digest(file, "sha256").hexdigest()
        chosen = self.options
        options = [list(chosen.pip_options), chosen.allow_pure, chosen.sbom, chosen.source_date]
        return [__version__, shaping, python, self.sdk.id, options]

    def _ensure_cxx(self) -> CxxLibrary:
        self.cxx = self.cxx or self.ensure_cxx()
        return self.cxx

    def _provide(self, need: str, folder: Path, part: Path, needs: Needs) -> Package:
        """Unpack the target's wheel of a build requirement whose headers or libraries are used, and tell which it is."""
        self.console.note(f"Needed for WASI by the build: {need}")
        part.mkdir()
        wheel = needs.fetch(Requirement(need), part)
        unpack(wheel, folder)
        return package(wheel)


def _plain(label: str) -> str:
    """Write a label or requirement so that it can name a file."""
    name, _, rest = label.replace("==", " ").partition(" ")
    return re.sub(r"[^\w.+-]", "_", f"{canonicalize_name(name)}-{rest}" if rest else name)
