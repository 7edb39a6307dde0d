"""Install a wheel over and over, killed by SIGKILL at each event that Python's audit hooks see (run by the kill test).

Usage: killing.py SITE CACHE PYTHON-ROOT WHEEL. Prints the number of events as JSON, or what was wrong.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

from wasi_running import run_with_code_of_all_tests
from wheel_making import listing

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wheels.install import Installation, open_wheels

EVENTS = (
    "open", "os.", "shutil.", "subprocess.", "tempfile.", "fcntl.", "ctypes.dlopen", "ctypes.dlsym",
    "ctypes.get_errno",
)  # fmt: skip


def install(site: Path, cache: Path, root: Path, wheel: Path) -> None:
    with open_wheels([wheel]) as wheels:
        console = Console(write=lambda text: None)
        python = WasiPython.from_tree(root)
        Installation(
            site=site, python=python, cache=Cache(cache), console=console, run_wasi=run_with_code_of_all_tests
        ).install(wheels)


def snapshot(site: Path) -> dict[str, bytes]:
    """What is there: names and contents, of bytecode the names."""
    return {
        path.relative_to(site).as_posix(): b"" if path.suffix == ".pyc" or path.is_dir() else path.read_bytes()
        for path in site.rglob("*")
    }


def child(place: int, job: list[Path]) -> int:
    """Fork a child that installs and is killed at event number `place`; give its wait status.

    The parent must not install itself: the runtime has threads, and those do not live on in a child.
    """
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    count = 0

    def hook(event: str, args: object) -> None:
        nonlocal count
        if event.startswith(EVENTS):
            count += 1
            if count == place:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(hook)
        install(*job)
    except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    job = [Path(word) for word in sys.argv[1:]]
    site = job[0]
    backup = site.parent.with_name("backup")
    shutil.copytree(site, backup, symlinks=True)
    before = snapshot(site)
    assert child(0, job) == 0
    after = snapshot(site)
    assert before != after
    place = 0
    seen = set()
    while True:
        place += 1
        shutil.rmtree(site)
        shutil.copytree(backup, site, symlinks=True)
        status = child(place, job)
        state = snapshot(site)
        assert state in (before, after), f"at event {place}: between"
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, f"at event {place}: status {status}"
        seen.add("before" if state == before else "after")
        if place % 5 == 0:
            assert child(0, job) == 0
            assert snapshot(site) == after, f"at event {place}: the next install made something else"
            assert listing(site.parent) == [site.name], f"at event {place}: {listing(site.parent)} are left"
    assert seen == {"before", "after"}, seen
    sys.stdout.write(json.dumps(place - 1))


if __name__ == "__main__":
    main()
