"""Tar archives that would hang, fill memory or write elsewhere: refused in our words, and nothing is left."""

import gzip
import json
import lzma
import os
import random
import stat
import tarfile
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hostile import BLOCK, PROJECT, extended, file, header, link, record, summed, tar

from hatch_wasi import bundle
from hatch_wasi.archives import limits
from hatch_wasi.cpython import recipe
from hatch_wasi.errors import FetchError
from hatch_wasi.sources.archive import read_member, top_folder, unpack
from hatch_wasi.sources.host import Host

GOOD = file(*PROJECT)
LONG = "d" * 247
LETTERS = "abcdefghijklmnop"


def pax(**records: str) -> bytes:
    return extended(tarfile.XHDTYPE, b"".join(record(key, value) for key, value in records.items()))


def beyond_path_max() -> list[bytes]:
    """Links in links whose real path is too long for the system to resolve (CVE-2025-4517)."""
    parts, path = [], "top"
    for letter in LETTERS:
        parts += [
            long_header(f"{path}/{LONG}", tarfile.DIRTYPE),
            long_header(f"{path}/{letter}", tarfile.SYMTYPE, LONG),
        ]
        path = f"{path}/{LONG}"
    far = f"top/{'/'.join(LETTERS)}/{'l' * 254}"
    parts += [long_header(far, tarfile.SYMTYPE, "../" * len(LETTERS))]
    return [*parts, long_header("top/escape", tarfile.SYMTYPE, f"{far}/../out"), file("top/escape/evil", b"evil")]


def long_header(name: str, kind: bytes, target: str = "") -> bytes:
    names = extended(tarfile.GNUTYPE_LONGNAME, name.encode() + b"\0")
    targets = extended(tarfile.GNUTYPE_LONGLINK, target.encode() + b"\0")
    return names + targets + header("short", kind=kind, target="short")


