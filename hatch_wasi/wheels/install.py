"""Install wheels into a folder: all are checked, then all are written beside it, then they appear at once."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from installer import install as write_wheel
from installer.exceptions import InstallerError

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.environment import LAUNCHERS, of_folder
from hatch_wasi.errors import WheelError
from hatch_wasi.redaction import stripped
from hatch_wasi.text import one_line
from hatch_wasi.wasi_python import Runner, WasiPython
from hatch_wasi.wheels import conflicts, side_modules, tags
from hatch_wasi.wheels.bytecode import Compiler
from hatch_wasi.wheels.destination import StageDestination
from hatch_wasi.wheels.installed import Distribution, scan
from hatch_wasi.wheels.removal import files_of, site_lock
from hatch_wasi.wheels.swap import recover, staged
from hatch_wasi.wheels.wheel import INSTALLER_FILES, Wheel

__all__ = ["Installation", "Origin", "check_tags", "open_wheels"]

SHOWN = 3
"""Programs of a wheel that cannot be run, of which the names are shown."""


@contextmanager
def open_wheels(paths: Sequence[Path]) -> Iterator[list[Wheel]]:
    """Open and verify wheel files, which may not be of one project twice. Raises `WheelError`."""
    with ExitStack() as stack:
        wheels: dict[str, Wheel] = {}
        for path in paths:
            wheel = stack.enter_context(Wheel.open(path))
            other = wheels.setdefault(wheel.project, wheel)
            if other is not wheel:
                message = f"{other.path.name} and {path.name} are of one project"
                raise WheelError(message, hint="name one of them")
        yield list(wheels.values())


def check_tags(wheels: Sequence[Wheel], version: str) -> None:
    """Check that each wheel's tags fit CPython `version` on WASI; X.Y will do. Raises `WheelError`."""
    for wheel in wheels:
        # A renamed wheel still says inside what it was built for.
        for named in (wheel.tags, wheel.inner_tags or wheel.tags):
            if problem := tags.misfit(named, version):
                message = f"{wheel.path.name}: {problem[0]}"
                raise WheelError(message, hint=problem[1])


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How a wheel came to be installed."""

    requested: bool = True
    """Somebody asked for it; it is not only needed by another (PEP 376)."""
    direct: Mapping[str, object] | None = None
    """The content of `direct_url.json` if it was named by its place and not looked up in an index (PEP 610)."""

    @classmethod
    def of_file(cls, path: Path) -> "Origin":
        """Describe a wheel file that somebody named."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        hashes = {"hash": f"sha256={sha256}", "hashes": {"sha256": sha256}}
        return cls(direct={"archive_info": hashes, "url": path.resolve().as_uri()})

    def files(self) -> dict[str, bytes]:
        """Give the files that the installing program adds to dist-info."""
        # PEP 610: what is secret in the address is not kept; pip leaves that to parameters of the query.
        kept = self.direct and {**self.direct, "url": stripped(str(self.direct.get("url", "")))}
        direct = json.dumps(kept, sort_keys=True) if kept else None
        texts = ("hatch-wasi\n", "" if self.requested else None, direct)
        return {name: text.encode() for name, text in zip(INSTALLER_FILES, texts, strict=True) if text is not None}


def _accept(wheel: Wheel) -> None:
    """Have nothing against a wheel."""


