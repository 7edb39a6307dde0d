"""Wheels written anew: one form, whoever packed them; and without the build's folders."""

import os
import zipfile

import pytest
from wheel.wheelfile import WheelFile
from wheel_making import metadata, record_hash

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.neutral import neutral
from hatch_wasi.wheels.rewrite import rewrite
from hatch_wasi.wheels.wheel import Wheel

INFO = "thing-1.0.dist-info"
FILES = {"b/__init__.py": "x = 1\n" * 99, "a.py": "", "größe.txt": "1", "thing-1.0.data/scripts/run": "#!python\n"}


def pack(folder, members, *, when, mode, method):
    """Pack a wheel as somebody might: in the order of `members`, folders listed, with extra fields."""
    folder.mkdir()
    path = folder / "thing-1.0-py3-none-any.whl"
    rows = [f"{name},{record_hash(content)},{len(content.encode())}\n" for name, content in members.items()]
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("b") if hasattr(archive, "mkdir") else archive.writestr("b/", "")
        for name, content in {**members, f"{INFO}/RECORD": "".join([*rows, f"{INFO}/RECORD,,\n"])}.items():
            info = zipfile.ZipInfo(name, when)
            info.external_attr = (0o100000 | (mode | 0o111 & mode >> 2 if "scripts" in name else mode)) << 16
            info.compress_type = method
            info.create_system = 0 if method == zipfile.ZIP_STORED else 3
            info.extra = b"\x55\x54\x05\0\x03" + bytes(4) if method == zipfile.ZIP_STORED else b""
            archive.writestr(info, content)
    return path


def write(path, target, changed=None, source_date=1_580_601_600):
    with Wheel.open(path) as wheel:
        rewrite(wheel, target, changed=changed or {}, source_date=source_date)
    return target


@pytest.fixture
def one(tmp_path):
    members = {**FILES, **metadata("thing", "1.0")}
    return pack(tmp_path / "one", members, when=(2026, 1, 2, 3, 4, 6), mode=0o644, method=zipfile.ZIP_DEFLATED)


@pytest.fixture
def target(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "thing-1.0-py3-none-any.whl"


def test_who_packed_it_does_not_matter(one, target, tmp_path):
    backwards = dict(reversed({**FILES, **metadata("thing", "1.0")}.items()))
    other = pack(tmp_path / "other", backwards, when=(1999, 1, 2, 3, 4, 6), mode=0o600, method=zipfile.ZIP_STORED)
    first = write(one, target).read_bytes()
    assert write(other, target).read_bytes() == first
    assert write(target, tmp_path / "out" / "again.whl").read_bytes() == first


def test_what_comes_out(one, target):
    write(one, target)
    with WheelFile(target) as wheel:  # which compares what is read with RECORD
        names = wheel.namelist()
        assert {name: wheel.read(name).decode() for name in FILES} == FILES
        record = wheel.read(f"{INFO}/RECORD").decode().splitlines()
    with zipfile.ZipFile(target) as archive:
        infos = archive.infolist()
    assert names == sorted(FILES) + [f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")]
    assert [line.rpartition(",sha256=")[0] or line.rstrip(",") for line in record] == names
    assert {info.date_time for info in infos} == {(2020, 2, 2, 0, 0, 0)}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_DEFLATED}
    assert {info.create_system for info in infos} == {3}
    assert {info.extra for info in infos} == {b""}
    modes = {info.filename: oct(info.external_attr >> 16) for info in infos}
    assert {name for name, mode in modes.items() if mode == "0o100755"} == {"thing-1.0.data/scripts/run"}
    assert set(modes.values()) == {"0o100644", "0o100755"}


@pytest.mark.parametrize(
    ("source_date", "expected"),
    [(0, (1980, 1, 1, 0, 0, 0)), (1_700_000_001, (2023, 11, 14, 22, 13, 20)), (10**10, (2107, 12, 31, 23, 59, 58))],
)
def test_times_are_within_what_zip_knows(one, target, source_date, expected):
    with zipfile.ZipFile(write(one, target, source_date=source_date)) as archive:
        assert {info.date_time for info in archive.infolist()} == {expected}


def test_members_change_and_come_new(one, target):
    write(one, target, {"a.py": b"new", f"{INFO}/sboms/x.json": b"{}"})
    with WheelFile(target) as wheel:
        assert wheel.read("a.py") == b"new"
        assert wheel.namelist()[-4:] == [f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "sboms/x.json", "RECORD")]


def test_signatures_of_the_old_record_are_left_out(one, target):
    with zipfile.ZipFile(one, "a") as archive:
        archive.writestr(f"{INFO}/RECORD.jws", "{}")
    with zipfile.ZipFile(write(one, target)) as archive:
        assert f"{INFO}/RECORD.jws" not in archive.namelist()


def test_a_name_with_a_comma_is_quoted(tmp_path, target):
    members = {"a,b.py": "", **metadata("thing", "1.0")}
    path = tmp_path / target.name
    with WheelFile(path, "w") as wheel:
        for name, content in members.items():
            wheel.writestr(name, content)
    with WheelFile(write(path, target)) as wheel:
        assert wheel.read("a,b.py") == b""


def test_a_damaged_wheel_is_not_made_whole(one, target, tmp_path):
    path = tmp_path / one.name
    with zipfile.ZipFile(one) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"changed" if name == "a.py" else old.read(name))
    with pytest.raises(WheelError, match=r"'a\.py' is not what RECORD says"):
        write(path, target)
    assert not target.exists()


def test_the_builds_folder_is_taken_out_of_text(tmp_path, target):
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    binary = f"\0{link}\0"
    files = {"a.py": f"cc = '{link}/cc'\n", "b.cmake": f"({real}/x)", "c.txt": "none", "d.bin": binary}
    path = tmp_path / target.name
    with WheelFile(path, "w") as wheel:
        for name, content in {**files, **metadata("thing", "1.0")}.items():
            wheel.writestr(name, content)
    with Wheel.open(path) as opened:
        found = neutral(opened, link)
        assert found == {"a.py": b"cc = '/build/cc'\n", "b.cmake": b"(/build/x)"}
        rewrite(opened, target, changed=found, source_date=0)
    with WheelFile(target) as wheel:
        assert wheel.read("d.bin") == os.fsencode(binary)
        assert wheel.read("a.py") == found["a.py"]
