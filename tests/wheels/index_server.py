"""A package index on loopback: folders of files, listed as http.server does, which is all that PEP 503 asks for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(SimpleHTTPRequestHandler):
    """Says nothing."""

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
def serving(folder: Path) -> Iterator[Index]:
    """Serve `folder` while the block runs."""
    folder.mkdir(exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Index(folder, f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