def _nothing() -> None:
    """Have no native Python."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Where wheels go, and how."""

    site: Path
    """The folder; made if it is not there."""
    python: WasiPython
    """What will import them."""
    cache: Cache
    """Holds the lock of `site`."""
    console: Console
    run_wasi: Runner
    """Compiles bytecode."""
    native_python: Callable[[], Path | None] = _nothing
    """Gives a native Python of the same X.Y, if there is one: it compiles bytecode faster."""
    allow_abi_mismatch: bool = False
    """Take side modules that were built with another wasi-libc."""
    judge: Callable[[Wheel], None] = _accept
    """Raises `WheelError` for a wheel that is not to be installed."""

    def install(self, wheels: Sequence[Wheel], origins: Mapping[str, Origin] | None = None) -> None:
        """Install `wheels`, removing other versions of them; `origins` by their projects (default: named files).

        Raises `WheelError`; then `site` is as it was.
        """
        self._check(wheels)
        origins = origins or {}
        try:
            site = self.site.resolve()
            with self.cache.lock(site_lock(site)):
                recover(site)
                installed = scan(site)
                replaced = [dist for dist in installed if any(dist.project == wheel.project for wheel in wheels)]
                remove = files_of(site, replaced, [dist for dist in installed if dist not in replaced])
                scripts = LAUNCHERS if of_folder(str(site)) else "bin"
                shared = conflicts.check(site, wheels, installed, remove, scripts)
                with staged(site, without=remove) as (tree, scratch):
                    destinations = [StageDestination(tree, wheel, scripts=scripts, shared=shared) for wheel in wheels]
                    self._write(wheels, destinations, origins)
                    self._compile(destinations, tree, scratch)
                now = scan(site)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"{self.site} cannot be written: {reason}"
            raise WheelError(message, hint="nothing was changed") from error
        self._report(wheels, replaced, now)

    def _check(self, wheels: Sequence[Wheel]) -> None:
        check_tags(wheels, self.python.version)
        for wheel in wheels:
            if not wheel.requires_python.contains(self.python.version, prereleases=True):
                message = f"{wheel.path.name} requires Python {wheel.requires_python}; this is {self.python.version}"
                raise WheelError(message, hint="choose another version of it, or another Python by --python")
            wheel.needs(self.python.target().markers())
        for wheel in wheels:
            pure = all(tag.platform == "any" for tag in wheel.tags)
            allow = self.allow_abi_mismatch
            found = side_modules.check(wheel.archive, self.python, pure=pure, allow_mismatch=allow)
            for text in found.mismatched:
                self.console.warn(text)
            if found.unmarked:
                names = _some(found.unmarked)
                self.console.warn(f"{wheel.path.name}: nothing says which wasi-libc its side modules need: {names}")
            if found.foreign:
                self.console.warn(f"{wheel.path.name}: not for WASI, so not loadable: {_some(found.foreign)}")
            self.judge(wheel)

    def _write(
        self,
        wheels: Sequence[Wheel],
        destinations: Sequence[StageDestination],
        origins: Mapping[str, Origin],
    ) -> None:
        for wheel, destination in zip(wheels, destinations, strict=True):
            self.console.detail(f"unpacking {wheel.path.name}")
            try:
                origin = origins.get(wheel.project) or Origin.of_file(wheel.path)
                write_wheel(wheel, destination, origin.files())
            except (InstallerError, zipfile.BadZipFile, EOFError, ValueError) as error:
                message = f"{wheel.path.name} cannot be installed: {error}"
                raise WheelError(message, hint="nothing was changed") from error

    def _compile(self, destinations: Sequence[StageDestination], tree: Path, scratch: Path) -> None:
        """Compile what was written to bytecode, and write the RECORDs, which list it."""
        sources = list(dict.fromkeys(name for destination in destinations for name in destination.sources()))
        compiler = Compiler(
            python=self.python, run_wasi=self.run_wasi, code=self.cache.root / "aot", native=self.native_python
        )
        made, problem = compiler.compile_all(sources, tree, scratch)
        if problem:
            self.console.warn(f"not everything was compiled to bytecode, so imports are slower: {problem}")
        for destination in destinations:
            destination.write_record([made[name] for name in destination.sources() if name in made])

    def _report(self, wheels: Sequence[Wheel], replaced: Sequence[Distribution], now: Sequence[Distribution]) -> None:
        for dist in replaced:
            self.console.detail(f"removed {dist.label}")
        for wheel in wheels:
            for names, reason in (
                (
                    wheel.foreign,
                    "a program for this machine and not a Python script: it is a data file, which cannot be run",
                ),
                (wheel.misnamed, "not a name that a package's program may have: it cannot be called"),
            ):
                for name in names[:SHOWN]:
                    self.console.warn(one_line(f"{wheel.path.name}: {name!r} is {reason}"))
                if len(names) > SHOWN:
                    self.console.warn(f"{wheel.path.name}: and {len(names) - SHOWN} more like that")
            needs = wheel.needs(self.python.target().markers())
            missing = [str(need) for need in needs if not any(dist.provides(need) for dist in now)]
            if missing:
                self.console.warn(f"{wheel.label} needs what is not installed: {', '.join(missing)}")
        self.console.note(f"installed {', '.join(wheel.label for wheel in wheels)} in {self.site}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
