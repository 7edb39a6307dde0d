"""The native interpreter of the same X.Y: found, or built with nothing that a bare machine does not have."""

import os
import subprocess
import sys
from pathlib import Path

import bare_machine
import pytest

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.cpython import build_python
from hatch_wasi.errors import ToolchainError
from hatch_wasi.process import base_environment

ENSURE = """
from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
print(bootstrap.ensure_build_python(Cache(), Console(), bootstrap.ready(Cache())))
"""


def test_it_is_built_on_a_bare_machine(tmp_path: Path, cache: Cache, toolchain: bootstrap.Toolchain) -> None:
    env = {
        "PATH": str(bare_machine.programs(tmp_path / "bin")),
        "HATCH_WASI_CACHE_DIR": str(cache.root),
        "HATCH_WASI_BUILD_PYTHON": "build",
    }
    done = subprocess.run([sys.executable, "-c", ENSURE], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    python = Path(done.stdout.strip())
    script = "import sys, ssl, zlib; print('%d.%d' % sys.version_info[:2], sys.prefix)"
    said = subprocess.run(
        [python, "-I", "-c", script], env=base_environment(), capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [toolchain.python.short_version, str(python.parents[1])]
    # pip comes with it, and works.
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], env=base_environment(), check=True)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "--version"]
    assert "pip" in subprocess.run(pip, env=base_environment(), capture_output=True, text=True, check=True).stdout
    # The next time it is there.
    again = subprocess.run([sys.executable, "-c", ENSURE], env=env, capture_output=True, text=True, check=True)
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_one_that_is_named_must_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_BUILD_PYTHON", str(tmp_path / "nothing"))
    with pytest.raises(ToolchainError, match="nothing cannot be used as build python: there is no such file"):
        build_python.find("3.13", Console())


def test_one_of_this_machine_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HATCH_WASI_BUILD_PYTHON", raising=False)
    short = "{}.{}".format(*sys.version_info)
    found = build_python.find(short, Console())
    assert found is not None
    assert os.access(found, os.X_OK)
    monkeypatch.setenv("HATCH_WASI_BUILD_PYTHON", str(found))
    with pytest.raises(ToolchainError, match=f"it is Python {short}"):
        build_python.find("3.99", Console())


def test_folders_that_cannot_be_read_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object = ".", *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.delenv("HATCH_WASI_BUILD_PYTHON", raising=False)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    for name in ("listdir", "scandir"):  # root may read any folder
        monkeypatch.setattr(os, name, refuse)
    assert all(isinstance(path, Path) for path in build_python.candidates("3.99"))


PLACES = {
    "pyenv": ".pyenv/versions/{short}.99",
    "uv": ".local/share/uv/python/cpython-{short}.2-linux-x86_64-gnu",
    "hatch": ".local/share/hatch/env/virtual/.pythons/{short}/python",
    "mise": ".local/share/mise/installs/python/{short}.1",
    "asdf": ".asdf/installs/python/{short}.1",
    "conda": "miniforge3/envs/any",
    "conda elsewhere": "elsewhere/any",
}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide the interpreters that are found first: the running one and the PATH's. The folder is the user's home."""
    for name in ("XDG_DATA_HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "CONDA_PREFIX", build_python.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "nothing"))
    return tmp_path


@pytest.mark.parametrize("place", PLACES)
def test_one_of_a_version_manager_serves(elsewhere: Path, place: str) -> None:
    short = "{}.{}".format(*sys.version_info)
    prefix = elsewhere / PLACES[place].format(short=short)
    (prefix / "bin").mkdir(parents=True)
    real = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    (prefix / "bin" / f"python{short}").symlink_to(real)
    if place == "conda elsewhere":
        (elsewhere / ".conda").mkdir()
        (elsewhere / ".conda" / "environments.txt").write_text(f"{prefix}\n")
    assert prefix / "bin" / f"python{short}" in list(build_python.candidates(short))
    assert build_python.find(short, Console()) == real


def test_the_newest_comes_first(elsewhere: Path) -> None:
    for version in ("3.99.9", "3.99.10", "3.99.1"):
        path = elsewhere / ".pyenv" / "versions" / version / "bin" / "python3.99"
        path.parent.mkdir(parents=True)
        path.touch()
    found = [path.parents[1].name for path in build_python.candidates("3.99")]
    assert found == ["3.99.10", "3.99.9", "3.99.1"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("sys.implementation.name = 'pypy'", "it is pypy"),
        ("sys.platform = 'wasi'", "it is built for wasi"),
        ("import sysconfig; sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1", "it is free-threaded"),
    ],
)
def test_one_of_another_kind_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, reason: str
) -> None:
    """An interpreter that says so of itself is passed over, whatever its name is."""
    program = tmp_path / "python"
    code = f"import sys; {change}; exec(sys.argv[1])"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -c "{code}" "$3"\n')
    program.chmod(0o755)
    monkeypatch.setenv(build_python.VARIABLE, str(program))
    with pytest.raises(ToolchainError, match=reason):
        build_python.find("{}.{}".format(*sys.version_info), Console())
