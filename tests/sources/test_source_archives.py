"""Archives are hostile until shown otherwise."""

import io
import tarfile
from pathlib import Path

import pytest

from hatch_wasi.archives import limits
from hatch_wasi.errors import FetchError
from hatch_wasi.sources.archive import read_member, unpack


def make(path: Path, members: list[tarfile.TarInfo | tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w:xz") as tar:
        for member in members:
            if isinstance(member, tuple):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
            else:
                tar.addfile(member)
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_the_top_folder_is_taken_off(tmp_path: Path) -> None:
    members = [
        ("Python-3.13.5/README", b"read me"),
        ("Python-3.13.5/Include/x.h", b"x"),
        link("Python-3.13.5/also", "Include/x.h"),
        link("Python-3.13.5/hard", "Python-3.13.5/README", tarfile.LNKTYPE),
    ]
    path = make(tmp_path / "a.tar.xz", members)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "stale").touch()
    unpack(path, tmp_path / "tree")
    assert (tmp_path / "tree" / "README").read_bytes() == b"read me"
    assert (tmp_path / "tree" / "also").read_bytes() == b"x"
    assert (tmp_path / "tree" / "hard").read_bytes() == b"read me"
    assert not (tmp_path / "tree" / "stale").exists()
    assert read_member(path, "Include/x.h") == b"x"


@pytest.mark.parametrize(
    "member",
    [
        ("/etc/evil", b""),
        ("top/../../evil", b""),
        ("other/evil", b""),
        link("top/out", "/etc/passwd"),
        link("top/out", "../../../evil"),
        link("top/out", "../sibling"),
        link("top/hard", "/etc/passwd", tarfile.LNKTYPE),
        link("top/device", "", tarfile.CHRTYPE),
        link("top/pipe", "", tarfile.FIFOTYPE),
    ],
)
def test_nothing_lands_outside(tmp_path: Path, member: tarfile.TarInfo | tuple[str, bytes]) -> None:
    path = make(tmp_path / "a.tar.xz", [("top/good", b""), member])
    with pytest.raises(FetchError, match=r"a\.tar\.xz"):
        unpack(path, tmp_path / "inner" / "tree")
    assert not (tmp_path / "inner" / "tree").exists()
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize(("name", "value"), [("MEMBERS", 3), ("SIZE", 900), ("FREE", 0), ("MEMBER_SIZE", 249)])
def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    path = make(tmp_path / "a.tar.xz", [(f"top/{index}", bytes(250 << 10 * (name == "FREE"))) for index in range(4)])
    unpack(path, tmp_path / "tree")
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(FetchError, match="that are accepted"):
        unpack(path, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_link_to_what_is_left_out_is_a_file(tmp_path: Path) -> None:
    members = [
        ("top/include/p2/a.h", b"a"),
        ("top/include/p2/b.h", b"b"),
        link("top/include/p1/a.h", "top/include/p2/a.h", tarfile.LNKTYPE),
        link("top/include/p1/sub/a.h", "top/include/p2/a.h", tarfile.LNKTYPE),
        ("top/include/p1/c.h", b"c"),
        link("top/include/p1/d.h", "top/include/p1/c.h", tarfile.LNKTYPE),
        link("top/include/p1/e.h", "c.h"),
    ]
    unpack(make(tmp_path / "a.tar.xz", members), tmp_path / "tree", keep=lambda name: "p2" not in name)
    files = {path.relative_to(tmp_path / "tree").as_posix(): path.read_bytes() for path in tmp_path.glob("tree/**/*.h")}
    assert files == {
        "include/p1/a.h": b"a",
        "include/p1/c.h": b"c",
        "include/p1/d.h": b"c",
        "include/p1/e.h": b"c",
        "include/p1/sub/a.h": b"a",
    }


def test_a_link_to_a_link_that_is_left_out_is_refused(tmp_path: Path) -> None:
    members = [
        ("top/a", b""),
        link("top/out", "top/a", tarfile.LNKTYPE),
        link("top/in", "top/out", tarfile.LNKTYPE),
    ]
    with pytest.raises(FetchError, match="links to what is not there: out"):
        unpack(make(tmp_path / "a.tar.xz", members), tmp_path / "tree", keep=lambda name: name != "out")
    assert not (tmp_path / "tree").exists()


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tar.xz", [("top/file", bytes(range(256)) * 500)])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FetchError, match="cannot be unpacked"):
        unpack(path, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar.xz").write_bytes(b"<html>")
    with pytest.raises(FetchError, match="cannot be read"):
        read_member(tmp_path / "a.tar.xz", "README")


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"holds no Include/patchlevel\.h"):
        read_member(make(tmp_path / "a.tar.xz", [("top/file", b"")]), "Include/patchlevel.h")


def test_of_a_big_archive_only_what_is_wanted(tmp_path: Path) -> None:
    names = ("cmake/a", "cmake-other/b", "lib/c", "lib/d/e", "README")
    path = make(tmp_path / "a.tar.xz", [(f"top/{name}", name.encode()) for name in names])
    unpack(path, tmp_path / "tree", ["cmake", "lib/d", "README", "none"])
    found = {
        path.relative_to(tmp_path / "tree").as_posix() for path in (tmp_path / "tree").rglob("*") if path.is_file()
    }
    assert found == {"cmake/a", "lib/d/e", "README"}
