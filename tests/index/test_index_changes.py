"""What a second run does: what came, went, changed, was yanked, killed, or is somebody else's."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest
from pypi_simple import ProjectPage
from wheel_making import WheelMaker, listing

from hatch_wasi.index import entry as entry_module
from hatch_wasi.index.entry import Entry
from hatch_wasi.index.state import State

STATE = ".hatch-wasi-index/state.json"


def page(folder, name):
    text = (folder / "simple" / name / "index.html").read_bytes()
    return {file.filename: file for file in ProjectPage.from_html(name, text, "http://index.test/simple/").packages}


def contents(folder):
    """Every file below `folder` but the wheels and what is remembered."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".whl" and path.name != "state.json"
    }


@pytest.fixture
def opened(monkeypatch):
    """Names of the wheels that are opened."""
    names = []
    real = entry_module.Wheel.open
    monkeypatch.setattr(entry_module.Wheel, "open", lambda path: names.append(path.name) or real(path))
    return names


def test_what_is_the_same_is_left_alone(index, native_wheel, wheels, opened):
    native_wheel("demo", "1.0")
    index(wheels)
    times = {path: path.stat().st_mtime_ns for path in wheels.rglob("*") if path.is_file()}
    opened.clear()
    index(wheels)
    assert opened == []
    assert {path: path.stat().st_mtime_ns for path in wheels.rglob("*") if path.is_file()} == times


def test_only_what_is_new_is_opened(index, native_wheel, wheels, opened, capfd):
    for version in ("1.0", "1.1"):
        native_wheel("demo", version)
    native_wheel("other", "1.0")
    index(wheels)
    opened.clear()
    untouched = (wheels / "simple/other/index.html").stat().st_mtime_ns
    new = native_wheel("demo", "1.2")
    index(wheels)
    assert opened == [new.name]
    assert len(page(wheels, "demo")) == 3
    assert (wheels / "simple/other/index.html").stat().st_mtime_ns == untouched
    # METADATA, two pages of the project and the list of projects in HTML and JSON
    assert "4 wheels of 2 projects (1 read, 5 files written)" in capfd.readouterr().err


def test_a_wheel_that_changed_is_read_again(index, native_wheel, wheels):
    wheel = native_wheel("demo", "1.0", extra="Summary: before\n")
    index(wheels)
    before = page(wheels, "demo")[wheel.name].digests
    native_wheel("demo", "1.0", extra="Summary: after\n")
    index(wheels)
    assert page(wheels, "demo")[wheel.name].digests != before
    assert "after" in (wheels / "simple/index.html").read_text()
    assert b"Summary: after" in (wheels / f"{wheel.name}.metadata").read_bytes()


def test_what_is_gone_is_removed_and_nothing_else(index, native_wheel, wheels):
    gone, stays = native_wheel("gone", "1.0"), native_wheel("demo", "1.0")
    (wheels / "notes.txt").write_text("mine")
    index(wheels)
    (wheels / "simple/demo/mine.txt").write_text("mine")
    (wheels / "mine.whl.metadata").write_text("mine")
    gone.unlink()
    index(wheels)
    assert listing(wheels / "simple") == ["demo", "index.html", "index.json"]
    assert not (wheels / f"{gone.name}.metadata").exists()
    stays.unlink()
    index(wheels)
    assert listing(wheels / "simple" / "demo") == ["mine.txt"]
    left = [".hatch-wasi-index", "index.html", "mine.whl.metadata", "notes.txt", "simple"]
    assert listing(wheels) == left


def test_files_in_another_folder_go_with_their_wheels(index, native_wheel, wheels, tmp_path):
    native_wheel("demo", "1.0", extra="Summary: before\n")
    index(wheels, "-o", tmp_path / "public")
    (before,) = listing(tmp_path / "public" / "files")
    native_wheel("demo", "1.0", extra="Summary: after\n")
    index(wheels, "-o", tmp_path / "public")
    (after,) = listing(tmp_path / "public" / "files")
    assert after != before


def test_an_empty_folder_is_warned_of(index, wheels, capfd):
    assert index(wheels) == 0
    assert f"warning: there are no wheels in {wheels}" in capfd.readouterr().err
    assert json.loads((wheels / "simple/index.json").read_text())["projects"] == []


