"""Damage to an entry is found, whatever it is, and named."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_wasi import contents
from hatch_wasi.cache import Cache
from hatch_wasi.workspace import Workspace


def build(workspace: Workspace) -> dict[str, object]:
    tree = workspace.tree
    (tree / "bin").mkdir(mode=0o700)
    (tree / "bin" / "tool").write_bytes(b"#!/bin/sh\n")
    (tree / "bin" / "tool").chmod(0o700)
    (tree / "bin" / "also").symlink_to("tool")
    (tree / "empty").mkdir()
    (tree / "größe 1").write_bytes(b"data")
    (tree / "größe 1").chmod(0o666)
    (tree / "odd").symlink_to(os.fsdecode(b"to \xff"))
    return {"made": True}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def entry(cache: Cache) -> Path:
    return cache.make("sdk", "one", build)


def test_an_entry_is_listed_with_its_manifest_and_without_its_list(entry: Path) -> None:
    listed = contents.read(entry)
    assert list(listed) == ["bin", "bin/also", "bin/tool", "empty", "größe 1", "manifest.json", "odd"]
    assert listed["bin/tool"].mode == "755"
    assert listed["größe 1"] == contents.Item("file", "644", 4, "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7")  # fmt: skip
    assert listed["bin/also"] == contents.Item("link", target="tool")
    assert contents.size(listed) == 10 + 4 + (entry / "manifest.json").stat().st_size
    assert contents.check(entry) == []


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (lambda tree: (tree / "größe 1").write_bytes(b"dat\0"), "größe 1: changed"),
    "an end": (lambda tree: os.truncate(tree / "größe 1", 3), "größe 1: changed"),
    "a file": (lambda tree: (tree / "größe 1").unlink(), "größe 1: missing"),
    "a folder": (lambda tree: (tree / "empty").rmdir(), "empty: missing"),
    "a link": (lambda tree: [(tree / "bin/also").unlink(), (tree / "bin/also").symlink_to("/bin/sh")], "bin/also: changed"),
    "a kind": (lambda tree: [(tree / "bin/also").unlink(), shutil.copy(tree / "bin/tool", tree / "bin/also")], "bin/also: changed"),
    "a pipe": (lambda tree: [(tree / "bin/tool").unlink(), os.mkfifo(tree / "bin/tool")], "bin/tool: changed"),
    "the manifest": (lambda tree: (tree / "manifest.json").write_text('{"made": false}'), "manifest.json: changed"),
    "no manifest": (lambda tree: (tree / "manifest.json").unlink(), "manifest.json: missing"),
    "the list": (lambda tree: (tree / "contents.json").write_text("{"), "contents.json: changed"),
    "another list": (lambda tree: (tree / "contents.json").write_text('{"contents": {"a": 1}}'), "contents.json: changed"),
    "no list": (lambda tree: (tree / "contents.json").unlink(), "contents.json: missing"),
    "too much": (lambda tree: (tree / "bin/more").touch(), "bin/more: extra"),
    "a mode": (lambda tree: (tree / "bin/tool").chmod(0o644), "bin/tool: mode"),
}  # fmt: skip
IN_PLACE = {"too much", "a mode"}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_found_and_mended(cache: Cache, entry: Path, what: str) -> None:
    before = contents.scan(entry)
    do, expected = DAMAGES[what]
    do(entry)
    assert list(map(str, cache.damages(entry) or ())) == [expected]
    assert list(map(str, cache.mend(entry))) == [expected]
    assert entry.exists() == (what in IN_PLACE)
    assert cache.make("sdk", "one", build) == entry
    assert contents.scan(entry) == before
    assert cache.mend(entry) == []
    assert [path.name for path in entry.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_what_has_no_readable_manifest_is_no_entry(cache: Cache, entry: Path, text: str) -> None:
    (entry / "manifest.json").write_text(text)
    assert cache.find("sdk", "one") is None
    assert cache.entries("sdk") == []
    assert cache.remains("sdk") == [entry]
    cache.make("sdk", "one", build)
    assert (cache.entries("sdk"), cache.remains("sdk")) == ([entry], [])
    assert cache.damages(entry) == []


def test_an_entry_of_an_earlier_version_has_no_list_and_no_damage(cache: Cache, entry: Path) -> None:
    (entry / "contents.json").unlink()
    (entry / "manifest.json").write_text('{"made": true}')
    assert cache.damages(entry) is None
    assert cache.mend(entry) == []
    assert cache.entries("sdk") == [entry]


def test_stamps_without_their_tree_count_for_nothing(cache: Cache, tmp_path: Path) -> None:
    def in_steps(workspace: Workspace) -> dict[str, object]:
        workspace.once("fill", lambda: build(workspace))
        return {}

    entry = cache.make("sdk", "one", in_steps)
    # As a SIGKILL leaves it between the rename that publishes and the removal of what is left.
    stamps = entry.parent / ".partial-one" / "steps"
    stamps.mkdir(parents=True)
    (stamps / "fill").touch()
    cache.discard(entry)
    assert (cache.make("sdk", "one", in_steps) / "bin" / "tool").is_file()


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_entries_are_the_same_under_any_umask(tmp_path: Path, umask: int) -> None:
    usual = contents.scan(Cache(tmp_path / "usual").make("sdk", "one", build))
    before = os.umask(umask)
    try:
        cache = Cache(tmp_path / "made" / "here")
        made = contents.scan(cache.make("sdk", "one", build))
        with cache.lock("again"):
            pass
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert made == usual
    assert (tmp_path / "made" / "here").stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "made" / "here" / "locks").iterdir()} == {0o644}
