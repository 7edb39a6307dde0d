"""Build a project's wheel: its backend runs on the build python, disguised as WASI."""

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pyproject_hooks import BackendUnavailable, BuildBackendHookCaller, HookMissing, UnsupportedOperation

from hatch_wasi import process
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.disguise.driver import CXX
from hatch_wasi.disguise.toolset import Toolset
from hatch_wasi.errors import BuildError, ProcessFailed
from hatch_wasi.pep517 import causes, project
from hatch_wasi.pep517.environment import Environment, impure_packages

__all__ = ["Build"]

ATTEMPTS = 4
WRITABLE = ("source", "wheel", "tmp")
"""Folders below `work` in which a build writes, the copy of its sources among them."""
# Backends that cannot be told by the environment what to build for, by a requirement that names them.
SETTINGS = {"meson-python": ("setup-args", "--cross-file={folder}/meson.cross")}


@dataclass(frozen=True, kw_only=True)
class Build:
    """One wheel of one source tree."""

    source: Path
    """An unpacked tree, which is left alone."""
    label: str
    """For messages: `msgpack 1.1.0`."""
    work: Path
    """A folder for everything that is thrown away."""
    environment: Environment
    toolset: Toolset
    provide: Callable[[str, Path], None]
    """Puts the target's files of `NAME==VERSION` into a folder of packages."""
    ensure_cxx: Callable[[], CxxLibrary]
    log: Path
    config_settings: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    allow_pure: bool = False
    """Accept a wheel without extensions where some were compiled."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """More of the backend's environment: what our own hook, inside the project, is to know."""

    @property
    def tree(self) -> Path:
        """The copy of the source tree that is built in."""
        return self.work / "source"

    def run(self) -> Path:
        """Build and give the wheel, in `work`. Raises `BuildError` naming the log."""
        backend, base = project.read(self.source), self.toolset
        self.environment.install(backend.requires)
        base.install_shim()
        wanted: set[str] = set()
        for _ in range(ATTEMPTS):
            toolset = replace(base, impure=impure_packages(self.environment.distributions()))
            toolset.write()
            try:
                return self._checked(self._build(backend, toolset), toolset)
            except BuildError:
                needs = set(toolset.missing.read_text(encoding="utf-8").split()) if toolset.missing.is_file() else set()
                if not needs - wanted:
                    raise
            for need in sorted(needs - wanted):
                if need == CXX:
                    base = replace(base, cxx=self.ensure_cxx())
                else:
                    self.provide(need, toolset.target_packages)
            wanted |= needs
        message = f"{self.label}: its build keeps asking for packages of the target: {', '.join(sorted(wanted))}"
        raise BuildError(message, log=self.log)

    def _checked(self, wheel: Path, toolset: Toolset) -> Path:
        """Raise `BuildError` if a project that compiled something gave a wheel without it."""
        with zipfile.ZipFile(wheel) as archive:
            has_modules = any(name.endswith(".so") for name in archive.namelist())
        if not has_modules and toolset.calls.is_file() and not self.allow_pure:
            message = f"{self.label}: something was compiled, and yet the wheel is pure Python ({wheel.name})"
            failed = causes.compiling(self._lines())
            reason = f"its extension failed to build: {failed}" if failed else "its extension may have failed to build"
            likely = causes.likely(failed)
            hint = f"{reason}{f' (likely: {likely})' if likely else ''}; --allow-pure accepts the wheel"
            raise BuildError(message, hint=hint, log=self.log)
        return wheel

    def _build(self, backend: project.Backend, toolset: Toolset) -> Path:
        tree, out, temporary = (self.work / name for name in WRITABLE)
        project.copy(self.source, tree)
        out.mkdir(exist_ok=True)
        temporary.mkdir(exist_ok=True)

        def run(
            cmd: Sequence[str | os.PathLike[str]],
            cwd: str | os.PathLike[str] | None = None,
            extra_environ: Mapping[str, str] | None = None,
        ) -> None:
            env = process.base_environment({**self._variables(toolset, temporary), **(extra_environ or {})})
            process.run(
                [os.fspath(word) for word in cmd],
                what=f"building {self.label}",
                cwd=Path(cwd) if cwd else None,
                env=env,
                log=self.log,
            )

        hooks = BuildBackendHookCaller(
            str(tree), backend.name, backend.path or None, runner=run, python_executable=str(self.environment.python)
        )
        settings = self._settings(backend, toolset)
        begin = self.log.stat().st_size if self.log.is_file() else 0
        try:
            with self._warnings_logged():
                requires = hooks.get_requires_for_build_wheel(settings)
                self.environment.install(requires)
                return out / hooks.build_wheel(str(out), settings)
        except (BackendUnavailable, HookMissing, UnsupportedOperation) as error:
            reason = str(error.args[0] if error.args else error).strip().rpartition("\n")[2] or type(error).__name__
            message = f"{self.label}: its build backend {backend.name} cannot be used: {reason}"
            raise BuildError(message, log=self.log) from error
        except ProcessFailed as error:
            raise self._explained(error, backend, begin) from error

    def _variables(self, toolset: Toolset, temporary: Path) -> dict[str, str]:
        """Give the backend's variables; some build in the folder of temporary files, of which nothing may show either."""
        # Makefiles call gcc by that name.
        path = f"{toolset.folder / 'bin'}:{self.environment.path()}"
        mine = {"PATH": path, "TMPDIR": str(temporary)}
        return {**toolset.environment(), **self.variables, **mine}

    @contextmanager
    def _warnings_logged(self) -> Iterator[None]:
        """Write the backend's warnings into the log: the library of hooks collects them and gives them as our own."""
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            try:
                yield
            finally:
                with self.log.open("a", encoding="utf-8") as log:
                    log.writelines(f"warning: {' '.join(str(item.message).split())}\n" for item in found)

    def _settings(self, backend: project.Backend, toolset: Toolset) -> dict[str, str | Sequence[str]]:
        settings: dict[str, str | Sequence[str]] = dict(self.config_settings)
        names = {canonicalize_name(Requirement(need).name) for need in backend.requires}
        for requirement, (key, value) in SETTINGS.items():
            if requirement in names:
                given = settings.get(key, ())
                mine = value.format(folder=toolset.folder)
                settings[key] = [mine, *([given] if isinstance(given, str) else given)]
        return settings

    def _lines(self, begin: int = 0) -> list[str]:
        """Read the log, or its end, from `begin` on: what is before it is of attempts that lacked something else."""
        text = self.log.read_bytes()[begin:].decode("utf-8", "replace")[-40000:]
        return [line.strip() for line in text.splitlines() if line.strip()]

    def _explained(self, error: ProcessFailed, backend: project.Backend, begin: int) -> BuildError:
        lines, lacking = self._lines(begin), backend.external.lacking
        told = causes.telling(lines) or error.message
        # What the compiler of another language says is of no use to anybody then.
        cause = causes.language(backend.requires) or causes.likely(told, lines)
        if lacking:
            declared = f"it says (PEP 725) that it needs {', '.join(lacking)}, which hatch-wasi does not bring"
            cause = f"{cause}; {declared}" if cause else declared
        message = f"{self.label} cannot be built for WASI: {told}"
        return BuildError(
            message, hint=f"likely: {cause}" if cause else None, log=self.log, output="\n".join(lines[-15:])
        )
