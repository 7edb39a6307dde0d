"""Do a job over and over, killed by SIGKILL at a random moment, and each time once more to its end (run by the test).

Usage: killing_toolchains.py JOB SEED COUNT FOLDER URL SHA256. The moments are spread over the time that the job takes;
every other time the whole process group is killed, else the process alone, and its programs live on as orphans.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hatch_wasi import bootstrap, bundle, contents, process
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.fetch import download
from hatch_wasi.sources import archive
from hatch_wasi.workspace import Workspace

Job = Callable[[Cache, Console], object]


def build_python(cache: Cache, console: Console) -> None:
    bootstrap.mend(cache, console)
    bootstrap.ensure(cache, console)


def fetch(cache: Cache, console: Console) -> None:
    download(cache, [URL], sha256=SHA256, console=console)


def import_bundle(cache: Cache, console: Console) -> None:
    bundle.unpack(cache, console, download(cache, [URL], sha256=SHA256))


def make_sdk(cache: Cache, console: Console) -> None:
    """As the distribution's SDK is made: fetched, unpacked and laid out, by programs of which some outlive us."""

    def build(workspace: Workspace) -> dict[str, object]:
        unpacked, script = workspace.scratch / "unpacked", 'rm -rf "$2"/* && cp -R "$1"/. "$2" && sleep 0.05'
        workspace.once("fetch", lambda: download(cache, [URL], sha256=SHA256))
        workspace.once("unpack", lambda: archive.unpack(download(cache, [URL], sha256=SHA256), unpacked))
        lay_out = ["sh", "-c", script, "sh", unpacked, workspace.tree]
        workspace.once("lay-out", lambda: process.run(lay_out, what="laying out", hold=workspace.hold))
        return {"schema": 1}

    cache.make("sdk", "stand-in", build, tell=console.note)


JOBS: dict[str, Job] = {"bootstrap": build_python, "download": fetch, "import": import_bundle, "sdk": make_sdk}
KEPT = ("checks", "logs", "locks")


def begin(job: Job, root: Path, log: Path) -> int:
    """Fork a child that does the job in a process group of its own."""
    pid = os.fork()
    if pid:
        os.setpgid(pid, pid)  # here too: it may be killed before it comes to do so itself
        return pid
    try:
        os.setpgid(0, 0)
        with log.open("w") as stream:
            os.dup2(stream.fileno(), 2)
            job(Cache(root), Console(stream=stream))
    except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def finish(pid: int, log: Path) -> None:
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"status {status}\n{log.read_text()}"


def kill(pid: int, delay: float, *, group: bool) -> bool:
    """Kill the child after so many seconds; False if it had ended by then."""
    time.sleep(delay)
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        assert status == 0, f"status {status}"
        return False
    (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def scan(folder: Path) -> dict[str, contents.Item]:
    """Look at a folder in which the children of whoever was killed alone may still be at work."""
    for _ in range(20):
        try:
            return contents.scan(folder)
        except FileNotFoundError:
            time.sleep(0.1)
    return contents.scan(folder)


def check(root: Path, *, complete: bool) -> dict[str, contents.Item]:
    """Give what is there, which is whole, whatever happened; after a good run nothing else is left."""
    cache, found = Cache(root), {}
    for kind in ("sdk", "python"):
        for entry in cache.entries(kind):
            assert cache.damages(entry) == [], entry
        assert cache.remains(kind) == []
        if (root / kind).is_dir():
            found |= {f"{kind}/{name}": item for name, item in scan(root / kind).items()}
    if (root / "downloads").is_dir():
        files = contents.scan(root / "downloads")
        assert all(item.sha256 == SHA256 for name, item in files.items() if not name.startswith(".")), files
        found |= files
    if complete:
        hidden = [name for name in found if "/." in name or name.startswith(".")]
        assert hidden == [], hidden[:3]
        assert not (root / "imports" / "tree").exists()
    return found


def reset(root: Path) -> None:
    for path in root.iterdir():
        if path.name not in KEPT and path.is_dir():
            shutil.rmtree(path)


def main() -> None:
    job, seed, count, root = JOBS[sys.argv[1]], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    chance, log = random.Random(f"{seed} {sys.argv[1]}"), root.with_suffix(".log")
    finish(begin(job, root, log), log)  # what is done once only, such as to accept an SDK
    reset(root)
    began = time.monotonic()
    finish(begin(job, root, log), log)
    duration, expected = time.monotonic() - began, check(root, complete=True)
    kills = early = 0
    while kills < count:
        reset(root)
        # One time in four the next one is killed too, and finds what the first had left.
        for _ in range(2 if chance.random() < 0.25 and kills + 2 <= count else 1):
            if kill(begin(job, root, log), chance.uniform(0, duration), group=kills % 2 == 0):
                kills += 1
                early += check(root, complete=False) != expected
        finish(begin(job, root, log), log)
        assert check(root, complete=True) == expected, f"after kill {kills}: another result"
    sys.stdout.write(json.dumps({"kills": kills, "early": early, "seconds": round(duration, 3)}))


if __name__ == "__main__":
    URL, SHA256 = sys.argv[5:]
    main()