HOSTILE = {
    "negative size": [GOOD, header("top/a", size=-512)],
    "size back to the start": [header("top/", kind=tarfile.DIRTYPE), header("top/a", size=-BLOCK)],
    "negative size of a PAX header": [GOOD, header("x", kind=tarfile.XHDTYPE, size=-1024)],
    "negative size by PAX": [GOOD, pax(size="-1024"), file("top/a")],
    "size that is no number": [GOOD, pax(size="٣"), file("top/a")],
    "endless size by PAX": [GOOD, pax(size="9" * 18), file("top/a")],
    "size of gigabytes": [GOOD, header("top/a", size=7 << 30)],
    "name of a gigabyte": [header("x", kind=tarfile.GNUTYPE_LONGNAME, size=1 << 30)],
    "PAX header of a gigabyte": [header("x", kind=tarfile.XHDTYPE, size=1 << 30)],
    "global header of a gigabyte": [header("x", kind=tarfile.XGLTYPE, size=1 << 30)],
    "global path": [extended(tarfile.XGLTYPE, record("path", "top/other")), GOOD],
    "PAX headers without end": [GOOD, *[pax(comment="x")] * 50, file("top/a")],
    "PAX record beyond its header": [GOOD, extended(tarfile.XHDTYPE, b"99 path=top/a\n"), file("top/b")],
    "PAX record without length": [GOOD, extended(tarfile.XHDTYPE, b"0 path=top/a\n"), file("top/b")],
    "PAX record of an endless length": [GOOD, extended(tarfile.XHDTYPE, b"9" * 500), file("top/b")],
    "PAX path that leads out": [GOOD, pax(path="top/../../evil"), file("top/b")],
    "PAX path that is absolute": [GOOD, pax(path="/tmp/evil"), file("top/b")],
    "PAX path with NUL": [GOOD, pax(path="top/a\0b"), file("top/b")],
    "PAX link that leads out": [GOOD, pax(linkpath="/etc/passwd"), link("top/l", "a")],
    "sparse file": [GOOD, header("top/a", kind=tarfile.GNUTYPE_SPARSE)],
    "sparse file by PAX": [GOOD, extended(tarfile.XHDTYPE, record("GNU.sparse.major", "1")), file("top/b")],
    "thousands of folders": [GOOD, extended(tarfile.GNUTYPE_LONGNAME, b"top/" + b"d/" * 1500 + b"f"), file("x")],
    "long part": [GOOD, extended(tarfile.GNUTYPE_LONGNAME, b"top/" + b"x" * 256), file("x")],
    "device": [GOOD, header("top/a", kind=tarfile.CHRTYPE)],
    "pipe": [GOOD, header("top/a", kind=tarfile.FIFOTYPE)],
    "unknown type": [GOOD, header("top/a", kind=b"Z")],
    "file through an absolute link": [GOOD, link("top/l", "/tmp"), file("top/l/evil")],
    "file through a link": [GOOD, link("top/l", "."), file("top/l/evil")],
    "folder through a link": [GOOD, link("top/l", "."), header("top/l/evil/", kind=tarfile.DIRTYPE)],
    "link through a link": [GOOD, link("top/l", "."), link("top/l/m", "..")],
    "link in place of a folder": [GOOD, file("top/l/a"), link("top/l", "/tmp"), file("top/l/evil")],
    "file in place of a link": [GOOD, link("top/l", "../evil"), file("top/l", b"evil")],
    "file in place of a hard link": [GOOD, link("top/l", "top/a", tarfile.LNKTYPE), file("top/l", b"evil")],
    "folder in place of a file": [GOOD, file("top/a"), file("top/a/b")],
    "link to what is above": [GOOD, link("top/l", "a/../../evil")],
    "links that lead out together": [GOOD, file("top/a/b"), link("top/a/l", ".."), link("top/m", "a/l/../evil")],
    "links in a circle": [GOOD, link("top/a", "b"), link("top/b", "a")],
    "link to itself": [GOOD, link("top/a", "a/b")],
    "top folder that is a link": [link("top", "/tmp"), file("top/evil")],
    "link without a target": [GOOD, link("top/a", "")],
    "hard link to what is absolute": [GOOD, link("top/l", "/etc/passwd", tarfile.LNKTYPE)],
    "hard link to what is above": [GOOD, link("top/l", "top/../../etc/passwd", tarfile.LNKTYPE)],
    "hard link to another top folder": [GOOD, link("top/l", "other/x", tarfile.LNKTYPE)],
    "hard link to a link": [GOOD, link("top/s", "pyproject.toml"), link("top/l", "top/s", tarfile.LNKTYPE)],
    "hard link to a folder": [GOOD, file("top/a/b"), link("top/l", "top/a", tarfile.LNKTYPE)],
    "hard link to nothing": [GOOD, link("top/l", "top/gone", tarfile.LNKTYPE)],
    "hard links in a circle": [GOOD, link("top/a", "top/b", tarfile.LNKTYPE), link("top/b", "top/a", tarfile.LNKTYPE)],
    "links beyond PATH_MAX": [GOOD, *beyond_path_max()],
    "header with a wrong checksum": [GOOD, GOOD[:BLOCK].replace(b"pyproject", b"qyproject"), GOOD],
}  # fmt: skip


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with `inner` for the tree; nothing else must appear in it."""
    (tmp_path / "inner").mkdir()
    return tmp_path


def check_refused(archive: Path, outside: Path) -> None:
    before = {path: path.lstat().st_mtime_ns for path in outside.rglob("*")}
    with pytest.raises(FetchError) as caught:
        unpack(archive, outside / "inner" / "tree")
    assert str(archive) in caught.value.message
    assert "\n" not in caught.value.message
    (outside / "inner").touch()
    assert {path for path in outside.rglob("*") if path not in before} == set()
    assert {path for path in before if path.name != "inner" and path.lstat().st_mtime_ns != before[path]} == set()


@pytest.mark.parametrize("parts", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(outside: Path, parts: list[bytes]) -> None:
    check_refused(tar(outside / "a.tar", parts), outside)


@pytest.mark.parametrize("parts", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_no_toolchain(tmp_path: Path, parts: list[bytes]) -> None:
    path = tar(tmp_path / "a.tar", parts)
    with pytest.raises(FetchError):
        bundle.Header.read(path)
    with pytest.raises(FetchError):
        read_member(path, "gone")


def test_a_long_name_is_refused_before_it_is_read(outside: Path) -> None:
    """The archive is small, and good to its end; other readers have the whole name in memory."""
    path = outside / "a.tar.xz"
    name = header("././@LongLink", kind=tarfile.GNUTYPE_LONGNAME, size=1 << 26) + b"a" * (1 << 26)
    path.write_bytes(lzma.compress(name + header("top/a") + bytes(2 * BLOCK), preset=0))
    tracemalloc.start()
    try:
        check_refused(path, outside)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("opener", [gzip.open, lzma.open])
def test_zeros_after_the_end_are_bounded(outside: Path, opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE", 1 << 20)
    path = outside / "a.tar.x"
    with opener(path, "wb") as packed:
        packed.write(GOOD + bytes(50 << 20))
    check_refused(path, outside)


def test_a_dictionary_of_gigabytes_is_refused(outside: Path) -> None:
    """xz takes as much memory as the archive announces: here 2 GiB, by one byte of the block's header."""
    packed = bytearray(lzma.compress(tar(outside / "a.tar", [GOOD]).read_bytes()))
    block = slice(12, 12 + 4 * (packed[12] + 1))
    changed = packed[block]
    changed[changed.index(b"\x21\x01") + 2] = 38
    changed[-4:] = zlib.crc32(changed[:-4]).to_bytes(4, "little")
    packed[block] = changed
    (outside / "a.tar").write_bytes(packed)
    check_refused(outside / "a.tar", outside)


