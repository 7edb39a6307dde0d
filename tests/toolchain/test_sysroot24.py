"""The sysroot that PEP 816 pairs with Python 3.13, where the other tests have a later one: Python and C++ on it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sysroot24 import IMITATED, imitate

from hatch_wasi import bootstrap, pins
from hatch_wasi.cache import Cache, Workspace
from hatch_wasi.console import Console
from hatch_wasi.cpython.build import Build, entry_name
from hatch_wasi.cpython.optimization import PLAIN
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython
from hatch_wasi.toolchain import threads
from hatch_wasi.toolchain.verify import verify_cxx
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.entities import FuncType
from hatch_wasi.wasm.module import Module

PACKAGE = Path(__file__).parents[1] / "packages" / "throwing"
# What the later sysroot has and nobody can bring: it has a header of its own.
LATER = {"fts_children", "fts_close", "fts_open", "fts_read", "fts_set"}

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def place(cache: Cache, toolchain: bootstrap.Toolchain, request: pytest.FixtureRequest) -> Path:
    """A cache, kept for the next run of the tests, that has the sources; the SDK is beside it."""
    assert request.config.cache is not None
    root = request.config.cache.mkdir("sysroot24")
    imitate(toolchain.sdk, root / "sdk")
    (root / "cache").mkdir(exist_ok=True)
    for name in ("downloads", "apt"):
        if not (root / "cache" / name).exists():
            (root / "cache" / name).symlink_to(cache.folder(name))
    return root


@pytest.fixture(scope="module")
def paired(place: Path) -> bootstrap.Toolchain:
    """The toolchain. Its Python is not optimized, which is half of the work and none of what is tested."""
    cache, console = Cache(place / "cache"), Console()
    sdk = bootstrap.ensure_sdk(cache, console, sdk=str(place / "sdk"))
    source = cpython.find(cache, console, pins.cpython("3.13"))

    def build(workspace: Workspace) -> dict[str, object]:
        return Build(
            cache=cache,
            console=console,
            source=source,
            sdk=sdk,
            workspace=workspace,
            run_wasi=trial.run_command,
            optimization=PLAIN,
        ).run()

    entry = cache.make("python", entry_name(source.version, sdk), build, tell=console.note)
    return bootstrap.Toolchain(sdk=sdk, python=WasiPython.from_tree(entry))


@pytest.fixture(scope="module")
def command(place: Path, paired: bootstrap.Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Run a module of Python as a person with that SDK would."""
    env = {
        **os.environ,
        "HATCH_WASI_CACHE_DIR": str(place / "cache"),
        "HATCH_WASI_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "HATCH_WASI_SDK": str(place / "sdk"),
        "HATCH_WASI_TARGET": "wasi",
    }

    def run(*argv: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [sys.executable, "-m", *argv], env=env, capture_output=True, text=True, check=False, **options
        )

    return run


def exported(python: WasiPython) -> dict[str, object]:
    """Give what extensions find in python.wasm, and of which type, without what is reserved for its own libraries."""
    module = Module(python.wasm.read_bytes(), "python.wasm")
    return {name: export.type for name, export in module.exports.items() if not name.startswith("__")}


def test_python_is_of_this_sysroot(paired: bootstrap.Toolchain, command: Command) -> None:
    assert (paired.sdk.wasi_libc, paired.sdk.version) == (IMITATED, "24")
    done = command("hatch_wasi", "run", "-c", "import sqlite3, ctypes, zlib; print(sum(range(10)))")
    assert (done.returncode, done.stdout) == (0, "45\n"), done.stderr


def test_extensions_find_the_same_with_every_sysroot(paired: bootstrap.Toolchain, wasi_python: WasiPython) -> None:
    later, earlier = exported(wasi_python), exported(paired.python)
    assert {"pthread_mutexattr_init", "pthread_rwlock_rdlock", "_pthread_cleanup_push", "cnd_wait"} <= earlier.keys()
    assert later.keys() - earlier.keys() <= LATER
    assert not earlier.keys() - later.keys()
    functions = [name for name, kind in earlier.items() if isinstance(kind, FuncType)]
    assert len(functions) > 1000
    assert [name for name in functions if later[name] != earlier[name]] == []


def test_cxx_extension(command: Command, tmp_path: Path) -> None:
    """Exceptions, streams, mutexes and threads of C++, setjmp, and Cython: built, found to be whole, and imported."""
    project = tmp_path / "project"
    shutil.copytree(PACKAGE, project)
    built = command("hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=project)
    assert built.returncode == 0, built.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    audited = command("hatch_wasi", "audit", wheel)
    assert audited.returncode == 0, audited.stdout + audited.stderr
    site = tmp_path / "site"
    shutil.unpack_archive(wheel, site, "zip")
    code = (
        "from throwing import _library, _jumps, _words\n"
        "print(_library.locks(), _library.expressions(), _library.nested(), _jumps.jump(), _words.check(100), sep='|')"
    )
    done = command("hatch_wasi", "run", "--site", site, "-c", code)
    expected = "1 7 refused|22,4444,refused|left unwound outer inner 0|(42, 2)|100\n"
    assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_cxx_program(place: Path, paired: bootstrap.Toolchain, tmp_path: Path) -> None:
    """The SDK from sources checks itself by such a program; its wasi-libc may be this one."""
    root = tmp_path / "sdk"
    shutil.copytree(place / "sdk", root, symlinks=True)
    sdk = WasiSdk(root=root, provider="source", id="", llvm=paired.sdk.llvm, wasi_libc=IMITATED)
    assert threads.are_missing(sdk)
    threads.add(sdk, tmp_path / "objects", log=tmp_path / "log")
    library = bootstrap.ensure_cxx(Cache(place / "cache"), Console(), paired.sdk)
    options = [*library.compile_flags(exceptions=False), f"-L{library.lib / 'noeh'}", f"-l{threads.LIBRARY}"]
    verify_cxx(sdk, trial.run_command, options, exceptions=False)


def test_sysroot_that_has_threads_is_left_alone(wasi_sdk: WasiSdk) -> None:
    assert threads.are_missing(wasi_sdk) == (wasi_sdk.wasi_libc == IMITATED)