@pytest.mark.parametrize(
    ("line", "yanked"),
    [
        ('"demo==1.0" = "it is broken"', {"1.0"}),
        ('"Demo<2" = ""', {"1.0", "1.1"}),
        ('"demo" = "gone"', {"1.0", "1.1", "2.0"}),
        ('"demo-1.1-cp313-cp313-wasi_wasm32.whl" = "a bad build <b>"', {"1.1"}),
    ],
)
def test_yanks(index, native_wheel, wheels, line, yanked, capfd):
    for version in ("1.0", "1.1", "2.0"):
        native_wheel("demo", version)
    index(wheels)
    (wheels / "yanked.toml").write_text(line)
    assert index(wheels) == 0
    reason = line.rpartition("= ")[2].strip('"')
    for file in page(wheels, "demo").values():
        assert (file.is_yanked, file.yanked_reason) == ((True, reason) if file.version in yanked else (False, None))
    for file in json.loads((wheels / "simple/demo/index.json").read_text())["files"]:
        assert file.get("yanked", False) == ((reason or True) if file["filename"].split("-")[1] in yanked else False)
    assert "warning" not in capfd.readouterr().err
    (wheels / "yanked.toml").unlink()
    index(wheels)
    assert not any(file.is_yanked for file in page(wheels, "demo").values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"demo==1.0" = 3', ["'demo==1.0'", "no reason"]),
        ('"demo 1.0" = "x"', ["'demo 1.0'", "neither"]),
        ("\"demo; python_version<'3'\" = 'x'", ["more than a name and versions"]),
        ("demo==1.0", ["yanked.toml cannot be read"]),
        ('[demo]\n"1.0" = "x"', ["'demo'", "no reason"]),
    ],
)
def test_a_wrong_list_of_yanks(index, native_wheel, wheels, text, words, capfd):
    native_wheel("demo", "1.0")
    (wheels / "yanked.toml").write_text(text)
    assert index(wheels) == 1
    said = capfd.readouterr().err
    assert [word for word in words if word not in said] == []
    assert not (wheels / "simple").exists()


def test_a_yank_of_nothing_is_warned_of(index, native_wheel, wheels, capfd):
    native_wheel("demo", "1.0")
    (wheels / "yanked.toml").write_text('"demoo==1.0" = "x"')
    assert index(wheels) == 0
    assert "warning: yanked.toml: 'demoo==1.0' is no wheel that is here" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["index.html", "simple/index.html", "simple/demo/index.json"])
def test_files_of_somebody_else_are_not_replaced(index, native_wheel, wheels, name, capfd):
    native_wheel("demo", "1.0")
    path = wheels / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    assert index(wheels) == 1
    assert f"error: {path} is there and is not of an index" in capfd.readouterr().err
    assert path.read_text() == "mine"
    assert not (wheels / ".hatch-wasi-index").exists()


def test_metadata_of_somebody_else_is_not_replaced(index, native_wheel, wheels):
    path = native_wheel("demo", "1.0").with_suffix(".whl.metadata")
    path.write_text("mine")
    assert index(wheels) == 1
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "damage", ["", "{", '{"schema": 1}', '{"schema": 1, "source": "", "wheels": {"a": 1}, "made": {}}']
)
def test_memory_that_is_lost_or_damaged(index, native_wheel, wheels, damage):
    """All is made as it is, and what is no longer to be there still goes."""
    native_wheel("demo", "1.0")
    gone = native_wheel("gone", "1.0")
    index(wheels)
    (wheels / STATE).write_text(damage) if damage else (wheels / STATE).unlink()
    gone.unlink()
    (wheels / f"{gone.name}.metadata").unlink()
    assert index(wheels) == 0
    assert listing(wheels / "simple") == ["demo", "index.html", "index.json"]


def test_memory_that_leads_elsewhere_removes_nothing(index, native_wheel, wheels, tmp_path):
    native_wheel("demo", "1.0")
    index(wheels)
    (tmp_path / "precious").write_text("mine")
    state = json.loads((wheels / STATE).read_text())
    state["made"] |= {"../precious": ["key", 4, 0], str(tmp_path / "precious"): ["key", 4, 0]}
    (wheels / STATE).write_text(json.dumps(state))
    index(wheels)
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_somebody_removed_or_changed_is_made_again(index, native_wheel, wheels):
    wheel = native_wheel("demo", "1.0")
    index(wheels)
    before = contents(wheels)
    (wheels / "simple/demo/index.html").unlink()
    (wheels / "simple/index.json").write_text("changed")
    (wheels / f"{wheel.name}.metadata").unlink()
    index(wheels)
    assert contents(wheels) == before


def test_what_is_remembered_is_what_was_read(index, native_wheel, wheels):
    wheel = native_wheel("demo", "1.0", extra="Summary: x\nRequires-Dist: other\n")
    index(wheels)
    assert State.from_file(wheels / STATE).entries == {wheel.name: Entry.from_file(wheel)}


