"""Programs that make files from files: in parallel, and only those whose output is not current."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

from hatch_wasi import process
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import BuildError, HatchWasiError, ProcessFailed
from hatch_wasi.extension import depfile
from hatch_wasi.extension.ledger import Ledger

__all__ = ["Crew", "Job"]

WARNING_LINES = 8
"""Lines of a program's warnings that are shown."""
SHOWN = 30_000
"""How many characters of a failed program's output are shown, the last; a longer one is in a log."""
TEMPORARY = ("/tmp", "/var/tmp")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One program to run, from the project's root; all paths are relative to it."""

    what: str
    """For messages: `compiling src/a.c`."""
    extension: str
    """The module it is for."""
    argv: tuple[str, ...]
    signature: str
    """Changes when the command, or something else that matters, changes."""
    output: str
    inputs: tuple[str, ...]
    """Files it reads; the depfile may tell of more."""
    depfile: str | None = None
    leaves: tuple[str, ...] = ()
    """Files that it may write beside its output; old ones are removed first."""
    error: re.Pattern[str] = re.compile("error:", re.IGNORECASE)
    """What is in a line of its output that says why it failed."""
    optional: bool = False
    """Its failure concerns its extension alone."""
    check: Callable[[Path, str], str | None] | None = None
    """Returns a warning about the output, if need be, from its path and what the program printed.

    Raises `HatchWasiError` if the output is not good.
    """
    warnings: bool = False
    """What the program warns of concerns the user."""


class Crew:
    """Runs jobs, as many at once as this process may use processors."""

    def __init__(self, ledger: Ledger, root: Path, environment: Mapping[str, str], console: Console) -> None:
        """Work at `root` with `environment`, by and into `ledger`."""
        self._ledger = ledger
        self._root = root
        self._environment = environment
        self._console = console
        self._lock = Lock()
        self._stop = Event()

    def run(self, jobs: Sequence[Job], label: str, noun: str) -> dict[str, BuildError]:
        """Run those of `jobs` that are not current; give the first failure of each optional extension.

        `label` and `noun` tell a person what goes on: `compiling for …`, `source`.
        Raises `BuildError` for the first of the other jobs that failed; no more are started then.
        """
        due = [job for job in jobs if not self._ledger.is_current(job.output, job.signature)]
        if not due:
            return {}
        self._ledger.forget(job.output for job in due)
        many = f"{len(due)} of {len(jobs)} {noun}s"
        count = many if len(due) < len(jobs) else f"{len(due)} {noun}{'s' if len(due) > 1 else ''}"
        for folder in {(self._root / job.output).parent for job in due}:
            folder.mkdir(parents=True, exist_ok=True)
        with self._console.step(f"{label}: {count}"):
            failures = self._run_due(due)
        for job, error in failures:
            if not job.optional:
                raise error
        return {job.extension: error for job, error in reversed(failures)}

    def _run_due(self, due: Sequence[Job]) -> list[tuple[Job, BuildError]]:
        with ThreadPoolExecutor(max_workers=min(len(due), processors())) as pool:
            try:
                results = list(pool.map(self._attempt, due))
            except BaseException:  # an interrupt: let what runs end, start no more
                self._stop.set()
                raise
        return [(job, error) for job, error in zip(due, results, strict=True) if error is not None]

    def _attempt(self, job: Job) -> BuildError | None:
        if self._stop.is_set():
            return None
        try:
            self._make(job)
        except BuildError as error:
            if not job.optional:
                self._stop.set()
            return error
        return None

    def _make(self, job: Job) -> None:
        output = self._root / job.output
        log = output.with_name(f"{output.name}.log")
        log.unlink(missing_ok=True)
        for name in job.leaves:
            (self._root / name).unlink(missing_ok=True)
        command = process.quote(job.argv)
        self._console.detail(f"+ {command}")
        began = time.time_ns()
        try:
            said = process.run(job.argv, what=job.what, cwd=self._root, env=self._environment, log=log, tail=SHOWN)
            warning = job.check(output, said) if job.check else None
        except HatchWasiError as error:
            output.unlink(missing_ok=True)
            raise _explain(job, command, error, self._root) from error
        shown = _warnings(said) if job.warnings and self._console.verbosity < 1 else []
        if said.strip():
            self._console.detail(said.rstrip())
        if shown:
            self._console.warn(f"{job.extension}: {job.what}:\n" + "\n".join(shown))
        if warning:
            self._console.warn(warning)
        found = self._dependencies(job)
        with self._lock:
            self._ledger.record(job.output, job.signature, found, began)

    def _dependencies(self, job: Job) -> tuple[str, ...]:
        if job.depfile is None:
            return job.inputs
        text = (self._root / job.depfile).read_text(encoding="utf-8", errors="surrogateescape")
        return tuple(dict.fromkeys((*job.inputs, *depfile.parse(text))))


def _warnings(said: str) -> list[str]:
    """Return the first lines of warnings, with the places that linkers add; not all of very many."""
    lines = [line for line in said.splitlines() if "warning: " in line or line.startswith(">>> ")]
    rest = len(lines) - WARNING_LINES
    return [f"  {line}" for line in lines[:WARNING_LINES]] + ([f"  and {rest} more; -v shows all"] if rest > 0 else [])


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _explain(job: Job, command: str, error: HatchWasiError, root: Path) -> BuildError:
    """Say what the compiler said first: the rest often follows from it."""
    if not isinstance(error, ProcessFailed):
        return BuildError(error.message, hint=error.hint, log=error.log)
    lines = [line.strip() for line in error.output.splitlines()]
    first = next((line for line in lines if job.error.search(line)), None)
    message = f"{job.extension}: {job.what} failed: {first}" if first else f"{job.extension}: {error.message}"
    # What is shown as a whole needs no file, which would not be there for long in a build environment.
    log = _lasting(error.log, job, root) if error.log and len(error.output) >= SHOWN else None
    return BuildError(message, output=f"+ {command}\n{error.output}".rstrip(), hint=error.hint, log=log)


def _lasting(log: Path, job: Job, root: Path) -> Path:
    """Return a log that outlives the build: front ends remove the temporary folders that they build sdists in."""
    if not any(root.resolve().is_relative_to(Path(place).resolve()) for place in (tempfile.gettempdir(), *TEMPORARY)):
        return log
    kept = Cache().folder("logs") / re.sub(r"[^\w.-]", "_", f"build-{job.extension}-{job.what}.log")
    shutil.copyfile(log, kept)
    return kept
