"""Real servers on loopback, and programs that are run as by a person with no settings."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
"""Where the programs of the test environment are."""


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


@dataclass(frozen=True)
class PackageServer:
    """A server that packages are uploaded to."""

    upload_url: str
    index_url: str
    user: str
    password: str


@contextmanager
def pypiserver(folder: Path) -> Iterator[PackageServer]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    (folder / "packages").mkdir()
    # Names that it does not have are not looked up elsewhere; anybody may upload.
    argv = [sys.executable, "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port), "--disable-fallback"]
    with running([*argv, "-P", ".", "-a", ".", folder / "packages"], folder / "log", url):
        yield PackageServer(f"{url}/", f"{url}/simple/", "user", "password")


@contextmanager
def devpi(folder: Path) -> Iterator[PackageServer]:
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
    env["PIP_CONFIG_FILE"] = os.devnull
    done = subprocess.run(  # type: ignore[call-overload]
        words, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)
