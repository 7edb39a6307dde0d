"""An index and those who use it: the command, a web server, real package servers, pip."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from serving import PackageServer, devpi, free_port, pypiserver, run, running
from wheel_making import WheelMaker

from hatch_wasi.cli import main

TAG = "cp313-cp313-wasi_wasm32"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """The folder that is indexed."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


@pytest.fixture
def make_wheel(wheels: Path) -> WheelMaker:
    return WheelMaker(wheels)


@pytest.fixture
def native_wheel(make_wheel: WheelMaker) -> Callable[..., Path]:
    """Make a wheel for WASI, as the hook does."""

    def make(name: str, version: str, *, extra: str = "") -> Path:
        files = {f"{name}/__init__.py": "answer = 42\n"}
        return make_wheel(name, version, files, tag=TAG, extra=extra)

    return make


Index = Callable[..., int]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """`hatch-wasi index …`, with a cache of its own for the lock."""

    def run_index(*words: str | Path) -> int:
        with monkeypatch.context() as patch:
            patch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
            return main(["index", *map(os.fspath, words)])

    return run_index


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """Serve a folder as `python -m http.server` does; gives its address."""
    with ExitStack() as stack:

        def start(folder: Path) -> str:
            port = free_port()
            argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", folder]
            url = f"http://127.0.0.1:{port}"
            stack.enter_context(running(argv, tmp_path / f"server-{port}.log", url))
            return url

        yield start


@pytest.fixture(scope="session", params=["pypiserver", "devpi"])
def package_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageServer]:
    """A real one, empty at first; each test uploads names of its own."""
    start = {"pypiserver": pypiserver, "devpi": devpi}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def pip_download(tmp_path: Path) -> Callable[[str, str], list[Path]]:
    """Plain `pip download` for WASI from one index; gives what it saved."""

    def download(index_url: str, requirement: str, *words: str) -> list[Path]:
        target = tmp_path / "downloaded"
        shutil.rmtree(target, ignore_errors=True)
        platform = ["--platform", "wasi_wasm32", "--python-version", "3.13", "--implementation", "cp", "--abi", "cp313"]
        run(
            *(sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "download", "--no-cache-dir"),
            *("--no-deps", "--only-binary", ":all:", *platform, "--index-url", index_url, "-d", target),
            *(*words, requirement),
        )
        return sorted(target.iterdir())

    return download


@pytest.fixture
def install_from(tmp_path: Path, toolchain: object) -> Callable[[str, str], Path]:
    """`hatch-wasi install` from one index; gives the folder that it installed into."""

    def install(index_url: str, requirement: str) -> Path:
        site = tmp_path / "site"
        assert main(["install", "--index-url", index_url, "--target", os.fspath(site), requirement]) == 0
        return site

    return install
