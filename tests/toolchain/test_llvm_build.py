"""The build of LLVM itself: that it is prepared, begins, is killed and goes on. All of it takes hours."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from installed import poor_path

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import llvm
from hatch_wasi.toolchain import cmake, llvm_build

TARGET = "LLVMDemangle"
SCRIPT = """
import sys
from pathlib import Path
from hatch_wasi.cache import Cache
from hatch_wasi.toolchain import cmake, llvm_build
source, folder = map(Path, sys.argv[1:3])
tools = cmake.find(Cache(folder / "cache"), folder / "cmake", folder / "log")
host = llvm_build.host_compiler()
tree = llvm_build.configure(source, folder, host=host, cmake=tools, log=folder / "log")
llvm_build.compile_targets(tree, (sys.argv[3],), cmake=tools, log=folder / "log")
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, cache: Cache, wasi_sdk: WasiSdk) -> Path:
    os.environ.pop("HATCH_WASI_OFFLINE", None)
    found = llvm.find(cache, Console(), int(pins.table("source-sdk")["llvm"]))
    folder = tmp_path_factory.mktemp("llvm") / "source"
    found.unpack(folder, llvm_build.PARTS)
    return folder


def test_it_begins_and_goes_on_where_it_was_killed(tmp_path: Path, source: Path) -> None:
    path = Path(poor_path(tmp_path / "bin"))
    for name in ("ar", "as", "c++", "cc", "ld", "nm", "ranlib"):
        (path / name).symlink_to(shutil.which(name) or "")
    env = {
        "PATH": os.fspath(path),
        "PYTHONPATH": str(Path(llvm_build.__file__).parents[2]),
        "HATCH_WASI_OFFLINE": "1",
    }
    folder = tmp_path / "llvm"
    folder.mkdir()
    argv = [sys.executable, "-c", SCRIPT, os.fspath(source), os.fspath(folder), TARGET]
    child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 600
    while not list(folder.glob(f"build/lib/Demangle/CMakeFiles/{TARGET}.dir/*.o")):
        assert child.poll() is None, (folder / "log").read_text()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    log = (folder / "log").read_text()
    assert (folder / "build" / "lib" / f"lib{TARGET}.a").is_file()
    assert log.count("-- Configuring done") == 1
    assert "Found Git" not in log
    # The one that was under way when it was killed may be there twice, no other.
    objects = [line.split()[-1] for line in log.splitlines() if "Building CXX object lib/Demangle/" in line]
    assert len(objects) <= len(set(objects)) + 1
    _look_at_the_plan(folder / "build")


def _look_at_the_plan(build: Path) -> None:
    """What would be made and installed, by the configured build's own account."""
    ninja = cmake.present()
    assert ninja is not None
    plan = subprocess.run(
        [ninja.ninja, "-C", build, "-n", "distribution", "install-distribution-stripped"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in ("bin/clang-22", "bin/lld", "bin/llvm-ar", "bin/llvm-nm", "bin/llvm-ranlib", "bin/llvm-objdump"):
        assert name in plan
    assert "lib/Target/WebAssembly/" in plan
    assert "lib/Target/X86/" not in plan


def test_without_a_compiler_for_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match=r"no C\+\+ compiler") as caught:
        llvm_build.host_compiler()
    assert "install one" in str(caught.value.hint)
