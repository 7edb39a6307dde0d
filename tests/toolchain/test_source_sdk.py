"""An SDK from the distribution's sources of wasi-libc and LLVM, with an installed clang, end to end."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from installed import install_clang, poor_path

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.errors import ToolchainError
from hatch_wasi.pins import cpython, release_of_wasi_libc
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import llvm, wasi_libc
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution
from hatch_wasi.toolchain import source
from hatch_wasi.toolchain.provider import Request
from hatch_wasi.toolchain.verify import verify
from hatch_wasi.wasi_python import WasiPython

SCRIPT = """
from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
print(bootstrap.ensure_sdk(Cache(), Console(), sdk="source").root)
"""
# What shows that a step is under way; an object file, so that the build of upstream's goes on with the others.
UNDER_WAY = {
    "sources": "sources/wasi-libc",
    "wasi-libc": "wasi-libc/*/libc-top-half/**/*.o*",
    "builtins": "compiler-rt/build/CMakeFiles/clang_rt*/*.c.o*",
    "cxx": "cxx-noeh/build/libcxx/src/**/*.cpp.o*",
}
EXAMPLE = Path(__file__).parents[2] / "example-project"


@pytest.fixture(scope="module")
def wasi_libc_archive(tmp_path_factory: pytest.TempPathFactory, cache: Cache) -> Path:
    """wasi-libc's sources: what a bootstrap would find, else the newest that the mirror of this machine hands out.

    It lists source packages whose files it does not have. An older wasi-libc is too old for CPython, and is built in
    the same way; a person would name it by HATCH_WASI_WASI_LIBC_SOURCE.
    """
    try:
        found = wasi_libc.find(cache, Console(), cpython("3.13").sdk)
    except ToolchainError:
        machine = Distribution.detect()
        apt = Apt(machine, cache.folder("apt") / machine.codename, cache.folder("logs") / "apt.log")
        folder = tmp_path_factory.mktemp("wasi-libc")
        return apt.original(f"wasi-libc={apt.source_versions('wasi-libc')[0]}", folder)
    assert found.path is not None
    return found.path


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, cache: Cache, wasi_sdk: WasiSdk, wasi_libc_archive: Path
) -> tuple[Path, dict[str, str]]:
    """A cache (in a folder with a space in its name) with the sources and nothing else, and the environment of a machine with a clang and little more."""
    root = tmp_path_factory.mktemp("source sdk")
    clang = install_clang(wasi_sdk, root / "usr" / "bin")
    os.environ.pop("HATCH_WASI_OFFLINE", None)
    downloads = Cache(root / "cache").folder("downloads")
    found = llvm.find(cache, Console(), wasi_sdk.llvm_major)
    assert found.path is not None
    (downloads / found.path.name).symlink_to(found.path)
    env = {
        "PATH": f"{poor_path(root / 'bin')}:{clang.parent}",
        "HATCH_WASI_CACHE_DIR": str(root / "cache"),
        "HATCH_WASI_OFFLINE": "1",
        "PYTHONPATH": str(Path(bootstrap.__file__).parents[1]),
    }
    if wasi_libc_archive.parent == cache.folder("downloads"):
        (downloads / wasi_libc_archive.name).symlink_to(wasi_libc_archive)
    else:
        env["HATCH_WASI_WASI_LIBC_SOURCE"] = str(wasi_libc_archive)
    return root, env


def kill_in(step: str, root: Path, env: dict[str, str]) -> None:
    """Start the build and kill it, with the compilers that it has started, when `step` is under way."""
    argv = [sys.executable, "-c", SCRIPT]
    child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 600
    while not any(root.glob(f"cache/sdk/.partial-*/elsewhere/scratch/{UNDER_WAY[step]}")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert Cache(root / "cache").entries("sdk") == []


@pytest.fixture(scope="module")
def made(place: tuple[Path, dict[str, str]]) -> WasiSdk:
    """The SDK, made without git, bash, HOME and network, by a build that was killed in each step."""
    root, env = place
    for step in UNDER_WAY:
        kill_in(step, root, env)
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (entry,) = Cache(root / "cache").entries("sdk")
    assert done.stdout.strip() == str(entry)
    assert [path.name for path in entry.parent.iterdir()] == [entry.name]
    return WasiSdk.from_tree(entry)


def test_it_goes_on_where_it_was_killed(place: tuple[Path, dict[str, str]], made: WasiSdk) -> None:
    root, _ = place
    logs = {path.name.removeprefix(f"sdk-{made.id}-"): path.read_text() for path in root.glob("cache/logs/sdk-*.log")}
    for step, times in {"wasi-libc.log": 1, "builtins.log": 1, "cxx.log": 2}.items():
        # A wasi-libc with a Makefile is not configured.
        assert logs[step].count(" -G Ninja ") in (times, 0), (
            f"{step}: configured once, each variant of the C++ library too"
        )
        made_there = re.findall(r"Building \w+ object (\S+)", logs[step])
        # What was under way is begun anew, and the C++ library has two variants.
        assert len(made_there) <= times * len(set(made_there)) + (os.cpu_count() or 1) + 1


def test_what_it_is_made_of_is_recorded(place: tuple[Path, dict[str, str]], made: WasiSdk) -> None:
    assert (made.provider, made.version) == ("source", release_of_wasi_libc(made.wasi_libc))
    manifest = Cache(made.root.parents[1]).manifest(made.root)
    inputs = manifest["inputs"]
    assert isinstance(inputs, dict)
    assert inputs["pair"] == cpython("3.13").sdk
    assert inputs["clang"] == f"installed {made.llvm}"
    assert inputs["llvm"]["version"] == made.llvm
    kind, _, name = inputs["wasi_libc"]["origin"].partition("wasi-libc_")
    assert kind == ("local archive " if "HATCH_WASI_WASI_LIBC_SOURCE" in place[1] else "source package: ")
    assert wasi_libc.commit_in(name) == made.wasi_libc


def test_the_builtins_are_where_clang_looks(made: WasiSdk) -> None:
    major = made.llvm_major
    assert made.builtins == made.root.joinpath(
        "lib", "clang", str(major), "lib", "wasm32-unknown-wasip1", "libclang_rt.builtins.a"
    )
    assert [path.name for path in (made.root / "lib" / "clang").iterdir()] == [str(major)]


def has_threads(sdk: WasiSdk) -> bool:
    """Tell whether its wasi-libc declares pthreads, as CPython and C++'s threads want it: that of 2022 does not."""
    return (sdk.sysroot / "include" / "wasm32-wasip1" / "pthread.h").is_file()


