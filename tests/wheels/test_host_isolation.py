"""What is installed for WASI, and what lies in the working folder, is not imported or executed on this machine."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from wheel_making import metadata

from hatch_wasi import environment, process
from hatch_wasi.pep517.environment import Surroundings

RUN = [sys.executable, "-P", "-m", "hatch_wasi"]
# Says where it runs, if that is not WASI.
TELLTALE = "import os, sys\nif sys.platform != 'wasi':\n    open(os.environ['RAN'], 'a').write(__name__ + '\\n')\n"
# What pip, and Python itself, import if it happens to be there.
LOOKED_FOR = (
    "sitecustomize", "usercustomize", "keyring", "truststore", "brotli", "zstandard", "OpenSSL", "socks", "_manylinux",
    "colorama", "chardet", "simplejson", "redis", "IPython", "setuptools", "pip", "pyproject_hooks", "zipfile_zstd",
)  # fmt: skip


@pytest.fixture
def ran(tmp_path):
    """A file that modules write to if they run on this machine."""
    file = tmp_path / "ran"
    file.touch()
    return file


@pytest.fixture
def command(tmp_path, toolchain, ran):
    def run(*words, cwd=tmp_path, argv=tuple(RUN), **env):
        mine = {"RAN": str(ran), "HATCH_WASI_DATA_DIR": str(tmp_path / "data"), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.run(
            [*argv, *map(str, words)],
            cwd=cwd,
            env={**os.environ, **mine, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_installed_modules_do_not_run_when_others_are_installed(command, make_wheel, site, ran, tmp_path):
    files = {f"{name}.py": TELLTALE for name in LOOKED_FOR}
    files["start.pth"] = "import sitecustomize\n"
    files["evil-1.0.dist-info/entry_points.txt"] = (
        "[keyring.backends]\nevil = keyring\n[distutils.commands]\nx = redis:X\n"
    )
    make_wheel("harmless", "1.0", {"harmless.py": ""})
    evil = make_wheel("evil", "1.0", files)
    done = command("install", "--target", site, "--no-deps", evil)
    assert done.returncode == 0, done.stderr
    for words in (
        ("install", "--no-index", "--find-links", tmp_path / "wheels", "harmless"),
        ("check",),
        ("list",),
        ("uninstall", "-y", "harmless"),
    ):
        done = command(words[0], "--target", site, *words[1:])
        assert done.returncode == 0, done.stderr
    assert ran.read_text() == ""


def test_pip_knows_what_is_installed(command, make_wheel, site, tmp_path):
    """As metadata alone: a requirement that is installed is not looked for again."""
    installed = make_wheel("installed", "1.0", {"installed.py": ""})
    assert command("install", "--target", site, installed).returncode == 0
    installed.unlink()
    make_wheel("app", "1.0", {"app.py": ""}, extra="Requires-Dist: installed>=1\n")
    done = command("install", "--target", site, "--no-index", "--find-links", tmp_path / "wheels", "app")
    assert done.returncode == 0, done.stderr
    assert (site / "app.py").is_file()


def test_a_link_to_another_folder_is_not_what_is_installed(command, make_wheel, site, tmp_path):
    """A wheel may bring an .egg-link, which pip would follow anywhere."""
    elsewhere = tmp_path / "elsewhere"
    for name, content in metadata("other", "1.0").items():
        file = elsewhere / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    evil = make_wheel("evil", "1.0", {"other.egg-link": f"{elsewhere}\n"})
    assert command("install", "--target", site, evil).returncode == 0
    make_wheel("other", "1.0", {"other.py": ""})
    done = command("install", "--target", site, "--no-index", "--find-links", tmp_path / "wheels", "other")
    assert done.returncode == 0, done.stderr
    assert (site / "other.py").is_file()


@pytest.mark.parametrize("start", [RUN, [sys.executable, "-m", "hatch_wasi"]], ids=["command", "module"])
def test_modules_in_the_working_folder_do_not_run(command, make_wheel, ran, tmp_path, start):
    make_wheel("harmless", "1.0", {"harmless.py": ""})
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    for name in (*LOOKED_FOR, "argparse", "json", "zipfile", "tempfile", "httpx2", "packaging", "venv", "compileall"):
        (downloads / f"{name}.py").write_text(TELLTALE + "raise SystemExit(3)\n")
    words = ("--no-deps", "--no-index", "--find-links", tmp_path / "wheels", "harmless")
    done = command("wheel", *words, "-w", tmp_path / "out", cwd=downloads, argv=start)
    assert done.returncode == 0, done.stderr
    done = command("install", "--target", tmp_path / "site", *words, cwd=downloads, argv=start)
    assert done.returncode == 0, done.stderr
    assert ran.read_text() == ""


def test_a_build_does_not_see_the_packages_of_an_environment(tmp_path, monkeypatch):
    (tmp_path / "pyvenv.cfg").write_text("hatch-wasi = 1\nversion = 3.13.5\n")
    (tmp_path / "lib" / "python3.13" / "site-packages").mkdir(parents=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    found = Surroundings.current(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert Path(sysconfig.get_path("purelib")) in found.packages
    assert not any(folder.is_relative_to(tmp_path) for folder in (*found.packages, found.programs))


def test_programs_of_an_environment_are_not_on_the_path_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "pyvenv.cfg").write_text("hatch-wasi = 1\nversion = 3.13.5\n")
    native = tmp_path / "native"
    (native / "bin").mkdir(parents=True)
    (native / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.13.5\n")
    launchers = tmp_path / "lib" / "python3.13" / "site-packages" / environment.LAUNCHERS
    folders = [tmp_path / "bin", native / "bin", f"{tmp_path}/bin/", launchers, "/usr/bin"]
    monkeypatch.setenv("PATH", ":".join(map(str, folders)))
    assert process.base_environment()["PATH"] == f"{native}/bin:/usr/bin"


def test_pip_is_not_sent_to_another_python(command, make_wheel, site, tmp_path, ran):
    """PIP_PYTHON has pip begin again, with that Python's packages and tags."""
    other = tmp_path / "python"
    other.write_text(f"#!/bin/sh\necho other >> '{ran}'\nexec {sys.executable} \"$@\"\n")
    other.chmod(0o755)
    make_wheel("demo", "1.0", {"demo.py": ""}, extra="Requires-Dist: absent; sys_platform != 'wasi'\n")
    words = ("install", "--target", site, "--no-index", "--find-links", tmp_path / "wheels", "demo")
    done = command(*words, PIP_PYTHON=str(other))
    assert done.returncode == 0, done.stderr
    assert (site / "demo.py").is_file()
    assert ran.read_text() == ""
