"""Run CPython's own test suite on the installed WASI Python, one process a test file, and record what came out.

Usage: python scripts/cpython_tests.py [--python X.Y] [--test-modules] [--jobs N] [--timeout SECONDS] [--folder FOLDER]
[--record FILE] [TEST…]. The tests are of the sources that the Python was built from. Each file has an empty folder of its
own as `/`, and a standard library that it may write. With --test-modules the Python is one that is built for this, by the
same recipe but with the modules by which the tests look into it (_testcapi and others), which users have no need of.

Prints a line a file and, at the end, what docs/cpython-tests.md shows; --record keeps the results, and files that are in
it already are not run again. Exit status: 0 unless a file fails that is not expected to (the document names those that
are, and why).
"""

import argparse
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from hatch_wasi import bootstrap, pins, process
from hatch_wasi.cache import Cache, replace_file
from hatch_wasi.config import DEFAULT_PYTHON
from hatch_wasi.console import Console
from hatch_wasi.cpython.build import Build
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import flags
from hatch_wasi.sources import cpython
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.workspace import Workspace

DOCUMENT = Path(__file__).parents[1] / "docs" / "cpython-tests.md"


@dataclass(frozen=True)
class Outcome:
    """What a test file came to."""

    state: str
    """`passed`, `failed`, `skipped`, `timeout`, `crashed`."""
    run: int = 0
    """Test cases that were run; those skipped among them are counted in `skipped`."""
    skipped: int = 0
    seconds: float = 0
    reasons: tuple[str, ...] = ()
    """Cases that failed, why the file is skipped, or how the process ended."""


def read(status: int, output: str) -> Outcome:
    """Read what `python -m test -W` printed for one file, and its exit status."""
    totals = re.search(r"^Total tests: run=([\d,]+)(?:.*? skipped=([\d,]+))?", output, flags=re.MULTILINE)
    run, skipped = (int((number or "0").replace(",", "")) for number in totals.groups()) if totals else (0, 0)
    failed = re.findall(r"^(?:FAIL|ERROR): (\S+)(?: \(([\w.<>]+)\))?", output, flags=re.MULTILINE)
    cases = tuple(dict.fromkeys(where.removeprefix("test.") if where else name for name, where in failed))
    if "\nResult: SUCCESS" in output and status == 0:
        why = re.findall(r"^\S+ skipped(?: -- (.+))?$", output, flags=re.MULTILINE)
        return Outcome("skipped", reasons=tuple(filter(None, why))) if why else Outcome("passed", run, skipped)
    if "resource_denied=1" in output:
        return Outcome("skipped", reasons=("needs a resource that is not enabled",))
    if "\nResult: " in output:
        again = re.findall(r"^(?:test_\S+|\S+) failed \((?:uncaught exception|env changed)\)", output, re.MULTILINE)
        return Outcome("failed", run, skipped, reasons=cases or tuple(again) or tuple(output.splitlines()[-3:]))
    return Outcome("crashed", reasons=(f"status {status}", *output.strip().splitlines()[-2:]))


class Suite:
    """The tests of one Python, ready to be run; each worker has a copy of the standard library that it may write."""

    def __init__(self, python: WasiPython, folder: Path, timeout: float) -> None:
        """Keep everything in `folder`."""
        self._folder = folder
        self._python = python
        self._timeout = timeout
        self._free: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def prepare(self, source: cpython.Source, workers: int, *, compiled: bool) -> None:
        """Put the standard library with its tests there, compiled if many are to be run, once for each worker."""
        unpacked = self._folder / "source"
        if not unpacked.exists():
            source.unpack(unpacked)
        for index in range(workers):
            home = self._folder / f"home-{index}"
            library = home / "lib" / f"python{self._python.short_version}"
            if not (home / "complete").exists():
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(self._python.library, home / "lib")
                shutil.copytree(unpacked / "Lib", library, dirs_exist_ok=True)
                if compiled:
                    argv = ["--dir", f"{home}::/home", "-m", "compileall", "-q", f"/home/lib/{library.name}/test"]
                    # Some of them are broken by intent.
                    subprocess.run(self._command(*argv), capture_output=True, check=False)
                (home / "complete").touch()
            self._free.put(home)

    def compile_ctypes_test(self, sdk: WasiSdk) -> None:
        """Give each worker the library that ctypes' tests call, `_ctypes_test`: CPython builds it as a shared one only,
        and not for WASI.
        """
        source = self._folder / "source" / "Modules" / "_ctypes" / "_ctypes_test.c"
        made = self._folder / f"_ctypes_test{self._python.target().ext_suffix}"
        options = ("-w", "-fPIC", "-fvisibility=default", "-DPy_BUILD_CORE_MODULE", *flags.OPTIMIZE, *flags.EMULATED)
        includes = (f"-I{self._python.include}", f"-I{self._python.include}/internal")
        linked = (*flags.LINK, "-Wl,--export-dynamic", sdk.builtins or "")
        argv = [*sdk.cc, *options, *includes, source, *linked, "-o", made]
        process.run(argv, what="compiling _ctypes_test", env=process.base_environment())
        for home in self._folder.glob("home-*"):
            shutil.copy(made, home / "lib" / f"python{self._python.short_version}" / "lib-dynload")

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "hatch_wasi", "run", "--python", str(self._python.root), "--isolated", *words]

    def _argv(self, home: Path, root: str, *words: str) -> list[str]:
        ours = ["--dir", f"{home}::/home", "--dir", f"{root}::/", "--env", "PYTHONHOME=/home"]
        return self._command(*ours, "-m", "test", *words)

    def names(self) -> list[str]:
        """Ask CPython's test runner for the names of all files."""
        home = self._folder / "home-0"
        with tempfile.TemporaryDirectory() as root:
            return process.run(self._argv(home, root, "--list-tests"), what="listing the tests").split()

    def run(self, name: str) -> tuple[Outcome, str]:
        """Run one file; gives what it came to and what it printed."""
        home = self._free.get()
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as root:
            Path(root, "tmp").mkdir()
            try:
                done = subprocess.run(
                    self._argv(home, root, "-W", name),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=self._timeout,
                    check=False,
                )
                output = done.stdout.decode("utf-8", "replace")
                found = read(done.returncode, output)
            except subprocess.TimeoutExpired as error:
                output = (error.stdout or b"").decode("utf-8", "replace")
                found = Outcome("timeout", reasons=(f"not done after {self._timeout:g} s",))
        self._free.put(home)
        return Outcome(**(asdict(found) | {"seconds": round(time.monotonic() - begun, 1)})), output


