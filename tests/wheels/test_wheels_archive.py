import random
import stat
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wheel_making import metadata, record_hash, tree

from hatch_wasi.archives import limits
from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.install import open_wheels


def member(name, mode=stat.S_IFREG | 0o644, content=b""):
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix: the mode is in the upper half
    info.external_attr = mode << 16
    return info, content


def check_text(error):
    assert "\n" not in error.message


def refuse(path, reason):
    with pytest.raises(WheelError, match=reason) as caught, open_wheels([path]):
        pass
    assert path.name in caught.value.message
    check_text(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/tmp/evil", "is absolute"),
        ("../evil", "leads out"),
        ("demo/../../evil", "leads out"),
        ("..\\evil", "backslash"),
        ("demo-1.0.data/data/../../../evil", "leads out"),
        (".hatch-wasi-x/evil", "reserved"),
        ("DEMO.py", "one file where case does not count"),
        ("demo.py/x", "a file and"),
        ("demo-1.0.data/nowhere/x", "is in no scheme"),
        ("demo-1.0.data/x", "is in no scheme"),
        ("demo-1.0.data/purelib", "is in no scheme"),
        ("demo-1.0.data", "is in no scheme"),
        ("demo-1.0.data/purelib/demo.py", "twice"),
        ("demo-1.0.data/data/demo-1.0.dist-info/RECORD", "twice"),
        ("demo-1.0.data/data/demo-1.0.dist-info/direct_url.json", "twice"),
        ("demo-1.0.data/data/other-1.0.dist-info/RECORD", "pose as part of another"),
        ("pyvenv.cfg", "pose as an environment"),
        ("demo-1.0.data/data/Pyvenv.cfg", "pose as an environment"),
        ("other-1.0.dist-info/METADATA", "more than one .dist-info"),
        ("other-1.0.data/data/x", "another project's"),
        ("demo-2.0.data/data/x", "another project's or version's"),
    ],
)
def test_a_hostile_name(make_wheel, name, reason):
    files = {"demo.py": "", "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = demo:main\n"}
    refuse(make_wheel.by_hand("demo", "1.0", {**files, name: "x"}), reason)


@pytest.mark.parametrize(
    ("name", "mode", "reason"),
    [
        ("link", stat.S_IFLNK | 0o777, "is a symbolic link"),
        ("fifo", stat.S_IFIFO | 0o644, "neither a file nor a folder"),
        ("null", stat.S_IFCHR | 0o666, "neither a file nor a folder"),
        ("disk", stat.S_IFBLK | 0o666, "neither a file nor a folder"),
        ("sock", stat.S_IFSOCK | 0o666, "neither a file nor a folder"),
        ("folder/", stat.S_IFLNK | 0o777, "is a symbolic link"),
        ("folder/", stat.S_IFREG | 0o644, "neither a file nor a folder"),
    ],
)
def test_what_is_no_file(make_wheel, name, mode, reason):
    refuse(make_wheel.by_hand("demo", "1.0", {}, extra=[member(name, mode, b"" if "/" in name else b"/etc")]), reason)


def test_folders_are_welcome(install, make_wheel, site):
    folders = [member("demo/", stat.S_IFDIR | 0o755), member("empty/", 0)]
    install(make_wheel.by_hand("demo", "1.0", {"demo/mod.py": ""}, extra=folders))
    assert (site / "demo" / "mod.py").is_file()


def test_a_duplicate_member(make_wheel):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = make_wheel.by_hand("demo", "1.0", {"demo.py": "good"}, extra=[member("demo.py", content=b"evil")])
    refuse(path, "twice")


def test_a_name_cut_at_nul(make_wheel):
    path = make_wheel.by_hand("demo", "1.0", {"demo.pyXevil": ""})
    path.write_bytes(path.read_bytes().replace(b"demo.pyXevil", b"demo.py\0evil"))
    refuse(path, "control character")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression(make_wheel, method):
    path = make_wheel.by_hand("demo", "1.0", {})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("x", b"x", compress_type=method)
    refuse(path, f"compressed by method {method}")


def test_encryption(make_wheel):
    path = make_wheel.by_hand("demo", "1.0", {})
    data = path.read_bytes()
    at = data.rindex(b"PK\1\2") + 8
    path.write_bytes(data[:at] + struct.pack("<H", 1) + data[at + 2 :])
    refuse(path, "is encrypted")


def test_a_bomb_by_size(make_wheel, monkeypatch):
    path = make_wheel("demo", "1.0", {"zeros": b"\0" * 1_000_000})
    monkeypatch.setattr(limits, "SIZE", 900_000)
    refuse(path, "unpacks to 10.* bytes, more than the 900000")


