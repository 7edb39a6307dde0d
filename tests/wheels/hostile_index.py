"""Two servers on loopback, an index and another host, whose answers are given one by one."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class Host:
    """What one server answers, and what it was asked."""

    url: str = ""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Authorization header of each request."""

    def page(self, project: str, *links: str, base: str = "") -> None:
        """Answer for a project's page with anchors `ADDRESS` or `ATTRIBUTES|ADDRESS`."""
        anchors = ""
        for link in links:
            attributes, _, address = link.rpartition("|")
            name = urlsplit(address).path.rpartition("/")[2]
            anchors += f'<a {attributes} href="{address}">{name}</a>\n'
        head = f'<base href="{base}">' if base else ""
        text = f"<!DOCTYPE html><html><head>{head}</head><body>{anchors}</body></html>"
        self.answers[f"/simple/{project}/"] = (200, {"Content-Type": "text/html"}, text.encode())

    def file(self, path: str, content: bytes, **headers: str) -> str:
        """Answer with a file, and give its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (200, {"Content-Type": "application/octet-stream", **named}, content)
        return f"{self.url}{path}"

    def redirect(self, path: str, target: str) -> str:
        """Answer with a redirect, and give its address."""
        self.answers[path] = (302, {"Location": target}, b"")
        return f"{self.url}{path}"


class Handler(BaseHTTPRequestHandler):
    def __init__(self, *args: object, host: Host) -> None:
        self._host = host
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._host.asked.append((self.path, self.headers["Authorization"]))
        status, headers, content = self._host.answers.get(self.path.partition("?")[0], (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Host]:
    """Serve while the block runs, by TLS if there is a file with a certificate and its key."""
    host = Host()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, host=host))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    host.url = f"http{'s' * bool(certificate)}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
