"""A toolchain that was exported here and imported elsewhere, by another user, serves there without any network."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hatch_wasi import bootstrap, bundle
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console

OTHER_USER = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
PRIVATE = ["sh", "-c", 'umask 077; exec "$@"', "sh"]


def other_user() -> list[str]:
    """Give what begins a command of another user; nothing where this one may not be another, or Python is closed."""
    if os.geteuid() == 0 and shutil.which("setpriv"):
        probe = [*OTHER_USER, *PRIVATE, sys.executable, "-c", "import hatch_wasi, wasmtime, hatchling"]
        if subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return OTHER_USER
    return []


def test_export_import_run_and_build(
    toolchain: bootstrap.Toolchain, cache: Cache, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("moved") / "große Stücke 2"
    home = place / "home"
    shutil.copytree(Path(__file__).parents[2] / "example-project", place / "project", ignore=shutil.ignore_patterns(".hatch", "dist"))  # fmt: skip
    home.mkdir()
    file = place / "toolchain.tar.xz"
    sha256 = bundle.pack(cache, Console(), toolchain, file)
    before = other_user()
    if before:
        for path in (place, *place.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
        for path in (place.parent, *place.parent.parents[:2]):
            path.chmod(path.stat().st_mode | 0o011)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HATCH_WASI_CACHE_DIR": str(place / "cäche dir"),
        "HATCH_WASI_OFFLINE": "1",
        "HATCH_WASI_TARGET": "wasi",
    }

    def run(*words: str | Path) -> str:
        argv = [*before, *PRIVATE, sys.executable, "-m", *map(os.fspath, words)]
        done = subprocess.run(argv, env=env, cwd=place / "project", capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("hatch_wasi", "import", file, "--sha256", sha256)
    file.unlink()
    assert "whole" in run("hatch_wasi", "info", "--verify")
    assert run("hatch_wasi", "run", "-c", "import sys; print(sys.platform, 6 * 7)") == "wasi 42\n"
    run("hatchling", "build", "-t", "wheel")
    (wheel,) = (place / "project" / "dist").glob("example_project-*-cp313-cp313-wasi_wasm32.whl")
    assert any(name.endswith(".so") for name in zipfile.ZipFile(wheel).namelist())
    run("hatch_wasi", "install", wheel)
    code = "import example_project as p; print(p.distance('kitten', 'sitting'))"
    assert run("hatch_wasi", "run", "-c", code) == "3\n"
    assert "whole" in run("hatch_wasi", "info", "--verify")
    shutil.rmtree(place)
