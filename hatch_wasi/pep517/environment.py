"""A build environment: a virtual environment of the build python with a project's build requirements."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import BuildError, ProcessFailed

__all__ = ["Environment", "impure_packages"]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment, made anew."""

    folder: Path
    build_python: Path
    log: Path
    constraints: Sequence[str] = ()
    """Options for pip: `--constraint FILE`, `--index-url URL`, …."""

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where pip installs."""
        return next(self.folder.glob("lib/python*/site-packages"))

    def make(self) -> None:
        """Make it, empty: pip serves it from outside."""
        argv = [str(self.build_python), "-m", "venv", "--clear", "--without-pip", str(self.folder)]
        process.run(argv, what="making a build environment", env=process.base_environment(), log=self.log)

    def install(self, requirements: Sequence[str]) -> None:
        """Install build requirements for the machine that builds. Raises `BuildError` with pip's reason."""
        if not requirements:
            return
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install"]
        options = ["--disable-pip-version-check", "--no-input", "--no-warn-script-location", "--quiet"]
        try:
            env = process.base_environment()
            process.run(
                [*pip, *options, *self.constraints, *requirements],
                what="installing build requirements",
                env=env,
                log=self.log,
            )
        except ProcessFailed as error:
            names = ", ".join(requirements)
            message = f"the build requirements ({names}) cannot be installed: {error.message}"
            raise BuildError(message, log=self.log, output=error.output) from error

    def path(self) -> str:
        """Give the PATH of programs that run in it."""
        return f"{self.folder / 'bin'}:{process.base_environment().get('PATH', '/usr/bin:/bin')}"


def impure_packages(site_packages: Path) -> Mapping[str, str]:
    """Map the top-level names of distributions that are built for one platform to `NAME==VERSION`.

    What is theirs (headers that state sizes, static libraries) is the build machine's, not the target's.
    """
    found = {}
    for dist in distributions(path=[str(site_packages)]):
        if "Root-Is-Purelib: false" in (dist.read_text("WHEEL") or ""):
            found.update(dict.fromkeys(_top_level(dist), f"{dist.metadata['Name']}=={dist.version}"))
    return found


def _top_level(dist: Distribution) -> set[str]:
    names = {file.parts[0] for file in dist.files or () if len(file.parts) > 1}
    return {name for name in names if name != ".." and not name.endswith((".dist-info", ".data"))}
