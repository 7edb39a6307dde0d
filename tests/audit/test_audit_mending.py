"""`hatch-wasi audit --fix`."""

import stat
import zipfile

import pytest
from wheel.wheelfile import WheelFile
from wheel_making import metadata

from hatch_wasi.wheels.wheel import Wheel

OWN = ".cpython-313-wasm32-wasi.so"
TAG = "cp313-cp313-wasi_wasm32"


def debugged(make, name="m"):
    return make.extension(name=name, compile_flags=["-g"], link_flags=[])


def test_a_folder_for_what_is_mended_needs_mending(command, good, tmp_path, capfd):
    assert command("-w", tmp_path, good) == 2
    assert "--wheel-dir is for --fix" in capfd.readouterr().err


def test_nothing_to_mend(command, good, bad, tmp_path):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (good, bad)}
    assert command("--fix", good) == 0
    assert command("--fix", "-w", tmp_path / "out", good, bad) == 1
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (good, bad)} == before
    assert list((tmp_path / "out").iterdir()) == []


def test_debug_sections_are_stripped(command, make, make_wheel, guest, tmp_path, capfd):
    module = debugged(make)
    library = make.library("int f(void) { return 1; }", ["f"], compile_flags=["-g"], link_flags=[])
    files = {f"pkg/m{OWN}": module, "pkg/libf.so.1": library, "pkg/__init__.py": "", "pkg/run.sh": "#!/bin/sh\n"}
    wheel = make_wheel("demo", "1.0", files, tag=TAG)
    original = wheel.read_bytes()
    assert command("--strict", wheel) == 1
    assert command("--fix", "--strict", "-w", tmp_path / "out", wheel) == 0
    assert wheel.read_bytes() == original
    mended = tmp_path / "out" / wheel.name
    assert f"mended: {mended}" in capfd.readouterr().err
    assert command("--fix", "--strict", wheel) == 0
    assert wheel.read_bytes() == mended.read_bytes()
    with Wheel.open(wheel) as opened:  # RECORD holds
        assert len(opened.archive.read(f"pkg/m{OWN}")) < len(module) / 2
        assert opened.archive.read("pkg/run.sh") == b"#!/bin/sh\n"
        assert list(opened.archive.members)[-1] == "demo-1.0.dist-info/RECORD"
    with WheelFile(wheel) as file:
        assert file.testzip() is None
        file.extractall(tmp_path / "site")
    done = guest("--site", tmp_path / "site", "-c", "import pkg.m; print(pkg.m.use())")
    assert done.stdout == "42\n", done.stderr


def members(wheel):
    """Content, and whether it can be executed; the rest is put in one form (wheels/rewrite.py)."""
    with zipfile.ZipFile(wheel) as file:
        return {
            info.filename: (bool(info.external_attr >> 16 & stat.S_IXUSR), file.read(info)) for info in file.infolist()
        }


@pytest.mark.parametrize(
    ("suffix", "tag", "mended"),
    [
        (OWN, "py3-none-any", TAG),
        (OWN, "py2.py3-none-any", TAG),
        (OWN, "cp313-cp313-linux_x86_64", TAG),
        (OWN, "1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", f"1-{TAG}"),
        (".so", "py3-none-any", TAG),  # its note says so
        (".abi3.so", "cp310-abi3.cp39-abi3-linux_x86_64", None),  # no name of a wheel
        (".abi3.so", "cp310.cp39-abi3-linux_x86_64", "cp39-abi3-wasi_wasm32"),
        (".abi3.so", "py3-none-any", "cp313-abi3-wasi_wasm32"),
    ],
)
def test_a_tag_is_put_right(command, make, make_wheel, guest, tmp_path, suffix, tag, mended):
    build, _, inner = tag.partition("-") if tag.startswith("1-") else ("", "", tag)
    wheel = make_wheel("demo", "1.0", {f"m{suffix}": make.extension(), "x.py": ""}, tag=inner)
    if build:
        wheel = wheel.rename(wheel.with_name(f"demo-1.0-{tag}.whl"))
    before = members(wheel)
    assert command(wheel) == 1
    assert command("--fix", "--strict", wheel) == (0 if mended else 1)
    if mended is None:
        assert members(wheel) == before
        return
    assert not wheel.exists()
    now = wheel.with_name(f"demo-1.0-{mended}.whl")
    changed = {"demo-1.0.dist-info/WHEEL", "demo-1.0.dist-info/RECORD"}
    after = members(now)
    assert {name: after[name] for name in after if name not in changed} == {
        name: before[name] for name in before if name not in changed
    }
    about = after["demo-1.0.dist-info/WHEEL"][1].decode().split("\n")
    assert f"Tag: {mended.removeprefix('1-')}" in about
    assert "Root-Is-Purelib: false" in about
    assert sum(line.startswith(("Tag:", "Root-Is")) for line in about) == 2