def test_killed_at_any_moment(index, native_wheel, wheels, tmp_path):
    """Each page that is there names files that are there; the next run makes the rest, and leaves nothing over."""
    argv = [sys.executable, "-m", "hatch_wasi", "index", "-q", wheels, "-o", tmp_path / "public"]
    for number in range(60):
        native_wheel(f"demo{number}", "1.0")
    began = time.monotonic()
    subprocess.run(argv, check=True)
    whole = time.monotonic() - began
    chance = random.Random(5)
    for attempt in range(10):
        for number in range(60):  # as if all were published anew
            native_wheel(f"demo{number}", "1.0", extra=f"Summary: {attempt}\n")
        running = subprocess.Popen(argv)
        time.sleep(whole * chance.uniform(0.3, 1))
        running.send_signal(signal.SIGKILL)
        running.wait()
        for path in (tmp_path / "public" / "simple").glob("*/index.json"):
            for file in json.loads(path.read_text())["files"]:
                target = (path.parent / file["url"]).resolve()
                assert target.stat().st_size == file["size"]
                assert target.with_name(f"{target.name}.metadata").is_file()
    subprocess.run(argv, check=True)
    fresh = tmp_path / "fresh"
    subprocess.run([*argv[:-1], fresh], check=True)
    assert contents(tmp_path / "public") == contents(fresh)
    assert len(list((tmp_path / "public" / "files").iterdir())) == 60


def test_no_room(index, native_wheel, make_wheel, wheels, tmp_path):
    """A file cannot be written to its end, here for a limit on its size, as on a full disk: what was there works."""
    native_wheel("demo", "1.0")
    public = tmp_path / "public"
    argv = [sys.executable, "-m", "hatch_wasi", "index", "-q", wheels, "-o", public]
    subprocess.run(argv, check=True)
    before = contents(public)
    make_wheel("large", "1.0", {"large.bin": random.Random(1).randbytes(300_000)})

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(argv, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written: File too large" in done.stderr
    assert {name: data for name, data in contents(public).items() if not name.endswith("/new")} == before
    subprocess.run(argv, check=True)
    assert listing(public / "simple") == ["demo", "index.html", "index.json", "large"]
    assert listing(public / ".hatch-wasi-index") == ["state.json"]


def test_many_at_once(native_wheel, wheels, tmp_path):
    """They wait for each other."""
    for number in range(20):
        native_wheel(f"demo{number}", "1.0")
    env = {**os.environ, "HATCH_WASI_CACHE_DIR": str(tmp_path / "cache")}
    argv = [sys.executable, "-m", "hatch_wasi", "index", wheels]
    running = [subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert sum("(20 read, 63 files written)" in text for text in said) == 1
    assert sum("(0 read, 0 files written)" in text for text in said) == 3


def test_a_folder_that_cannot_be_written(index, native_wheel, wheels, capfd):
    native_wheel("demo", "1.0")
    assert index(wheels, "-o", "/proc/site") == 1
    assert "error: /proc/site cannot be written: " in capfd.readouterr().err


@pytest.mark.parametrize("words", [["nothing-here"], [".", "--url", "ftp://x"]])
def test_usage(index, words, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert index(*words) == 2
    assert "error: " in capfd.readouterr().err
    assert listing(tmp_path) == []


def test_what_is_published_can_be_read_and_does_not_change(index, native_wheel, wheels, tmp_path):
    wheel = native_wheel("demo", "1.0")
    wheel.chmod(0o600)
    before = wheel.read_bytes()
    index(wheels, "-o", tmp_path / "public")
    wheel.write_bytes(b"broken")
    assert index(wheels, "-o", tmp_path / "public") == 1
    (copy,) = (tmp_path / "public" / "files").glob("*/*.whl")
    assert copy.read_bytes() == before
    assert copy.stat().st_mode & 0o777 == 0o644


def test_two_files_of_one_name(index, wheels, tmp_path, capfd):
    """The same file twice is one; another is an error."""
    for folder in ("a", "b"):
        (wheels / folder).mkdir()
    wheel = WheelMaker(wheels / "a")("demo", "1.0", {"demo.py": ""})
    (wheels / "b" / wheel.name).write_bytes(wheel.read_bytes())
    assert index(wheels) == 0
    assert len(page(wheels, "demo")) == 1
    WheelMaker(wheels / "b")("demo", "1.0", {"demo.py": "other"})
    assert index(wheels) == 1
    assert f"error: a/{wheel.name} and b/{wheel.name} have one name" in capfd.readouterr().err
