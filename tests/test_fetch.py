"""Downloads from a real server: whole and right, or not at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError
from hatch_wasi.fetch import download

BODY = b"an archive" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/moved.tar":
            self.send_response(302)
            self.send_header("Location", "/good.tar")
            self.end_headers()
            return
        if self.path == "/missing.tar" or (self.path == "/flaky.tar" and self.requests.count(self.path) == 1):
            self.send_response(404 if self.path == "/missing.tar" else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[:100] if self.path == "/short.tar" else BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HATCH_WASI_OFFLINE", raising=False)


@pytest.mark.parametrize("name", ["good", "moved", "flaky"])
def test_a_file_is_fetched_once(tmp_path: Path, server: str, name: str) -> None:
    cache = Cache(tmp_path)
    path = download(cache, [f"{server}/{name}.tar"], sha256=SHA256)
    assert path.read_bytes() == BODY
    assert path.name == f"{SHA256}-{name}.tar"
    count = len(Handler.requests)
    assert download(cache, [f"{server}/{name}.tar"], sha256=SHA256) == path
    assert len(Handler.requests) == count


def test_the_next_address_serves_when_the_first_does_not(tmp_path: Path, server: str) -> None:
    urls = ["http://127.0.0.1:1/good.tar", f"{server}/missing.tar", f"{server}/good.tar"]
    assert download(Cache(tmp_path), urls, sha256=SHA256).read_bytes() == BODY


@pytest.mark.parametrize(
    ("name", "sha256", "reason"),
    [
        ("missing", SHA256, "HTTP status 404"),
        ("short", SHA256, "IncompleteRead"),
        ("good", "0" * 64, f"sha256 is {SHA256}, not the pinned 0000"),
    ],
)
def test_what_is_not_right_is_not_kept(tmp_path: Path, server: str, name: str, sha256: str, reason: str) -> None:
    with pytest.raises(FetchError, match=reason) as caught:
        download(Cache(tmp_path), [f"{server}/{name}.tar"], sha256=sha256)
    assert f"{server}/{name}.tar" in caught.value.message
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path, server: str) -> None:
    cache = Cache(tmp_path)
    path = download(cache, [f"{server}/good.tar"], sha256=SHA256)
    path.write_bytes(b"damaged")
    assert download(cache, [f"{server}/good.tar"], sha256=SHA256).read_bytes() == BODY


def test_offline_never_asks(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(FetchError, match="offline"):
        download(Cache(tmp_path), [f"{server}/good.tar"], sha256=SHA256)
    assert Handler.requests == []