def test_a_bomb_by_ratio(make_wheel, monkeypatch):
    path = make_wheel("demo", "1.0", {"zeros": b"\0" * 1_000_000})
    monkeypatch.setattr(limits, "FREE", 500_000)
    refuse(path, "unpacks to 10.* bytes, more than the 6")
    monkeypatch.setattr(limits, "RATIO", 10_000)
    with open_wheels([path]):
        pass


def test_a_bomb_by_count(make_wheel, monkeypatch):
    path = make_wheel("demo", "1.0", {f"f{index}": "" for index in range(20)})
    monkeypatch.setattr(limits, "ZIP_MEMBERS", 20)
    refuse(path, "23 members, more than the 20")


@pytest.mark.parametrize("claimed", [10, 999_999, 1_000_001, 2**31])
def test_a_size_that_is_a_lie(make_wheel, claimed):
    """The archive says how much it unpacks to; what is really in it must not be more, nor less."""
    path = make_wheel("demo", "1.0", {"zeros": b"\0" * 1_000_000})
    true = struct.pack("<L", 1_000_000)
    assert true in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(true, struct.pack("<L", claimed)))
    refuse(path, "zeros' cannot be read|differs|'zeros' is not what RECORD says|unpacks to 2|has 2,147")


def with_record(make_wheel, record, files=None):
    path = make_wheel.folder / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {**(files or {"demo.py": "x"}), **metadata("demo", "1.0")}.items():
            file.writestr(name, content)
        if record is not None:
            file.writestr("demo-1.0.dist-info/RECORD", record)
    return path


OWN = "".join(f"{name},{record_hash(text)},{len(text)}\n" for name, text in metadata("demo", "1.0").items())


def test_a_good_record(make_wheel):
    with open_wheels([with_record(make_wheel, f"{OWN}demo.py,{record_hash('x')},1\n")]) as (wheel,):
        assert wheel.label == "demo 1.0"
    sha512 = "sha512=pKvS1EWyZuWrLvtKImeyRidiliZeHnYQRzdRO2tTL_kAQpQE7_GDWSLaXDZTLv4Z3stlb8jIPMHWeNKVkOrlaA"
    with (
        pytest.raises(WheelError, match="its sha512 differs"),
        open_wheels([with_record(make_wheel, f"{OWN}demo.py,{sha512},1\n")]),
    ):
        pass


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "RECORD is missing"),
        ("", "is not listed in RECORD"),
        (OWN, "'demo.py' is not listed in RECORD"),
        (OWN + f"demo.py,{record_hash('y')},1\n", "'demo.py' is not what RECORD says: its sha256 differs"),
        (OWN + f"demo.py,{record_hash('x')},2\n", "it has 1 bytes, not 2"),
        (OWN + "demo.py,,\n", "no hash that is accepted"),
        (OWN + "demo.py,md5=nf9u2kC1zQwQuy95iJyp-w,1\n", "no hash that is accepted"),
        (OWN + "demo.py,shake_128=xx,1\n", "no hash that is accepted"),
        (OWN + f"demo.py,{record_hash('x')},1\n" * 2, "listed twice"),
        (
            OWN + f"demo.py,{record_hash('x')},1\ngone.py,{record_hash('x')},1\n",
            "'gone.py' is listed in RECORD and is not",
        ),
        (OWN + f"demo.py,{record_hash('x')},1\n../../gone,,\n", "'../../gone' is listed in RECORD and is not"),
        (OWN + "demo.py\n", "a row is not path, hash, size"),
        (OWN + '"' + "x" * 200_000 + '"\n', "a row is not path, hash, size"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_record_that_does_not_hold(make_wheel, record, reason):
    refuse(with_record(make_wheel, record), reason)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n", "METADATA is of 'other' '1.0'"),
        ("METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.1\n", "METADATA is of 'demo' '1.1'"),
        ("METADATA", "", "METADATA is of 'None'"),
        ("METADATA", b"\xff", "is not UTF-8"),
        ("METADATA", "Name: demo\nVersion: 1.0\nRequires-Python: soon\n", "METADATA is malformed"),
        ("METADATA", "Name: demo\nVersion: 1.0\nRequires-Dist: ???\n", "METADATA is malformed"),
        ("WHEEL", "Wheel-Version: 2.0\n", "Wheel-Version is '2.0'"),
        ("WHEEL", "", "Wheel-Version is 'None'"),
        ("WHEEL", "Wheel-Version: 1.0\nTag: nonsense\n", "a Tag in WHEEL is malformed"),
        ("WHEEL", "Wheel-Version: 1.0\nTag: py2-none-any\n", "not one that WHEEL gives: py2-none-any"),
        ("entry_points.txt", "[console_scripts]\nx\n", "entry_points.txt is malformed"),
        ("entry_points.txt", "[console_scripts]\nx = y\n", "entry_points.txt is malformed"),
        ("entry_points.txt", "[console_scripts]\nx = os:system('rm')\n", "entry_points.txt is malformed"),
        ("entry_points.txt", "no section", "entry_points.txt is malformed"),
        ("entry_points.txt", "[console_scripts]\n../x = a:b\n", "leads out"),
        ("entry_points.txt", "[console_scripts]\na/x = a:b\n", "is not the name of a script"),
    ],
)
def test_metadata_that_is_wrong(make_wheel, file, text, reason):
    files = {"demo.py": "", **metadata("demo", "1.0"), f"demo-1.0.dist-info/{file}": text}
    path = make_wheel.folder / "demo-1.0-py3-none-any.whl"
    rows = "".join(f"{name},{record_hash(content)},\n" for name, content in files.items())
    with zipfile.ZipFile(path, "w") as archive_file:
        for name, content in {**files, "demo-1.0.dist-info/RECORD": rows}.items():
            archive_file.writestr(name, content)
    refuse(path, reason)


