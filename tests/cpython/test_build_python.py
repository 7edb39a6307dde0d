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