def test_modules_take_its_own_cxx_library(made: WasiSdk) -> None:
    found = CxxLibrary.of_sdk(made)
    if not has_threads(made):
        assert found is None  # one without threads is not taken
        assert (made.library_dir / "libc++.a").is_file()
        return
    assert found is not None
    assert found.lib == made.library_dir


def test_nothing_in_it_names_the_machine(place: tuple[Path, dict[str, str]], made: WasiSdk) -> None:
    marks = [b"/tmp/hatch-wasi", os.fsencode(place[0]), os.fsencode(Path.home()) + b"/."]
    for path in made.root.rglob("*"):
        assert not path.is_symlink(), path
        if path.is_file():
            data = path.read_bytes()
            assert not any(mark in data for mark in marks), path


def test_it_is_used_again(place: tuple[Path, dict[str, str]], made: WasiSdk, monkeypatch: pytest.MonkeyPatch) -> None:
    root, env = place
    cache = Cache(root / "cache")
    named = env.get("HATCH_WASI_WASI_LIBC_SOURCE")
    if named:
        monkeypatch.setenv("HATCH_WASI_WASI_LIBC_SOURCE", named)

    def ready(pair: str = "24") -> WasiSdk | None:
        return source.ready(cache, Request(sdk="source", pair=pair, trial=trial.run_command))

    assert ready() == made
    assert ready("33") is None
    verify(made, trial.run_command)
    monkeypatch.setenv("HATCH_WASI_CLANG", "build")
    assert ready() is None
    monkeypatch.setenv("HATCH_WASI_CLANG", str(next(Path(env["PATH"].split(":")[1]).glob("clang-*"))))
    assert ready() == made
    monkeypatch.delenv("HATCH_WASI_CLANG")
    monkeypatch.setenv("HATCH_WASI_WASI_LIBC_SOURCE", str(root / "none"))
    assert ready() is None
    archive = named or next(path for path in (root / "cache" / "downloads").glob("*-wasi-libc_*"))
    monkeypatch.setenv("HATCH_WASI_WASI_LIBC_SOURCE", str(archive))
    assert ready() == made


def test_without_its_clang_it_says_so(tmp_path: Path, made: WasiSdk) -> None:
    shutil.copytree(made.root / "bin", tmp_path / "sdk" / "id" / "bin")
    done = subprocess.run([tmp_path / "sdk" / "id" / "bin" / "clang"], capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert f"the clang {made.llvm} that was installed, and that is not here" in done.stderr


def test_an_extension_built_by_it_runs(
    tmp_path: Path, place: tuple[Path, dict[str, str]], made: WasiSdk, wasi_sdk: WasiSdk, wasi_python: WasiPython
) -> None:
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".hatch", "dist", "*.so", "__pycache__"))
    env = {
        **os.environ,
        "HATCH_WASI_CACHE_DIR": str(place[0] / "cache"),
        "HATCH_WASI_DATA_DIR": str(tmp_path / "data"),
        "HATCH_WASI_TARGET": "wasi",
        "HATCH_WASI_SDK": "source",
        "HATCH_WASI_PYTHON": str(wasi_python.root),
    }

    def run(*argv: str, **changes: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *argv], cwd=project, env=env | changes, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    if not has_threads(made):
        argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
        done = subprocess.run(argv, cwd=project, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "error: example_project._speedups: compiling" in done.stderr
        assert "'pthread.h' file not found" in done.stderr
        return
    run("hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist"))
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        (module,) = (name for name in content.namelist() if name.endswith(".so"))
        assert f'"wasi_libc":"{made.wasi_libc}"'.encode() in content.read(module).replace(b" ", b"")
    # Its wasi-libc is another than that of the Python, which is of the distribution's SDK: it is refused for what it
    # says, and runs when it does not say so.
    cache = str(wasi_python.root.parents[1])
    usual = {"HATCH_WASI_CACHE_DIR": cache, "HATCH_WASI_SDK": "debian", "HATCH_WASI_PYTHON": "3.13"}
    argv = [sys.executable, "-m", "hatch_wasi", "install", str(wheel)]
    refused = subprocess.run(argv, env=env | usual, capture_output=True, text=True, check=False)
    assert refused.returncode == (made.wasi_libc != wasi_python.wasi_libc)
    assert not refused.returncode or f"wasi-libc {made.wasi_libc}" in refused.stderr
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as content:
        content.extractall(site)
    subprocess.run([wasi_sdk.program("llvm-objcopy"), "--remove-section=hatch_wasi.abi", site / module], check=True)
    program = "from example_project._speedups import distance; print(distance('kitten', 'sitting'))"
    assert run("hatch_wasi", "run", "--site", str(site), "-c", program, **usual) == "3\n"
