"""An index and those who use it: the command, a web server, real package servers, pip."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from wheel_making import WheelMaker

from hatch_wasi.cli import main

BIN = Path(sys.executable).parent
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
        files = {f"{name}/__init__.py": "", f"{name}/_n.cpython-313-wasm32-wasi.so": b"\0asm\1\0\0\0"}
        return make_wheel(name, version, files, tag=TAG, extra=extra)

    return make


Index = Callable[..., int]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """`hatch-wasi index …`, with a cache of its own for the lock."""
    monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(tmp_path / "cache"))
    return lambda *words: main(["index", *map(os.fspath, words)])


@contextmanager
def running(argv: list[str | Path], log: Path, answers: str, patience: float = 60) -> Iterator[None]:
    """A server that runs while the block does; the block begins when the address `answers` does."""
    with log.open("wb") as file, subprocess.Popen(argv, stdout=file, stderr=file, stdin=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + patience
            while not _answers(answers):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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


@dataclass(frozen=True)
class PackageServer:
    """A server that packages are uploaded to."""

    upload_url: str
    index_url: str
    user: str
    password: str


@pytest.fixture(scope="session", params=["pypiserver", "devpi"])
def package_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageServer]:
    """A real one, empty at first; each test uploads names of its own."""
    start = {"pypiserver": _pypiserver, "devpi": _devpi}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as server:
        yield server


@contextmanager
def _pypiserver(folder: Path) -> Iterator[PackageServer]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    (folder / "packages").mkdir()
    # Names that it does not have are not looked up elsewhere; anybody may upload.
    argv = [sys.executable, "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port), "--disable-fallback"]
    with running([*argv, "-P", ".", "-a", ".", folder / "packages"], folder / "log", url):
        yield PackageServer(f"{url}/", f"{url}/simple/", "user", "password")


@contextmanager
def _devpi(folder: Path) -> Iterator[PackageServer]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    data, password = ["--serverdir", folder / "server"], "secret"
    run(BIN / "devpi-init", *data, "--no-root-pypi", "--root-passwd", password)
    with running(
        [BIN / "devpi-server", *data, "--host", "127.0.0.1", "--port", str(port)], folder / "log", f"{url}/+api"
    ):
        for words in (["use", url], ["login", "root", "--password", password], ["index", "-c", "wasi", "bases="]):
            run(BIN / "devpi", words[0], "--clientdir", folder / "client", *words[1:])
        yield PackageServer(f"{url}/root/wasi/", f"{url}/root/wasi/+simple/", "root", password)


def run(*words: str | Path, **options: object) -> str:
    """Run a program as a person with no settings of their own does; give what it said."""
    env = {name: value for name, value in os.environ.items() if not re.match("(PIP|TWINE|HATCH|DEVPI)_", name)}
    done = subprocess.run(  # type: ignore[call-overload]
        words, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


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