@pytest.mark.parametrize("name", ["demo.whl", "demo-1.0.whl", "demo-x-py3-none-any.whl", "a-1-2-3-4-5-6.whl"])
def test_a_file_name_that_is_no_wheels(make_wheel, name):
    path = make_wheel("demo", "1.0", {})
    refuse(path.rename(path.with_name(name)), "is not the name of a wheel")


def test_what_is_no_archive(tmp_path):
    for content in (b"", b"PK", b"<html>404</html>", b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18):
        path = tmp_path / "demo-1.0-py3-none-any.whl"
        path.write_bytes(content)
        refuse(path, "cannot be read|there is no .dist-info")
    (tmp_path / "folder-1.0-py3-none-any.whl").mkdir()
    refuse(tmp_path / "folder-1.0-py3-none-any.whl", "is not a file")
    refuse(tmp_path / "gone-1.0-py3-none-any.whl", "no such file")


@st.composite
def mutations(draw):
    """Places in a wheel, as fractions of its length, and what happens there."""
    kinds = st.sampled_from(["flip", "cut", "insert", "delete", "copy", "zero"])
    return draw(
        st.lists(st.tuples(kinds, st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)
    )


def mutate(data, changes):
    for kind, place, byte in changes:
        at = int(place * len(data))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ (1 << byte % 8)]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "insert":
            data = data[:at] + bytes([byte]) + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + 1 + byte :]
        elif kind == "copy":
            data = data[:at] + data[: byte * 4] + data[at:]
        else:
            data = data[:at] + bytes(byte) + data[at + byte :]
    return data


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(changes=mutations())
def test_a_damaged_wheel_is_refused_or_whole(install, make_wheel, site, changes):
    """A bit flipped anywhere is noticed, or it was in a place that means nothing; nothing half-done is left."""
    files = {"demo/__init__.py": "x = 1\n" * 50, "demo/data.bin": random.Random(1).randbytes(300)}
    files["demo-1.0.dist-info/entry_points.txt"] = "[console_scripts]\ndemo = demo:main\n"
    path = make_wheel("demo", "1.0", files)
    path.write_bytes(mutate(path.read_bytes(), changes))
    before = tree(site)
    try:
        install(path)
    except WheelError as error:
        check_text(error)
        assert tree(site) == before
    else:
        own = {f"demo-1.0.dist-info/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")}
        assert tree(site) == {*files, *metadata("demo", "1.0"), *own, "bin/demo"}
        for name, content in files.items():
            assert (site / name).read_bytes() == (content.encode() if isinstance(content, str) else content)
    finally:
        path.unlink()
    assert [path for path in site.parent.glob("*") if path != site] == []


names = st.one_of(
    st.sampled_from(
        ["..", ".", "", "demo", "demo-1.0.data", "demo-1.0.dist-info", "scripts", "data", "purelib", "a", "A"]
    ),
    st.text(max_size=5),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(files=st.dictionaries(st.lists(names, min_size=1, max_size=4).map("/".join), st.binary(max_size=20), max_size=4))
def test_any_names_stay_inside_or_are_refused(install, make_wheel, site, files):
    """Whatever a wheel calls its files: it is refused, or its files are where RECORD says, and nowhere else."""
    members = {name: content for name, content in files.items() if name not in metadata("demo", "1.0")}
    try:
        path = make_wheel.by_hand("demo", "1.0", members)
    except (IndexError, ValueError):
        return  # zipfile itself cannot write it
    outside = {path for path in site.parent.parent.rglob("*") if site.parent not in path.parents}
    try:
        install(path)
    except WheelError as error:
        check_text(error)
    else:
        assert "demo-1.0.dist-info/RECORD" in tree(site)
    left = [path for path in site.parent.glob("*") if path != site]
    assert left == []
    now = {path for path in site.parent.parent.rglob("*") if site.parent not in path.parents}
    assert {path for path in now - outside if "cache" not in path.parts} <= {site.parent, make_wheel.folder}
