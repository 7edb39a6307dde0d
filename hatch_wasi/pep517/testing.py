"""Run a project's tests against its wheel on WASI: in a fresh environment, from a folder without its sources."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import BuildError, ProcessFailed, UsageError
from hatch_wasi.pep517.builder import Builder
from hatch_wasi.wasi_python import Runner
from hatch_wasi.wheels.install import Installation, open_wheels

__all__ = ["Tests"]

SCRIPT = """#!/bin/sh
exec {command} "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Tests:
    """What must succeed before a wheel is kept; the terms are cibuildwheel's."""

    command: str
    """For a shell, in which `python` is WASI Python with the wheel installed; `{project}` is a copy of the sources."""
    requires: Sequence[str] = ()
    """Requirements that are installed beside the wheel."""
    extras: Sequence[str] = ()
    """Extras of the wheel, of which the requirements are installed, too."""
    sources: Sequence[str] = ()
    """Files and folders of the project that are copied to where the command runs; else there is nothing."""
    run_wasi: Runner
    """Compiles bytecode."""

    def run(
        self,
        wheel: Path,
        source: Path,
        builder: Builder,
        collect: Callable[[Sequence[str], Path], list[Path]],
        work: Path,
    ) -> None:
        """Test `wheel`, which was built from the tree at `source`, below `work`; `collect` makes wheels of what it needs.

        Raises `BuildError` with the last line of what was said, `UsageError` if the sources have no such file.
        """
        folder, console = work / "test", builder.console
        cwd, project, site = folder / "run", folder / "project", folder / "site"
        cwd.mkdir(parents=True)
        log = builder.cache.folder("logs") / f"test-{wheel.name}.log"
        log.unlink(missing_ok=True)
        shutil.copytree(source, project, symlinks=True)
        self._copy(project, cwd)
        tested = f"{wheel.name.partition('-')[0]}[{','.join(self.extras)}] @ {wheel.as_uri()}"
        wheels = collect([tested, *self.requires], folder / "wheels")
        with open_wheels(wheels) as opened:
            Installation(
                site=site, python=builder.python, cache=builder.cache, console=console, run_wasi=self.run_wasi
            ).install(opened)
        programs = self._programs(folder / "bin", builder, site, project)
        env = {
            "PATH": f"{programs}:{site / 'bin'}:{process.base_environment().get('PATH', '/usr/bin:/bin')}",
            "HATCH_WASI_DATA_DIR": str(folder / "data"),  # what this person installed is not to be found
        }
        command = self.command.replace("{project}", str(project)).replace("{wheel}", str(wheel))
        with console.step(f"Testing {wheel.name}"):
            try:
                told = process.run(
                    ["/bin/sh", "-c", command],
                    what="its tests",
                    cwd=cwd,
                    env=process.base_environment(env),
                    log=log,
                )
            except ProcessFailed as error:
                last = error.output.strip().rpartition("\n")[2].strip(" =") or error.message
                message = f"{wheel.name} fails its tests on WASI (exit status {error.status}): {last}"
                raise BuildError(message, hint="the wheel was not kept", log=log, output=error.output) from error
        last = told.strip().rpartition("\n")[2].strip(" =")
        console.note(f"Tests of {wheel.name} pass" + f": {last}" * bool(last))

    def check(self, source: Path) -> None:
        """Raise `UsageError` if the tree at `source` lacks what the tests are to run from."""
        for name in self.sources:
            path = Path(name)
            if path.is_absolute() or ".." in path.parts or not (source / name).exists():
                message = f"--test-sources {name}: the project has no such file or folder"
                raise UsageError(message, hint="name it from the project's top folder")

    def _copy(self, project: Path, cwd: Path) -> None:
        self.check(project)
        for name in self.sources:
            here, there = project / name, cwd / name
            there.parent.mkdir(parents=True, exist_ok=True)
            if here.is_dir():
                shutil.copytree(here, there, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copyfile(here, there)

    def _programs(self, folder: Path, builder: Builder, site: Path, project: Path) -> Path:
        """Write `python`, and the `hatch-wasi` that installed scripts call, for this environment."""
        folder.mkdir()
        ours = [*process.python(), "-m", "hatch_wasi"]
        python = [*ours, "run", "--python", str(builder.python.root), "--site", str(site), "--dir", str(project)]
        for name, command in (("python", python), ("python3", python), ("hatch-wasi", ours)):
            path = folder / name
            path.write_text(SCRIPT.format(command=process.quote(command)), encoding="utf-8")
            path.chmod(0o755)
        return folder