def expected() -> dict[str, str]:
    """Read the files that are known to fail, with the reason, from the document's table."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    return dict(re.findall(r"^\| `(test\S+)` \| (.+?) \|", text, flags=re.MULTILINE))


def table(results: dict[str, Outcome]) -> str:
    """Write the counts and every file that did not pass."""
    counts = Counter(outcome.state for outcome in results.values())
    cases, skipped = (sum(getattr(outcome, what) for outcome in results.values()) for what in ("run", "skipped"))
    lines = [
        ", ".join(f"{number} {state}" for state, number in sorted(counts.items())),
        f"{cases} cases, {skipped} of them skipped",
        "",
    ]
    for name, outcome in sorted(results.items()):
        if outcome.state != "passed":
            lines.append(f"{outcome.state} {name}: {'; '.join(outcome.reasons)}")
    return "\n".join(lines)


def build(cache: Cache, console: Console, short_version: str, folder: Path) -> WasiPython:
    """Build a Python with CPython's test modules, once for the folder."""
    sdk = bootstrap.ensure_sdk(cache, console, python=short_version)
    source = cpython.find(cache, console, pins.cpython(short_version))

    def work(workspace: Workspace) -> dict[str, object]:
        how = {"cache": cache, "console": console, "source": source, "sdk": sdk, "run_wasi": trial.run_command}
        return Build(workspace=workspace, test_modules=True, **how).run()

    entry = Cache(folder / "cache").make("python", f"{source.version}-test-modules", work, tell=console.note)
    return WasiPython.from_tree(entry)


def main() -> int:
    """Run what is asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=DEFAULT_PYTHON, help="X.Y, or the folder of a WASI Python")
    parser.add_argument("--test-modules", action="store_true", help="build a Python that has them")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--folder", type=Path, help="keep the tests and what they print here")
    parser.add_argument("--record", type=Path, help="a file of results, which are not made again")
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    cache, console = Cache(), Console()
    folder = (args.folder or Path(tempfile.mkdtemp(prefix="cpython-tests-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if args.test_modules:
        python = build(cache, console, args.python, folder)
    elif "/" in args.python:
        python = WasiPython.from_tree(Path(args.python).absolute())
    else:
        python = bootstrap.ensure(cache, console, python=args.python).python
    suite = Suite(python, folder, args.timeout)
    suite.prepare(cpython.find(cache, console, pins.cpython(python.short_version)), args.jobs, compiled=not args.tests)
    suite.compile_ctypes_test(bootstrap.ensure_sdk(cache, console, python=python.short_version))
    results: dict[str, Outcome] = {}
    if args.record and args.record.exists():
        kept = json.loads(args.record.read_text(encoding="utf-8"))
        results = {name: Outcome(**{**fields, "reasons": tuple(fields["reasons"])}) for name, fields in kept.items()}
    names = args.tests or suite.names()
    with ThreadPoolExecutor(max_workers=args.jobs) as pool:
        begun = {pool.submit(suite.run, name): name for name in names if name not in results}
        for number, done in enumerate(as_completed(begun), 1):
            name = begun[done]
            results[name], output = done.result()
            (folder / f"{name}.log").write_text(output, encoding="utf-8")
            print(f"[{number}/{len(begun)}] {name}: {results[name].state}, {results[name].seconds} s", flush=True)
            if args.record:
                data = json.dumps({key: asdict(value) for key, value in sorted(results.items())}, indent=1)
                replace_file(args.record, data.encode())
    print(table(results))
    known = expected()
    bad = [
        name for name, outcome in results.items() if outcome.state not in ("passed", "skipped") and name not in known
    ]
    if bad:
        print(f"not expected to fail: {', '.join(sorted(bad))}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
