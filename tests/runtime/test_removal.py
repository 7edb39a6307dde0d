"""Removing what a guest left, whatever it is."""

import os
import sys
from pathlib import Path

import pytest

from hatch_wasi.runtime.removal import remove_tree


def deepen(folder: Path, levels: int) -> None:
    """Make folders in each other, with a file in each."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_depth_does_not_matter(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    limit = sys.getrecursionlimit()
    deepen(folder, 3 * limit)
    remove_tree(str(folder))
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    (folder / "a").mkdir(parents=True)
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (folder / "a" / "link").symlink_to(outside)
    (folder / "link").symlink_to(outside / "kept")
    (folder / "loop").symlink_to(".")
    (folder / "a" / "hard").hardlink_to(outside / "kept")
    remove_tree(str(folder))
    assert not folder.exists()
    assert (outside / "kept").read_text() == "kept"
    assert [path.name for path in outside.iterdir()] == ["kept"]


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o400, 0o500])
def test_permissions_do_not_matter(tmp_path, mode):
    folder = tmp_path / "folder"
    for name in ("a/b/c", "d"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").touch(mode=mode)
    for name in ("a/b/c", "a/b", "a", "d", ""):
        (folder / name).chmod(mode)
    remove_tree(str(folder))
    assert not folder.exists()


def test_names_of_any_kind(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for raw in (b"\xff\xfe", b"-rf", b"a\nb", b".hatch-wasi-0", b"0"):
        name = os.fsdecode(raw)
        (folder / name / name).mkdir(parents=True)
    remove_tree(str(folder))
    assert not folder.exists()


def test_what_is_not_there_is_no_failure(tmp_path):
    remove_tree(str(tmp_path / "none"))
    remove_tree(str(tmp_path / "none" / "none"))
    (tmp_path / "file").touch()
    remove_tree(str(tmp_path / "file"))
