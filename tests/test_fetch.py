"""Downloads from a real server: whole and right, or not at all; what was received is not asked for again."""

import base64
import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import archive_server
import pytest
from archive_server import ArchiveServer

from hatch_wasi import fetch, network
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError
from hatch_wasi.fetch import download

BODY = random.Random(1).randbytes(600_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
NAME = "archive-1.0+m.tar"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveServer]:
    for name in ("HATCH_WASI_OFFLINE", "HATCH_WASI_MIRROR", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(fetch, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(network, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(network, "_unreachable", {})
    monkeypatch.setattr(network, "_resolved", set())
    with archive_server.running() as running:
        running.files = {NAME: BODY, "moved-here.tar": BODY}
        yield running


@pytest.fixture
def url(server: ArchiveServer) -> str:
    return f"{server.url}/v1/archive-1.0%2Bm.tar"


def partial(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / f".partial-{SHA256}"


def begun(tmp_path: Path, content: bytes) -> Cache:
    """A cache in which another process left a part."""
    cache = Cache(tmp_path)
    cache.folder("downloads")
    partial(tmp_path).write_bytes(content)
    return cache


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "downloads").iterdir())


@pytest.mark.parametrize(
    ("behaviour", "count"),
    [("serve", 1), ("moved", 2), ("busy_once", 2), ("reset", 2), ("cut", 3), ("stall_once", 2)],
)
def test_a_file_is_fetched_once(tmp_path: Path, server: ArchiveServer, url: str, behaviour: str, count: int) -> None:
    server.behaviours[NAME] = getattr(archive_server, behaviour)
    cache = Cache(tmp_path)
    path = download(cache, [url], sha256=SHA256)
    assert path.read_bytes() == BODY
    assert kept(tmp_path) == [path.name] == [f"{SHA256}-{NAME}"]
    assert len(server.requests) == count
    assert download(cache, [url], sha256=SHA256) == path
    assert len(server.requests) == count


def test_what_was_cut_is_asked_for_from_there(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    server.behaviours[NAME] = archive_server.cut
    download(Cache(tmp_path), [url], sha256=SHA256)
    assert server.requests == [(NAME, None), (NAME, "bytes=200000-"), (NAME, "bytes=400000-")]


def test_a_slow_server_may_take_its_time(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    def slow(handler: archive_server.Handler, body: bytes, before: int) -> None:
        handler.begin(200, len(body))
        for index in range(8):
            handler.wfile.write(body[index * len(body) // 8 : (index + 1) * len(body) // 8])
            time.sleep(0.1)

    server.behaviours[NAME] = slow
    assert download(Cache(tmp_path), [url], sha256=SHA256).read_bytes() == BODY


@pytest.mark.parametrize("again", [archive_server.serve, archive_server.without_ranges])
def test_a_killed_download_goes_on(
    tmp_path: Path, server: ArchiveServer, url: str, again: archive_server.Behaviour
) -> None:
    server.behaviours[NAME] = archive_server.stall
    script = (
        "import sys; from pathlib import Path; from hatch_wasi.cache import Cache; from hatch_wasi.fetch import download\n"
        "download(Cache(Path(sys.argv[1])), [sys.argv[2]], sha256=sys.argv[3])"
    )
    child = subprocess.Popen([sys.executable, "-c", script, tmp_path, url, SHA256])
    deadline = time.monotonic() + 60
    while not (partial(tmp_path).exists() and partial(tmp_path).stat().st_size >= 65536):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    have = partial(tmp_path).stat().st_size
    server.behaviours[NAME] = again
    path = download(Cache(tmp_path), [url], sha256=SHA256)
    assert path.read_bytes() == BODY
    assert server.requests == [(NAME, None), (NAME, f"bytes={have}-")]
    assert kept(tmp_path) == [path.name]


@pytest.mark.parametrize(
    "left", [b"of another file", BODY, BODY + b"more"], ids=["another file's", "all of it", "too much"]
)
def test_what_was_left_is_not_trusted(tmp_path: Path, server: ArchiveServer, url: str, left: bytes) -> None:
    path = download(begun(tmp_path, left), [url], sha256=SHA256)
    assert path.read_bytes() == BODY
    assert kept(tmp_path) == [path.name]
    assert len(server.requests) == (1 if left == BODY else 2)


def test_the_next_address_serves_when_the_first_does_not(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    urls = ["http://127.0.0.1:1/archive-1.0+m.tar", f"{server.url}/missing.tar", url]
    assert download(Cache(tmp_path), urls, sha256=SHA256).read_bytes() == BODY


@pytest.mark.parametrize(
    ("behaviour", "reason", "count"),
    [
        ("cut_at_once", r"the transfer broke off \(IncompleteRead.*\) \(5 attempts\)", 5),
        ("stall", r"nothing came for 0\.5 s \(3 attempts\)", 3),
        ("busy", r"HTTP status 503 \(4 attempts\)", 4),
        ("round_and_round", "too many redirects", 6),
    ],
)
def test_hopeless_servers_are_given_up(
    tmp_path: Path, server: ArchiveServer, url: str, behaviour: str, reason: str, count: int
) -> None:
    server.behaviours[NAME] = getattr(archive_server, behaviour)
    with pytest.raises(FetchError, match=reason) as caught:
        download(Cache(tmp_path), [url], sha256=SHA256)
    assert caught.value.message.startswith(f"{NAME} cannot be fetched: {url}: ")
    assert "HATCH_WASI_MIRROR" in str(caught.value.hint)
    assert len(server.requests) == count
    assert f"{SHA256}-{NAME}" not in kept(tmp_path)


def test_a_missing_file_is_asked_for_once(tmp_path: Path, server: ArchiveServer) -> None:
    with pytest.raises(FetchError, match=r"missing\.tar: HTTP status 404"):
        download(Cache(tmp_path), [f"{server.url}/missing.tar"], sha256=SHA256)
    assert len(server.requests) == 1


def test_another_file_is_not_kept(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    with pytest.raises(FetchError, match=f"sha256 is {SHA256}, not the pinned 0000"):
        download(Cache(tmp_path), [url], sha256="0" * 64)
    assert kept(tmp_path) == []
    assert len(server.requests) == 1


def test_a_server_that_never_stops_is_cut_off(
    tmp_path: Path, server: ArchiveServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MAX_SIZE", 100_000)
    with pytest.raises(FetchError, match="were sent"):
        download(Cache(tmp_path), [url], sha256=SHA256)
    assert len(server.requests) == 1


def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    cache = Cache(tmp_path)
    path = download(cache, [url], sha256=SHA256)
    path.write_bytes(b"damaged")
    assert download(cache, [url], sha256=SHA256).read_bytes() == BODY


def test_an_unreachable_host_is_tried_once(tmp_path: Path, server: ArchiveServer) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(FetchError, match=rf"{address}/a\.tar: .*Connection refused"):
            download(Cache(tmp_path), [f"{address}/a.tar"], sha256=SHA256)
        # Whoever asked now would be connected.
        listener.listen()
        listener.setblocking(False)
        with pytest.raises(FetchError, match=rf"{address}/b\.tar: .*Connection refused"):
            download(Cache(tmp_path), [f"{address}/b.tar"], sha256=SHA256)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.usefixtures("server")
def test_a_name_that_cannot_be_resolved(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"archives\.invalid/a\.tar: its name cannot be resolved"):
        download(Cache(tmp_path), ["http://archives.invalid/a.tar"], sha256=SHA256)


@pytest.mark.usefixtures("server")
def test_name_servers_that_do_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, asked = threading.Event(), []
    monkeypatch.setattr(network, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *_: asked.append(name) or ended.wait())
    for _ in range(2):
        with pytest.raises(FetchError, match=r"the name archives\.invalid was not resolved within 0\.1 s"):
            download(Cache(tmp_path), ["http://archives.invalid/a.tar"], sha256=SHA256)
    ended.set()
    assert asked == ["archives.invalid"]


@pytest.mark.usefixtures("server")
def test_a_host_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that accepts nobody: once its queue is full, the kernel drops what comes."""
    monkeypatch.setattr(network, "CONNECT_SECONDS", 0.3)
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.tar"
        for _ in range(2):
            with pytest.raises(FetchError, match=r"a\.tar: no connection within 0\.3 s"):
                download(Cache(tmp_path), [url], sha256=SHA256)


@pytest.mark.usefixtures("server")
def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="Not supported URL scheme gopher"):
        download(Cache(tmp_path), ["gopher://127.0.0.1/a.tar"], sha256=SHA256)


class TestProxy:
    def test_it_is_asked(self, tmp_path: Path, server: ArchiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", server.url.replace("//", "//user:se%40cret@"))
        path = download(Cache(tmp_path), [f"http://archives.invalid/{NAME}"], sha256=SHA256)
        assert path.read_bytes() == BODY
        assert server.headers[0]["host"] == "archives.invalid"
        assert base64.b64decode(server.headers[0]["proxy-authorization"].split()[1]) == b"user:se@cret"

    @pytest.mark.usefixtures("server")
    def test_one_that_is_down_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "user:secret@127.0.0.1:1")
        with pytest.raises(FetchError, match=r"the proxy cannot be used \(.*Connection refused\)") as caught:
            download(Cache(tmp_path), [f"http://me:secret@archives.invalid/{NAME}"], sha256=SHA256)
        assert "secret" not in caught.value.render()

    @pytest.mark.usefixtures("server")
    def test_one_of_an_unknown_kind_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "socks9://127.0.0.1:1")
        with pytest.raises(FetchError, match="Proxy URL had unsupported scheme socks9"):
            download(Cache(tmp_path), [f"http://archives.invalid/{NAME}"], sha256=SHA256)


class TestMirror:
    UPSTREAM = (f"http://archives.invalid/v1/{NAME}",)

    def test_a_base_address(self, tmp_path: Path, server: ArchiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HATCH_WASI_MIRROR", f"{server.url}/mirror/")
        assert download(Cache(tmp_path), self.UPSTREAM, sha256=SHA256).read_bytes() == BODY
        assert server.requests == [(NAME, None)]

    @pytest.mark.parametrize("name", [NAME, f"{SHA256}-{NAME}"])
    @pytest.mark.parametrize("form", ["{}", "file://{}"])
    def test_a_folder_also_offline(
        self, tmp_path: Path, server: ArchiveServer, monkeypatch: pytest.MonkeyPatch, name: str, form: str
    ) -> None:
        folder = tmp_path / "my mirror"
        folder.mkdir()
        (folder / name).write_bytes(BODY)
        monkeypatch.setenv("HATCH_WASI_MIRROR", form.format(folder))
        monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
        path = download(Cache(tmp_path), [f"{server.url}/{NAME}"], sha256=SHA256)
        assert path.read_bytes() == BODY
        assert server.requests == []
        assert (folder / name).read_bytes() == BODY

    def test_one_with_another_file_is_passed_over(
        self, tmp_path: Path, server: ArchiveServer, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / NAME).write_bytes(b"another")
        monkeypatch.setenv("HATCH_WASI_MIRROR", str(tmp_path))
        assert download(Cache(tmp_path / "cache"), [url], sha256=SHA256).read_bytes() == BODY
        monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
        with pytest.raises(FetchError, match=rf"{tmp_path}/.*: sha256 is .*; it is not in the cache, and the network"):
            download(Cache(tmp_path / "other"), [url], sha256=SHA256)

    def test_one_that_lacks_the_file_says_so(
        self, tmp_path: Path, server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HATCH_WASI_MIRROR", str(tmp_path))
        with pytest.raises(FetchError, match=rf"HATCH_WASI_MIRROR={tmp_path} has no such file; http://127.*404"):
            download(Cache(tmp_path / "cache"), [f"{server.url}/missing.tar"], sha256=SHA256)


@pytest.mark.parametrize("mirror", ["", "{}/mirror"])
def test_offline_never_asks(
    tmp_path: Path, server: ArchiveServer, url: str, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    monkeypatch.setenv("HATCH_WASI_MIRROR", mirror.format(server.url))
    with pytest.raises(FetchError, match="offline"):
        download(Cache(tmp_path), [url], sha256=SHA256)
    assert server.requests == []


def test_what_happens_is_told(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    server.behaviours[NAME] = archive_server.cut
    lines: list[str] = []
    download(Cache(tmp_path), [url], sha256=SHA256, console=Console(verbosity=1, write=lines.append))
    assert [line.partition(" (")[0] for line in lines] == [f"{url}: the transfer broke off"] * 2
    assert all(line.endswith("; trying again") for line in lines)


def test_a_full_disk_ends_it_and_the_next_goes_on(tmp_path: Path, server: ArchiveServer, url: str) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path; from hatch_wasi.cache import Cache\n"
        "from hatch_wasi.errors import CacheError; from hatch_wasi.fetch import download\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try: download(Cache(Path(sys.argv[1])), [sys.argv[2]], sha256=sys.argv[3])\n"
        "except CacheError as error: print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path, url, SHA256],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout == f"files in {tmp_path}/downloads may not grow so large (see ulimit -f): File too large\n"
    assert download(Cache(tmp_path), [url], sha256=SHA256).read_bytes() == BODY
