"""The distribution's SDK, killed while it is being made."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.verify import verify

SCRIPT = """
from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
print(bootstrap.ensure_sdk(Cache(), Console(), sdk="debian").root)
"""
STEPS = {"download": "scratch/debs", "unpack": "scratch/root/usr"}


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_a_step_it_is_made_the_next_time(tmp_path: Path, wasi_sdk: WasiSdk, step: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("HATCH_WASI_OFFLINE", "HOME")}
    env["HATCH_WASI_CACHE_DIR"] = str(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", SCRIPT], env=env, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(f"sdk/.partial-*/{STEPS[step]}")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert Cache(tmp_path).entries("sdk") == []
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (entry,) = Cache(tmp_path).entries("sdk")
    assert done.stdout.strip() == str(entry)
    assert entry.name == wasi_sdk.id
    assert not list((tmp_path / "sdk").glob(".partial-*"))
    verify(WasiSdk.from_tree(entry), trial.run_command)
