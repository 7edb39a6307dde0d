"""Zip archives that programs would read in different ways, or that are bombs: refused, as sdists and as wheels."""

import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from wheel_making import metadata, record_hash

from hatch_wasi.archives import limits
from hatch_wasi.errors import FetchError, WheelError
from hatch_wasi.sources.archive import read_member, unpack
from hatch_wasi.wheels.wheel import Wheel

INFO = "demo-1.0.dist-info"
Change = Callable[[bytes], bytes]


def unicode_path(name: str) -> bytes:
    """The extra field 0x7075, whose name newer versions of zipfile take (Info-ZIP)."""
    return struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zipfile.crc32(b"demo/a.py")) + name.encode()


def write(path: Path, top: str, extra: dict[str, bytes] | None = None) -> Path:
    """A good sdist, or wheel where `top` is empty; `extra` are extra fields of members."""
    files = {"demo/a.py": "a = 1\n" * 100, "demo/b.py": "b = 1\n" * 100, **metadata("demo", "1.0")}
    rows = "".join(f"{name},{record_hash(content)},\n" for name, content in files.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in {**files, f"{INFO}/RECORD": rows}.items():
            entry = zipfile.ZipInfo(f"{top}{name}")
            entry.extra = (extra or {}).get(name, b"")
            file.writestr(entry, content)
    return path


def central(data: bytes, offset: int, form: str, *values: int, which: int = 0) -> bytes:
    """Change fields of the central directory's entry number `which`."""
    at = -1
    for _ in range(which + 1):
        at = data.index(b"PK\1\2", at + 1)
    changed = bytearray(data)
    struct.pack_into(form, changed, at + offset, *values)
    return bytes(changed)


def second_at_first(data: bytes) -> bytes:
    return central(data, 42, "<L", 0, which=1)


CHANGES: dict[str, Change] = {
    "data before": lambda data: b"#!/bin/sh\n" + data,
    "data behind": lambda data: data + b"x",
    "an archive behind": lambda data: data + data,
    "an archive in the comment": lambda data: data[:-2] + struct.pack("<H", 22) + b"PK\5\6" + bytes(18),
    "overlapping members": second_at_first,
    "a member within the directory": lambda data: central(data, 20, "<L", 1 << 20, which=4),
    "encrypted": lambda data: central(data, 8, "<H", 1),
    "strongly encrypted": lambda data: central(data, 8, "<H", 0x41),
    "bzip2": lambda data: central(data, 10, "<H", 12),
    "a size of gigabytes": lambda data: central(data, 24, "<L", 3 << 30),
    "a directory of gigabytes": lambda data: data[:-10] + struct.pack("<L", 2 << 30) + data[-6:],
    "a device": lambda data: central(data, 38, "<L", (stat.S_IFCHR | 0o644) << 16),
    "truncated": lambda data: data[: len(data) // 2],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_archive_with_two_readings_or_a_lie_is_refused(tmp_path: Path, change: Change) -> None:
    sdist, wheel = tmp_path / "demo-1.0.zip", tmp_path / "demo-1.0-py3-none-any.whl"
    sdist.write_bytes(change(write(sdist, "demo-1.0/").read_bytes()))
    wheel.write_bytes(change(write(wheel, "").read_bytes()))
    with pytest.raises(FetchError):
        unpack(sdist, tmp_path / "tree")
    with pytest.raises(FetchError):
        read_member(sdist, "gone")
    with pytest.raises(WheelError), Wheel.open(wheel):
        pass
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "demo/other.py", ""])
def test_a_second_name_is_refused_whatever_zipfile_makes_of_it(tmp_path: Path, name: str) -> None:
    extra = {"demo/a.py": unicode_path(name)}
    with pytest.raises(WheelError), Wheel.open(write(tmp_path / "demo-1.0-py3-none-any.whl", "", extra)):
        pass
    with pytest.raises(FetchError):
        unpack(write(tmp_path / "demo-1.0.zip", "demo-1.0/", extra), tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_second_name_that_is_the_same_is_accepted(tmp_path: Path) -> None:
    extra = {"demo/a.py": unicode_path("demo/a.py")}
    with Wheel.open(write(tmp_path / "demo-1.0-py3-none-any.whl", "", extra)) as wheel:
        assert "demo/a.py" in wheel.places


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system, made.external_attr = 3, mode << 16
    return made


def with_member(path: Path, name: str, content: bytes = b"", mode: int = stat.S_IFREG | 0o644) -> Path:
    write(path, "demo-1.0/")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(entry(name, mode), content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "mode"),
    [
        ("demo-1.0/../../evil", b"", stat.S_IFREG),
        ("/evil", b"", stat.S_IFREG),
        ("other/evil", b"", stat.S_IFREG),
        ("demo-1.0/demo", b"", stat.S_IFREG),
        ("demo-1.0/demo/a.py/evil", b"", stat.S_IFREG),
        ("demo-1.0/" + "d/" * 200 + "f", b"", stat.S_IFREG),
        ("demo-1.0/l", b"/etc/passwd", stat.S_IFLNK | 0o777),
        ("demo-1.0/l", b"../../evil", stat.S_IFLNK | 0o777),
        ("demo-1.0/l", b"x" * 2000, stat.S_IFLNK | 0o777),
        ("demo-1.0/l", b"", stat.S_IFLNK | 0o777),
    ],
)
def test_a_hostile_member_of_an_sdist_is_refused(tmp_path: Path, name: str, content: bytes, mode: int) -> None:
    with pytest.raises(FetchError):
        unpack(with_member(tmp_path / "a.zip", name, content, mode), tmp_path / "inner" / "tree")
    assert list((tmp_path / "inner").iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_a_good_sdist_is_unpacked(tmp_path: Path) -> None:
    path = with_member(tmp_path / "a.zip", "demo-1.0/run", b"#!/bin/sh\n", stat.S_IFREG | 0o755)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(entry("demo-1.0/link", stat.S_IFLNK | 0o777), b"demo/a.py")
        file.writestr(entry("demo-1.0/empty/", stat.S_IFDIR | 0o755), b"")
    unpack(path, tmp_path / "tree")
    assert (tmp_path / "tree" / "link").read_text() == "a = 1\n" * 100
    assert (tmp_path / "tree" / "run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "tree" / "empty").is_dir()
    assert read_member(path, "demo/b.py") == b"b = 1\n" * 100


def test_three_gigabytes_in_three_megabytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb-1.0.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("bomb-1.0/zeros", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    with pytest.raises(FetchError, match="possible bomb"):
        unpack(with_size(path, 300 << 20, 1900 << 20), tmp_path / "tree")
    # As small as it says: what is in it does not count for more.
    with pytest.raises(FetchError):
        unpack(with_size(path, 1900 << 20, 1 << 20), tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def with_size(path: Path, old: int, new: int) -> Path:
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", old), struct.pack("<L", new)))
    return path


@pytest.mark.parametrize(
    ("name", "value"), [("ZIP_MEMBERS", 4), ("DIRECTORY", 100), ("SIZE", 1000), ("MEMBER_SIZE", 500)]
)
def test_limits_hold_for_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(FetchError, match="that are accepted"):
        unpack(write(tmp_path / "demo-1.0.zip", "demo-1.0/"), tmp_path / "tree")
    with (
        pytest.raises(WheelError, match="that are accepted"),
        Wheel.open(write(tmp_path / "demo-1.0-py3-none-any.whl", "")),
    ):
        pass


@pytest.mark.parametrize("seed", range(10))
def test_mutated_archives(tmp_path: Path, seed: int) -> None:
    """Headers and directory changed at random: refused, or what was unpacked is below the folder."""
    choose = random.Random(seed)
    whole = with_member(tmp_path / "a.zip", "demo-1.0/link", b"demo", stat.S_IFLNK | 0o777).read_bytes()
    marks = [at for at in range(len(whole)) if whole[at : at + 2] == b"PK"]
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(choose.randint(1, 3)):
            at = choose.choice(marks) + choose.randrange(70)
            if at < len(data):
                data[at] = choose.choice((0, 1, 8, 0x2E, 0x2F, 0x7F, 0xFF, choose.randrange(256)))
        (tmp_path / "a.zip").write_bytes(data)
        try:
            unpack(tmp_path / "a.zip", tmp_path / "inner" / "tree")
        except FetchError:
            assert list((tmp_path / "inner").iterdir()) == []
        else:
            for path in (tmp_path / "inner" / "tree").rglob("*"):
                assert path.resolve().is_relative_to((tmp_path / "inner" / "tree").resolve())
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "inner"]
