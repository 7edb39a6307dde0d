"""Entries appear whole or not at all, one builder at a time, whoever is killed."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache, Workspace, digest, replace_file
from hatch_wasi.errors import CacheError

STEPS = ("first", "second", "third")


def build_slowly(workspace: Workspace) -> dict[str, object]:
    with (workspace.tree / "builders").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    return {"made": True}


def make_one(root: str) -> None:
    Cache(Path(root)).make("sdk", "one", build_slowly)


def test_an_entry_is_found_only_when_complete(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.find("sdk", "one") is None
    entry = cache.make("sdk", "one", build_slowly)
    assert cache.find("sdk", "one") == entry
    assert cache.manifest(entry) == {"made": True, "contents": "contents.json"}
    assert cache.entries("sdk") == [entry]
    (entry / "manifest.json").unlink()
    assert cache.find("sdk", "one") is None
    assert cache.entries("sdk") == []


def test_two_builders_at_once_share_one_entry(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    builders = [context.Process(target=make_one, args=(str(tmp_path),)) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
        assert builder.exitcode == 0
    assert len((tmp_path / "sdk" / "one" / "builders").read_text().splitlines()) == 1


CHILD = """
import sys, subprocess, time
from pathlib import Path
from hatch_wasi import process
from hatch_wasi.cache import Cache
root, stop_in = Path(sys.argv[1]), sys.argv[2]

def work(workspace, step):
    def do():
        with (workspace.tree / "done").open("a") as file:
            file.write(step + "\\n")
        if step == stop_in:
            # A program that outlives its parent for a while, as a compiler does.
            script = f"touch {root}/reached; sleep 1; echo orphan >> {workspace.tree}/done"
            process.run(["sh", "-c", script], what="a step", hold=workspace.hold)
    return do

def build(workspace):
    for step in ("first", "second", "third"):
        workspace.once(step, work(workspace, step))
    return {}

Cache(root).make("sdk", "one", build)
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_build_killed_in_any_step_goes_on_there(tmp_path: Path, step: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), step])
    deadline = time.monotonic() + 30
    while not (tmp_path / "reached").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert Cache(tmp_path).find("sdk", "one") is None
    subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), "no step"], check=True)
    lines = (tmp_path / "sdk" / "one" / "done").read_text().splitlines()
    # Steps before the killed one were not done again, and the orphan ended before the step was.
    before = STEPS.index(step)
    assert lines == [*STEPS[: before + 1], "orphan", *STEPS[before:]]
    assert not list((tmp_path / "sdk").glob(".partial-*"))


def test_what_is_being_made_is_not_cleaned_away(tmp_path: Path) -> None:
    """Nor what is left of a build whose programs are still running."""
    Cache(tmp_path).make("sdk", "other", lambda workspace: {})
    script = CHILD.replace("sleep 1", "sleep 8")  # time enough to look twice, on a busy machine too
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), "second"])
    while not (tmp_path / "reached").exists():
        time.sleep(0.01)
    clean = [sys.executable, "-m", "hatch_wasi", "clean", "sdk"]
    environment = {**os.environ, "HATCH_WASI_CACHE_DIR": str(tmp_path)}
    partial = tmp_path / "sdk" / ".partial-one"
    for killed in (False, True):
        if killed:
            child.send_signal(signal.SIGKILL)
            child.wait()
        done = subprocess.run(clean, env=environment, capture_output=True, text=True, check=True)
        assert f"warning: {partial} is left: it is being made" in done.stderr
        assert [path.name for path in (tmp_path / "sdk").iterdir()] == [partial.name]
    Cache(tmp_path).make("sdk", "one", lambda workspace: {})  # waits for them
    assert "is left" not in subprocess.run(clean, env=environment, capture_output=True, text=True, check=True).stderr
    assert not (tmp_path / "sdk").exists()


KILLED_WHILE_SEALING = """
import os, signal, sys
from pathlib import Path
from hatch_wasi.cache import Cache
os.fchmod = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # what `replace_file` does before it renames
Cache(Path(sys.argv[1])).make("sdk", "one", lambda workspace: {})
"""


def test_a_kill_while_sealing_leaves_nothing_in_the_entry(tmp_path: Path) -> None:
    Cache(tmp_path).folder("sdk")  # and its tag, which is written in the same way
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_SEALING, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (begun,) = (tmp_path / "sdk" / ".partial-one" / "tree").iterdir()
    assert begun.name.startswith(".manifest.json.")
    entry = Cache(tmp_path).make("sdk", "one", lambda workspace: {})
    assert sorted(path.name for path in entry.iterdir()) == ["contents.json", "manifest.json"]


def test_a_failed_build_leaves_no_entry(tmp_path: Path) -> None:
    def fail(workspace: Workspace) -> dict[str, object]:
        raise CacheError(str(workspace.tree))

    cache = Cache(tmp_path)
    with pytest.raises(CacheError):
        cache.make("sdk", "one", fail)
    assert cache.find("sdk", "one") is None
    assert cache.make("sdk", "one", build_slowly).is_dir()


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError, match=r"cannot be written") as caught:
        Cache(tmp_path / "file" / "cache").make("sdk", "one", build_slowly)
    assert "HATCH_WASI_CACHE_DIR" in str(caught.value.hint)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    entry = cache.make("sdk", "one", build_slowly)
    (entry / "manifest.json").write_text("{")
    with pytest.raises(CacheError, match=r"manifest\.json cannot be read"):
        cache.manifest(entry)


def test_replacing_a_file_keeps_the_old_one_on_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_environment_names_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    cache = Cache()
    assert (cache.root, cache.data) == (tmp_path / "cache", tmp_path / "data")
    assert not cache.root.exists()


def test_digest_depends_on_the_value_and_not_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest(json.loads('{"b": 2, "a": 1}'))
    assert digest({"a": 1}) != digest({"a": 2})
