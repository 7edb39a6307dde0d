"""A start stays on one processor, and what follows does not."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hatch_wasi.runtime.affinity import Start


def test_threads_stay_and_are_let_go():
    before = os.sched_getaffinity(0)
    if len(before) == 1:
        pytest.fail("this test needs two processors")
    go, seen = threading.Event(), []

    def work():
        seen.append(os.sched_getaffinity(0))
        go.wait()
        seen.append(os.sched_getaffinity(0))

    start = Start()
    try:
        assert len(os.sched_getaffinity(0)) == 1
        thread = threading.Thread(target=work)
        thread.start()
        while not seen:
            pass
    finally:
        start.release()
    go.set()
    thread.join()
    assert os.sched_getaffinity(0) == before
    assert len(seen[0]) == 1
    assert seen[1] == before
    start.release()
    assert os.sched_getaffinity(0) == before


def test_a_guest_may_use_all_processors(tmp_path, toolchain):
    """The guest says where its host's threads may run, after the start."""
    script = "import os, time\ntime.sleep(0.3)\nprint('ready', flush=True)\ninput()\n"

    argv = [sys.executable, "-m", "hatch_wasi", "run", "-c", script]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert child.stdout.readline() == "ready\n"
    tasks = [int(path.name) for path in Path(f"/proc/{child.pid}/task").iterdir()]
    found = [os.sched_getaffinity(task) for task in tasks]
    child.communicate("\n")
    assert child.returncode == 0
    assert len(found) > 1
    assert all(allowed == os.sched_getaffinity(0) for allowed in found)
