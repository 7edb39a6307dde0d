"""CPython itself, on a machine without a compiler, HOME and git, killed in the middle of its build."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import bare_machine

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython
from hatch_wasi.wasi_python import WasiPython

BOOTSTRAP = [sys.executable, "-m", "hatch_wasi", "bootstrap"]


def test_killed_while_compiling_it_ends_with_the_same_interpreter(
    tmp_path: Path, cache: Cache, wasi_sdk: WasiSdk, wasi_python: WasiPython
) -> None:
    source = cpython.find(cache, Console(), pins.cpython("3.13"))
    env = {
        "PATH": str(bare_machine.programs(tmp_path / "bin")),
        "HATCH_WASI_CACHE_DIR": str(tmp_path / "cache"),
        "HATCH_WASI_DATA_DIR": str(tmp_path / "data"),
        "HATCH_WASI_CPYTHON_SOURCE": str(source.path),
    }
    # The same SDK under the same name: python.wasm says which wasi-libc it has.
    shutil.copytree(wasi_sdk.root, tmp_path / "cache" / "sdk" / wasi_sdk.id, symlinks=True)
    child = subprocess.Popen(BOOTSTRAP, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 900
    while not list(
        (tmp_path / "cache").glob("python/.partial-*/scratch/cpython/cross-build/wasm32-wasip1/Objects/*.o")
    ):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = subprocess.run(BOOTSTRAP, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "(done before)" in done.stderr
    (log,) = (tmp_path / "cache" / "logs").glob("python-*-configure-wasi.log")
    # The command is the log's first line: it was run once.
    assert [line[:2] for line in log.read_text().splitlines()].count("+ ") == 1
    assert "Fetching make from the distribution" in done.stderr
    (entry,) = Cache(tmp_path / "cache").entries("python")
    assert (entry / "python.wasm").read_bytes() == wasi_python.wasm.read_bytes()
    hello = [
        sys.executable,
        "-m",
        "hatch_wasi",
        "run",
        "--python",
        str(entry),
        "-c",
        "import json; print(json.dumps([1]))",
    ]
    assert (
        subprocess.run(hello, env={**os.environ, **env}, capture_output=True, text=True, check=True).stdout == "[1]\n"
    )
    shutil.rmtree(tmp_path / "cache")
