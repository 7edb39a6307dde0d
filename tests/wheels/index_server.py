"""A package index on loopback: folders of files, listed as http.server does, which is all that PEP 503 asks for."""

import base64
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO


class Handler(SimpleHTTPRequestHandler):
    """Says nothing, and serves only those who know the `login`, if there is one."""

    def __init__(self, *args: object, login: str = "", **options: object) -> None:
        self._login = "Basic " + base64.b64encode(login.encode()).decode() if login else ""
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        if self._login and self.headers.get("Authorization") != self._login:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


class Index:
    """What is served: `folder/NAME/FILE` as `url/NAME/`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def add(self, *files: Path) -> None:
        """Move files to where their names say."""
        for file in files:
            name = file.name.split("-")[0].lower().replace("_", "-").replace(".", "-")
            (self.folder / name).mkdir(exist_ok=True)
            file.rename(self.folder / name / file.name)


@contextmanager
def serving(folder: Path, login: str = "") -> Iterator[Index]:
    """Serve `folder` while the block runs, to all or to those who know the `login`, `USER:PASSWORD`."""
    folder.mkdir(exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder), login=login))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Index(folder, f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
