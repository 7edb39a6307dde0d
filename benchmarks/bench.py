"""What the benchmarks share: interleaved runs, a table of ratios, and projects to build.

Every benchmark compares two or more ways to do one thing in one run, by turns, so that a busy machine slows all of
them alike; what is given is the ratio of medians.
"""

import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console

Case = Callable[[], object]


def toolchain() -> bootstrap.Toolchain:
    """Give the toolchain, bootstrapped if need be."""
    return bootstrap.ensure(Cache(), Console())


def build_python(tools: bootstrap.Toolchain) -> Path:
    """Give a native interpreter of the same X.Y, built if need be."""
    return bootstrap.ensure_build_python(Cache(), Console(), tools)


def run(argv: Sequence[object], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and give its output; its environment is this one's with `env`."""
    words = [os.fspath(word) if isinstance(word, os.PathLike) else str(word) for word in argv]
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def hatch_wasi(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run `hatch-wasi` as a person does."""
    return run([Path(sys.executable).with_name("hatch-wasi"), *arguments], env=env, cwd=cwd)


class Sample(NamedTuple):
    """What one run took, in seconds."""

    wall: float
    cpu: float
    """Of the programs it ran, on all processors: what a busy machine distorts least. NaN if it was not measured."""


def measure(case: Case) -> Sample:
    """Run `case`; if it returns a number, it was timed by itself."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    own = case()
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if isinstance(own, float):
        return Sample(own, math.nan)
    return Sample(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def interleave(cases: Mapping[str, Case], rounds: int, *, warm: int = 1) -> dict[str, list[Sample]]:
    """Run each case by turns, `warm` rounds for nothing and `rounds` that count."""
    for case in list(cases.values()) * warm:
        case()
    times: dict[str, list[Sample]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            times[name].append(measure(case))
    return times


def geometric_mean(values: Sequence[float]) -> float:
    """Give the mean that ratios have."""
    return math.exp(statistics.fmean(map(math.log, values)))


def duration(seconds: float) -> str:
    """Write seconds for a person."""
    if seconds >= 100:
        return f"{seconds:.0f} s"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.4g} ms"


def table(title: str, times: Mapping[str, Sequence[Sample]], *, base: str) -> None:
    """Print medians and their ratios to the case `base`, as Markdown."""

    def middle(name: str, column: int) -> float:
        return statistics.median(sample[column] for sample in times[name])

    print(f"\n{title}, median of {len(times[base])}:\n")
    print("| | time | fastest | processor time | ratio | ratio of processor time |\n|---|---|---|---|---|---|")
    for name, samples in times.items():
        wall, cpu = middle(name, 0), middle(name, 1)
        ratio = f"{wall / middle(base, 0):.2f}"
        has_cpu = not math.isnan(cpu)
        busy, busy_ratio = (duration(cpu), f"{cpu / middle(base, 1):.2f}") if has_cpu else ("", "")
        print(f"| {name} | {duration(wall)} | {duration(min(samples).wall)} | {busy} | {ratio} | {busy_ratio} |")


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is thrown away, with a data folder of its own for what is installed."""
    with tempfile.TemporaryDirectory(prefix="hatch-wasi-bench-") as name:
        os.environ["HATCH_WASI_DATA_DIR"] = str(Path(name, "data"))
        yield Path(name)


def make_project(folder: Path, sources: Mapping[str, str], *, name: str = "bench", extension: bool = True) -> Path:
    """Write a project `bench` with the module `bench._native` of the C files `sources`, or without it."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for file, text in sources.items():
        (package / file).write_text(text)
    lines = [
        "[build-system]",
        'requires = ["hatchling", "hatch-wasi"]',
        'build-backend = "hatchling.build"',
        f'[project]\nname = "{name}"\nversion = "1.0"',
    ]
    if extension:
        lines += [
            "[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]",
            f'name = "{name}._native"',
            f'sources = ["{name}/*.c"]',
        ]
    (folder / "pyproject.toml").write_text("\n".join([*lines, ""]))
    return folder


def build_wheel(project: Path, *, target: str = "wasi") -> Path:
    """Build the project's wheel by hatchling, as hatch does inside its build environment."""
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    run(argv, cwd=project, env={"HATCH_WASI_TARGET": target})
    return max((project / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


MODULE = """
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", "", -1, methods};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
"""
"""The end of a C file that defines `methods`."""