def test_a_tag_for_libraries_alone(command, make, make_wheel):
    """What ctypes loads is for no Python."""
    wheel = make_wheel("demo", "1.0", {"answer.so": make.library("int answer(void) { return 42; }", ["answer"])})
    assert command("--fix", wheel) == 0
    assert wheel.with_name("demo-1.0-py3-none-wasi_wasm32.whl").is_file()


@pytest.mark.parametrize("files", ["no-note", "elf-too", "other-python"])
def test_a_tag_that_nothing_tells_stays(command, make, make_wheel, files):
    content = {
        "no-note": {"m.so": make.extension(note=None)},
        "elf-too": {f"m{OWN}": make.extension(), "n.so": b"\x7fELF"},
        "other-python": {"m.cpython-312-wasm32-wasi.so": make.extension(note={"soabi": "cpython-312-wasm32-wasi"})},
    }[files]
    wheel = make_wheel("demo", "1.0", content)
    before = wheel.read_bytes()
    assert command("--fix", wheel) == 1
    assert wheel.read_bytes() == before


def test_another_wheel_of_the_right_name_is_not_replaced(command, make, make_wheel, tmp_path, capfd):
    other = make_wheel("demo", "1.0", {"x.py": ""}, tag=TAG)
    content = other.read_bytes()
    wheel = make_wheel("demo", "1.0", {f"m{OWN}": make.extension()})
    assert command("--fix", wheel) == 1
    assert f"it should be named {other.name}, which is there already" in capfd.readouterr().err
    assert (wheel.is_file(), other.read_bytes()) == (True, content)
    assert command("--fix", "-w", tmp_path / "out", wheel) == 0


def test_a_dist_info_of_another_spelling_and_signatures(command, make, tmp_path):
    """RECORD stays in the folder that is there; a signature of the old one would be a wrong one."""
    wheel = tmp_path / f"my_demo-1.0-{TAG}.whl"
    files = {name.replace("my_demo", "My.Demo"): text for name, text in metadata("my_demo", "1.0", TAG).items()}
    with WheelFile(wheel, "w") as file:
        file.record_path = "My.Demo-1.0.dist-info/RECORD"
        for name, text in {f"m{OWN}": debugged(make), **files, "My.Demo-1.0.dist-info/RECORD.jws": "{}"}.items():
            file.writestr(name, text)
    assert command("--fix", "--strict", wheel) == 0
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if "RECORD" in name] == ["My.Demo-1.0.dist-info/RECORD"]


def test_modes_stay(command, make, make_wheel):
    script = zipfile.ZipInfo("demo-1.0.data/scripts/tool", (2020, 1, 2, 3, 4, 6))
    script.external_attr = (stat.S_IFREG | 0o755) << 16
    wheel = make_wheel.folder / f"demo-1.0-{TAG}.whl"
    with WheelFile(wheel, "w") as file:
        file.writestr(script, "#!python\n")
        for name, text in {f"m{OWN}": debugged(make), **metadata("demo", "1.0", TAG)}.items():
            file.writestr(name, text)
    assert command("--fix", "--strict", wheel) == 0
    assert members(wheel)["demo-1.0.data/scripts/tool"] == (True, b"#!python\n")


def test_a_folder_that_cannot_be_made(command, make, make_wheel, tmp_path, capfd):
    wheel = make_wheel("demo", "1.0", {f"m{OWN}": debugged(make)}, tag=TAG)
    (tmp_path / "file").write_text("")
    assert command("--fix", "-w", tmp_path / "file" / "out", wheel) == 2
    assert "cannot be made: Not a directory" in capfd.readouterr().err
    assert command("--fix", "-w", "/proc", wheel) == 1
    assert f"/proc/{wheel.name} cannot be written" in capfd.readouterr().err
