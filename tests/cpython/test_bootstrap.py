"""The bootstrap survives being killed, anywhere, and two at once share one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stand_in

from hatch_wasi.cache import Cache

BOOTSTRAP = [sys.executable, "-m", "hatch_wasi", "bootstrap"]


def wait_for(path: Path, child: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("step", stand_in.STEPS)
def test_killed_in_a_step_it_goes_on_the_next_time(tmp_path: Path, env: dict[str, str], step: str) -> None:
    child = subprocess.Popen(
        BOOTSTRAP, env=env | {"STAND_IN_STOP": step}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wait_for(tmp_path / "reached", child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    cache = Cache(tmp_path / "cache")
    assert cache.entries("python") == []
    told = []
    with subprocess.Popen(BOOTSTRAP, env=env, stderr=subprocess.PIPE, text=True) as again:
        assert again.stderr is not None
        for line in again.stderr:
            told.append(line)
            if "Waiting for the programs of a build that was cut off to end" in line:
                (tmp_path / "reached-go-on").touch()
    assert again.returncode == 0, told
    assert any("(done before)" in line for line in told), told
    (entry,) = cache.entries("python")
    assert entry.name.startswith("3.13.99-existing-")
    assert not list((tmp_path / "cache" / "python").glob(".partial-*"))
    for path in entry.rglob("*"):
        assert not path.is_file() or os.fsencode(tmp_path / "cache") not in path.read_bytes(), path


def test_two_at_once_share_one(tmp_path: Path, env: dict[str, str]) -> None:
    children = [
        subprocess.Popen(BOOTSTRAP, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], told
    assert sum("Linking python.wasm" in text for text in told) == 1
    assert len(Cache(tmp_path / "cache").entries("python")) == 1


def test_a_failed_step_names_its_log_and_leaves_no_entry(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "source" / "library.c").write_text("int broken(\n")
    done = subprocess.run(BOOTSTRAP, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: compiling CPython for WASI failed: make, exit status 2" in done.stderr
    assert "library.c:" in done.stderr
    assert "Traceback" not in done.stderr
    (log,) = (tmp_path / "cache" / "logs").glob("python-*-make-wasi.log")
    assert str(log) in done.stderr
    assert "library.c:" in log.read_text()
    assert Cache(tmp_path / "cache").entries("python") == []


def test_sources_that_the_edits_do_not_fit_are_refused(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "source" / stand_in.EDITS[0].file).write_text("something else\n")
    done = subprocess.run(BOOTSTRAP, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{stand_in.EDITS[0].file} is not as expected" in done.stderr


@pytest.mark.parametrize(("python", "reason"), [("3.12", "cannot be built"), ("three", "cannot be built")])
def test_a_python_that_is_not_supported(env: dict[str, str], python: str, reason: str) -> None:
    done = subprocess.run([*BOOTSTRAP, "--python", python], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "supported: 3.13, 3.14, 3.15" in done.stderr