def test_empty_files_without_end_are_refused(outside: Path) -> None:
    path = outside / "a.tar.xz"
    members = [header(f"top/{number % 100}/{number}") for number in range(limits.FREE_MEMBERS + 5_000)]
    path.write_bytes(lzma.compress(b"".join(members), preset=0))
    assert limits.FREE_MEMBERS < limits.members(path.stat().st_size) < len(members)
    check_refused(path, outside)


def test_many_streams_and_padding_of_xz_are_one_file(tmp_path: Path) -> None:
    data = GOOD + file("top/b", b"b" * 3000) + bytes(2 * BLOCK)
    pieces = [data[:700], b"", data[700:2000], data[2000:]]
    (tmp_path / "a.tar.xz").write_bytes(b"".join(lzma.compress(piece) + bytes(70_000) for piece in pieces))
    unpack(tmp_path / "a.tar.xz", tmp_path / "tree")
    assert (tmp_path / "tree" / "b").read_bytes() == b"b" * 3000


def test_what_is_unusual_and_harmless_is_unpacked(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        parts = [
            extended(tarfile.XGLTYPE, record("comment", "0" * 40)),
            header("./", kind=tarfile.DIRTYPE),
            file("./top/first", b"1"),
            file("top//second", b"2"),
            extended(tarfile.GNUTYPE_LONGNAME, b"top/" + b"n" * 120 + b"\0"),
            file("x", b"3"),
            pax(path="top/größe", size="4", mtime="1700000000.5"),
            header("x") + b"four".ljust(BLOCK, b"\0"),
            header("top/run", mode=0o4777),
            file("top/twice", b"old"),
            file("top/twice", b"new"),
            file("top/latin-\udce9"),
            link("top/hard", "top/hard2", tarfile.LNKTYPE),
            link("top/hard2", "top/first", tarfile.LNKTYPE),
            link("top/dangling", "gone/../gone"),
            link("top/lib/up", "../first"),
            link("top/across", "lib/up"),
        ]
        unpack(tar(tmp_path / "a.tar", parts), tmp_path / "tree")
    finally:
        os.umask(old)
    tree = tmp_path / "tree"
    assert (tree / "first").read_bytes() == (tree / "hard").read_bytes() == (tree / "across").read_bytes() == b"1"
    assert (tree / "first").stat().st_nlink == 3
    assert (tree / "second").read_bytes() == b"2"
    assert (tree / ("n" * 120)).read_bytes() == b"3"
    assert (tree / "größe").read_bytes() == b"four"
    assert (tree / "größe").stat().st_mtime == 1700000000.5
    assert stat.S_IMODE((tree / "run").stat().st_mode) == 0o755
    assert (tree / "twice").read_bytes() == b"new"
    assert (tree / "latin-\udce9").is_file()
    assert (tree / "dangling").readlink() == Path("gone/../gone")
    assert top_folder(tmp_path / "a.tar") == ""


def test_a_link_that_appears_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the folder: files are written by descriptors, and never through a link."""
    (tmp_path / "outside").mkdir()
    real = os.mkdir

    def planted(name: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if name == "sub":
            os.symlink(tmp_path / "outside", name, dir_fd=dir_fd)
        real(name, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", planted)
    with pytest.raises(FetchError):
        unpack(tar(tmp_path / "a.tar", [GOOD, file("top/sub/evil", b"evil")]), tmp_path / "tree")
    assert list((tmp_path / "outside").iterdir()) == []


def check_inside(tree: Path) -> None:
    for path in tree.rglob("*"):
        kind = stat.S_IFMT(path.lstat().st_mode)
        assert kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
        assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(tree))


def unpacked_or_refused(archive: Path, outside: Path) -> bool:
    tree = outside / "inner" / "tree"
    try:
        unpack(archive, tree)
    except FetchError:
        assert not tree.exists()
        refused = True
    else:
        check_inside(tree)
        refused = False
    assert (outside / "victim").read_bytes() == b"whole"
    assert sorted(path.name for path in outside.iterdir()) == ["a.tar", "inner", "victim"]
    assert [path.name for path in (outside / "inner").iterdir()] == [] if refused else ["tree"]
    return refused


@pytest.mark.parametrize("seed", range(10))
def test_mutated_headers(outside: Path, seed: int) -> None:
    """Bytes of headers changed at random, half of the time with a right checksum."""
    choose = random.Random(seed)
    (outside / "victim").write_bytes(b"whole")
    whole = b"".join(
        [GOOD, pax(path="top/pax", linkpath="pyproject.toml", size="3"), file("top/a", b"abc"), link("top/l", "a"),
         link("top/h", "top/pax", tarfile.LNKTYPE), long_header("top/long", tarfile.SYMTYPE, "sub/../a"),
         file("top/sub/b", b"b" * 700), bytes(2 * BLOCK)]
    )  # fmt: skip
    outcomes = set()
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(choose.randint(1, 4)):
            start = BLOCK * choose.randrange(len(data) // BLOCK)
            at = start + choose.choice((choose.randrange(100), choose.randrange(100, 270), choose.randrange(BLOCK)))
            data[at] = choose.choice((0, 0x2F, 0x2E, 0x30, 0x31, 0x32, 0x35, 0x78, 0x80, 0xFF, choose.randrange(256)))
            if choose.random() < 0.7:
                data[start : start + BLOCK] = summed(data[start : start + BLOCK])
        (outside / "a.tar").write_bytes(data)
        outcomes.add(unpacked_or_refused(outside / "a.tar", outside))
    assert outcomes == {True, False}


@pytest.mark.parametrize("seed", range(10))
def test_random_members(outside: Path, seed: int) -> None:
    """Files, folders and links with names and targets of few parts, so that they often meet."""
    choose = random.Random(seed)
    (outside / "victim").write_bytes(b"whole")

    def path(*more: str) -> str:
        return "/".join(choose.choice(("a", "b", "l", *more)) for _ in range(choose.randint(1, 4)))

    for _ in range(40):
        members = [file("top/start", b"s")]
        for _ in range(choose.randint(1, 5)):
            name, target = f"top/{path()}", path("..", ".", "victim", "start")
            kind = choose.randrange(4)
            members.append(
                file(name, b"evil") if kind == 0
                else header(name, kind=tarfile.DIRTYPE) if kind == 1
                else link(name, target) if kind == 2
                else link(name, f"top/{choose.choice((target, path()))}", tarfile.LNKTYPE)
            )  # fmt: skip
        unpacked_or_refused(tar(outside / "a.tar", members), outside)


ENTRIES = [{"kind": "sdk", "name": "a", "contents": "0"}, {"kind": "python", "name": "b", "contents": "0"}]


@pytest.mark.parametrize(
    "entries", [[*ENTRIES, ENTRIES[0]], [*ENTRIES, {"kind": 1, "name": [], "contents": None}], ["sdk"], {"kind": 1}, 7]
)
def test_a_toolchain_s_header_is_data(tmp_path: Path, entries: object) -> None:
    fields = {"schema": 1, "hatch_wasi": "0", "python": "3.13", "provider": "debian", "entries": entries}
    fields |= {"recipe": recipe.recipe_id(), "host": vars(Host.here())}
    path = tar(tmp_path / "a.tar", [file(f"top/{bundle.HEADER}", json.dumps(fields).encode())])
    with pytest.raises(FetchError):
        bundle.Header.read(path).check(path)


def test_a_toolchain_s_header_that_is_nested_without_end(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", [file(f"top/{bundle.HEADER}", b"[" * 500_000)])
    with pytest.raises(FetchError):
        bundle.Header.read(path)
