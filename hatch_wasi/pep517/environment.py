"""A build environment: a virtual environment of the build python with a project's build requirements."""

import os
import re
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_wasi import environment, process
from hatch_wasi.errors import BuildError, ProcessFailed, UsageError
from hatch_wasi.fetch import pip_variables

# How pip reports an index that it cannot connect to: in a warning that it tries again.
UNREACHABLE = re.compile(
    r"^WARNING: Retrying .*?(Failed to resolve '[^']+'|\[Errno -?\d+\] [^'\")]+|[Cc]onnection \S+ timed out|timed out)",
    re.MULTILINE,
)

__all__ = ["Environment", "Surroundings", "impure_packages"]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """An environment that is there: what a build without isolation finds its requirements in. It is left alone."""

    packages: tuple[Path, ...]
    """Its folders of packages."""
    programs: Path
    """Its folder of programs."""

    @classmethod
    def current(cls, python: str) -> "Surroundings":
        """Return the active virtual environment of this machine (VIRTUAL_ENV), else the one that runs this.

        Raises `UsageError` if it is not of Python `python`, X.Y: its extension modules would not load.
        """
        active = Path(os.environ.get("VIRTUAL_ENV") or sys.prefix)
        if environment.of_folder(str(active)):  # what is in it is for WASI, and must not be run here
            active = Path(sys.prefix)
        if active == Path(sys.prefix):
            found = f"{sys.version_info.major}.{sys.version_info.minor}"
            folders = dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
            programs = Path(sysconfig.get_path("scripts"))
        else:
            folders = dict.fromkeys(sorted(active.glob("lib*/python*/site-packages")))
            found = ", ".join(sorted({folder.parent.name.removeprefix("python") for folder in folders})) or "none"
            programs = active / "bin"
        if found != python:
            message = (
                f"--no-isolation builds in the environment {active}, which has Python {found}; this is for {python}"
            )
            raise UsageError(message, hint=f"activate an environment of Python {python}")
        return cls(packages=tuple(folders), programs=programs)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment, made anew."""

    folder: Path
    build_python: Path
    log: Path
    constraints: Sequence[str] = ()
    """Options for pip: `--constraint FILE`, `--index-url URL`, …."""
    surroundings: Surroundings | None = None
    """Whose packages it sees; nothing is installed then."""

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where pip installs."""
        return next(self.folder.glob("lib/python*/site-packages"))

    @property
    def other_packages(self) -> tuple[Path, ...]:
        """Folders of packages that it also sees."""
        return self.surroundings.packages if self.surroundings else ()

    def make(self) -> None:
        """Make it, empty: pip serves it from outside."""
        process.run_python(
            ["-m", "venv", "--clear", "--without-pip", self.folder.absolute()],
            program=self.build_python,
            isolated=True,
            what="making a build environment",
            log=self.log,
        )
        if self.surroundings:
            # Behind what disguises the interpreter, which its own .pth file imports; .pth files count there as here.
            lines = [f"import site; site.addsitedir({str(folder)!r})\n" for folder in self.other_packages]
            (self.site_packages / "zz_hatch_wasi.pth").write_text("".join(lines), encoding="utf-8")

    def install(self, requirements: Sequence[str]) -> None:
        """Install build requirements for the machine that builds. Raises `BuildError` with pip's reason.

        In surroundings that are there: check that they are there, and name all that are not.
        """
        if not requirements:
            return
        if self.surroundings:
            self._check(requirements)
            return
        pip = ["-m", "pip", "--python", str(self.python.absolute()), "install"]
        options = ["--disable-pip-version-check", "--no-input", "--no-warn-script-location", "--quiet"]
        try:
            process.run_python(
                [*pip, *options, *self.constraints, *requirements],
                what="installing build requirements",
                cwd=None,  # requirements and constraints may be named by relative paths
                env=process.base_environment(pip_variables()),
                log=self.log,
            )
        except ProcessFailed as error:
            names = ", ".join(requirements)
            unreachable = UNREACHABLE.search(error.output)
            reason = f"the package index does not answer ({unreachable[1]})" if unreachable else error.message
            hint = "check the network and pip's index; --no-isolation takes what is installed" if unreachable else None
            message = f"the build requirements ({names}) cannot be installed: {reason}"
            raise BuildError(message, hint=hint, log=self.log, output=error.output) from error

    def _check(self, requirements: Sequence[str]) -> None:
        have = {canonicalize_name(dist.name): dist.version for dist in self.distributions()}
        needs = [need for need in map(Requirement, requirements) if need.marker is None or need.marker.evaluate()]
        missing = [
            str(need)
            for need in needs
            if not need.specifier.contains(have.get(canonicalize_name(need.name), ""), prereleases=True)
        ]
        if missing:
            message = f"build requirements are not in this environment: {', '.join(missing)}"
            raise BuildError(message, hint="install them, or build without --no-isolation")

    def distributions(self) -> list[Distribution]:
        """List what is installed in it, and in its surroundings."""
        return list(distributions(path=[str(path) for path in (self.site_packages, *self.other_packages)]))

    def path(self) -> str:
        """Give the PATH of programs that run in it."""
        own = [self.folder / "bin", *([self.surroundings.programs] if self.surroundings else [])]
        return ":".join([*map(str, own), process.base_environment().get("PATH", "/usr/bin:/bin")])


def impure_packages(dists: Sequence[Distribution]) -> Mapping[str, str]:
    """Map the top-level names of distributions that are built for one platform to `NAME==VERSION`.

    What is theirs (headers that state sizes, static libraries) is the build machine's, not the target's.
    """
    found = {}
    for dist in dists:
        if "Root-Is-Purelib: false" in (dist.read_text("WHEEL") or ""):
            found.update(dict.fromkeys(_top_level(dist), f"{dist.metadata['Name']}=={dist.version}"))
    return found


def _top_level(dist: Distribution) -> set[str]:
    names = {file.parts[0] for file in dist.files or () if len(file.parts) > 1}
    return {name for name in names if name != ".." and not name.endswith((".dist-info", ".data"))}
