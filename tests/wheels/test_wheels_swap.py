import errno
import os
import shutil
from pathlib import Path

import pytest
from wheel_making import listing

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels import swap


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "parent" / "folder"
    (path / "sub" / "deep").mkdir(parents=True)
    (path / "a").write_text("a")
    (path / "sub" / "deep" / "b").write_text("b")
    (path / "sub" / "c").write_text("c")
    return path


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    """The system's exchange of two names, and what is done where a file system has none."""
    if request.param == "two renames":
        monkeypatch.setattr(swap, "_exchange", lambda: None)


def test_a_change(folder, way):
    with swap.staged(folder, without=["sub/deep/b"]) as (tree, _):
        (tree / "new").write_text("new")
        assert names(folder) == {"a", "sub", "sub/deep", "sub/deep/b", "sub/c"}
    assert names(folder) == {"a", "sub", "sub/c", "new"}
    assert listing(folder.parent) == ["folder"]


def test_the_exchange_is_used_here(folder):
    """The file systems of Linux have it (ext4, xfs, btrfs, tmpfs, overlayfs): else a killed change could show."""
    exchange = swap._exchange()
    assert exchange is not None
    other = folder.parent / "other"
    other.mkdir()
    assert exchange(folder, other)
    assert names(other) == {"a", "sub", "sub/deep", "sub/deep/b", "sub/c"}
    assert names(folder) == set()
    with pytest.raises(OSError, match="No such file"):
        exchange(folder, folder.parent / "missing")


def test_a_failure_changes_nothing(folder, way):
    before = names(folder)

    def change():
        with swap.staged(folder) as (tree, scratch):
            (tree / "new").write_text("new")
            (scratch / "x").write_text("x")
            raise KeyError

    with pytest.raises(KeyError):
        change()
    assert names(folder) == before
    assert listing(folder.parent) == ["folder"]


def test_a_new_folder_and_its_parents(tmp_path, way):
    folder = tmp_path / "one" / "two" / "three"
    with pytest.raises(KeyError), swap.staged(folder):
        raise KeyError
    assert listing(tmp_path) == []
    with swap.staged(folder) as (tree, _):
        (tree / "new").write_text("new")
    assert names(folder) == {"new"}


def test_left_behind_by_a_killed_change(folder):
    with swap.staged(folder) as (tree, _):
        kept = tree.parent.with_name(tree.parent.name + "-killed")
        shutil.copytree(tree.parent, kept)
    before = names(folder)
    swap.recover(folder)
    assert listing(folder.parent) == ["folder"]
    assert names(folder) == before


def test_killed_between_two_renames(folder):
    before = names(folder)
    folder.rename(swap._aside(folder))
    swap.recover(folder)
    assert names(folder) == before
    assert listing(folder.parent) == ["folder"]


def test_another_folders_change_is_left_alone(folder):
    other = folder.with_name("folder-2")
    with swap.staged(other) as (tree, _):
        swap.recover(folder)
        (tree / "new").write_text("new")
    assert names(other) == {"new"}


def test_without_links(folder, monkeypatch):
    """Where files cannot be linked they are copied, times and all."""

    def refuse(*args, **kwargs):
        raise OSError(errno.EPERM, "not here")

    (folder / "link").symlink_to("a")
    os.utime(folder / "a", (1, 1))
    monkeypatch.setattr(os, "link", refuse)
    with swap.staged(folder) as (tree, _):
        (tree / "new").write_text("new")
    assert names(folder) == {"a", "sub", "sub/deep", "sub/deep/b", "sub/c", "new", "link"}
    assert (folder / "link").is_symlink()
    assert (folder / "a").stat().st_mtime == 1


def test_folders_above_the_working_folder(folder, monkeypatch):
    monkeypatch.chdir(folder / "sub")
    with pytest.raises(WheelError, match="is the working folder, or above it"), swap.staged(folder):
        pass


def test_a_mount_point(tmp_path):
    with pytest.raises(WheelError, match="mount point"), swap.staged(Path("/proc")):
        pass


def test_a_parent_that_cannot_be_written(monkeypatch, folder):
    """As root every folder can be; where none may, the message says that it is the parent that matters."""

    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder.parent / "x"))

    monkeypatch.setattr(swap.tempfile, "mkdtemp", refuse)
    with (
        pytest.raises(WheelError, match=r"folder cannot be replaced: .*parent/x: Permission denied"),
        swap.staged(folder),
    ):
        pass


def test_the_working_folder_is_gone(folder, monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with swap.staged(folder) as (tree, _):
        (tree / "new").write_text("new")
    assert "new" in names(folder)
    monkeypatch.chdir(tmp_path)
