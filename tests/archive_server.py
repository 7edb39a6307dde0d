"""A server of archives on loopback that behaves as it is told, and remembers what it was asked."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Behaviour = Callable[["Handler", bytes, int], None]
"""Answers one request: the handler, the file's bytes, and how often this file was asked for before."""


@dataclass
class ArchiveServer:
    """Serves `files`, by their names in any folder, each by its behaviour."""

    files: dict[str, bytes] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """By file name; `serve` for those that are not listed."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Name and Range header of each."""
    headers: list[dict[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: whoever stalls, ends."""
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    archives: ArchiveServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        archives = self.archives
        name = unquote(urlsplit(self.path).path.rpartition("/")[2])
        before = sum(asked == name for asked, _ in archives.requests)
        archives.requests.append((name, self.headers["Range"]))
        archives.headers.append({key.lower(): value for key, value in self.headers.items()})
        self.close_connection = True
        archives.behaviours.get(name, serve)(self, archives.files.get(name, b""), before)

    def begin(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def first(self) -> int:
        """The first byte that is asked for."""
        return int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def log_message(self, *_: object) -> None:
        pass


def serve(handler: Handler, body: bytes, before: int, *, until: int | None = None) -> None:
    """As a good server does, ranges included; of the body only the bytes before `until`."""
    first = handler.first()
    if not body:
        handler.begin(404, 0)
    elif first >= len(body):
        handler.begin(416, 0, Content_Range=f"bytes */{len(body)}")
    elif first:
        handler.begin(206, len(body) - first, Content_Range=f"bytes {first}-{len(body) - 1}/{len(body)}")
    else:
        handler.begin(200, len(body))
    handler.wfile.write(body[first:until])


def without_ranges(handler: Handler, body: bytes, before: int) -> None:
    handler.begin(200, len(body))
    handler.wfile.write(body)


def cut(handler: Handler, body: bytes, before: int) -> None:
    """The first two times, only a part."""
    serve(handler, body, before, until=len(body) * (before + 1) // 3 if before < 2 else None)


def cut_at_once(handler: Handler, body: bytes, before: int) -> None:
    """Never more than the first half, and no ranges."""
    handler.begin(200, len(body))
    handler.wfile.write(body[: len(body) // 2])


def reset(handler: Handler, body: bytes, before: int) -> None:
    """The first time, the connection is torn down without an answer."""
    if before:
        serve(handler, body, before)
    else:
        # Linger of 0 seconds: the other side gets a reset.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.shutdown(socket.SHUT_RD)


def stall_once(handler: Handler, body: bytes, before: int) -> None:
    if before:
        serve(handler, body, before)
    else:
        stall(handler, body, before)


def stall(handler: Handler, body: bytes, before: int) -> None:
    """Half of the body (or nothing, from there on), then silence."""
    serve(handler, body, before, until=len(body) // 2)
    handler.wfile.flush()
    handler.archives.ended.wait()


def busy_once(handler: Handler, body: bytes, before: int) -> None:
    if before:
        serve(handler, body, before)
    else:
        handler.begin(503, 0)


def busy(handler: Handler, body: bytes, before: int) -> None:
    handler.begin(503, 0)


def moved(handler: Handler, body: bytes, before: int) -> None:
    """As GitHub does: to another address, with a query."""
    handler.begin(302, 0, Location=f"{handler.archives.url}/storage/moved-here.tar?token=1")


def round_and_round(handler: Handler, body: bytes, before: int) -> None:
    handler.begin(302, 0, Location=handler.path)


@contextmanager
def running() -> Iterator[ArchiveServer]:
    archives = ArchiveServer()
    handler = type("ThisHandler", (Handler,), {"archives": archives})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        archives.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield archives
        finally:
            archives.ended.set()
            server.shutdown()
