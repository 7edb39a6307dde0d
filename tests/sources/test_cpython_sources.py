"""CPython's sources from a file, a folder and a server."""

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError
from hatch_wasi.pins import CPythonPin
from hatch_wasi.sources.cpython import find, version_of

PATCHLEVEL = b'#define PY_MAJOR_VERSION 3\n#define PY_VERSION      \t"3.13.7+"\n'


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    path = tmp_path / "served" / "Python-3.13.7.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        info = tarfile.TarInfo("Python-3.13.7/Include/patchlevel.h")
        info.size = len(PATCHLEVEL)
        tar.addfile(info, io.BytesIO(PATCHLEVEL))
    return path


@pytest.fixture
def pin(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CPythonPin]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield CPythonPin(
            version="3.13.7",
            url=f"http://127.0.0.1:{server.server_port}/{archive.name}",
            sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
            sdk="24",
        )
        server.shutdown()


def test_upstream_serves_the_pinned_archive(tmp_path: Path, pin: CPythonPin) -> None:
    source = find(Cache(tmp_path / "cache"), Console(), pin)
    assert (source.version, source.origin, source.sha256) == ("3.13.7", pin.url, pin.sha256)
    source.unpack(tmp_path / "tree")
    assert (tmp_path / "tree" / "Include" / "patchlevel.h").read_bytes() == PATCHLEVEL


def test_without_the_network_a_fetched_archive_still_serves(
    tmp_path: Path, pin: CPythonPin, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(Cache(tmp_path / "cache"), Console(), pin)
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    assert find(Cache(tmp_path / "cache"), Console(), pin).sha256 == pin.sha256
    with pytest.raises(ToolchainError, match=r"upstream: .*offline.*; distribution: offline") as caught:
        find(Cache(tmp_path / "empty"), Console(), pin)
    assert "HATCH_WASI_CPYTHON_SOURCE" in str(caught.value.hint)


def test_a_mirror_serves(tmp_path: Path, archive: Path, pin: CPythonPin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_MIRROR", str(archive.parent))
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    assert find(Cache(tmp_path / "cache"), Console(), pin).sha256 == pin.sha256


def test_a_local_archive_or_tree_serves(
    tmp_path: Path, archive: Path, pin: CPythonPin, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    monkeypatch.setenv("HATCH_WASI_CPYTHON_SOURCE", str(archive))
    source = find(cache, Console(), pin)
    assert (source.version, source.sha256) == ("3.13.7", pin.sha256)
    assert str(tmp_path) not in source.origin
    source.unpack(tmp_path / "tree")
    (tmp_path / "tree" / ".git").mkdir()
    monkeypatch.setenv("HATCH_WASI_CPYTHON_SOURCE", str(tmp_path / "tree"))
    source = find(cache, Console(), pin)
    assert (source.version, source.origin, source.sha256) == ("3.13.7", "local tree", None)
    source.unpack(tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["Include"]


def test_what_is_not_cpython_is_refused(tmp_path: Path, pin: CPythonPin, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    for path in (tmp_path, tmp_path / "missing.tar.xz"):
        monkeypatch.setenv("HATCH_WASI_CPYTHON_SOURCE", str(path))
        with pytest.raises(ToolchainError, match="is not a CPython source archive or tree"):
            find(cache, Console(), pin)
    other = CPythonPin(version="3.14.0", url=pin.url, sha256=pin.sha256, sdk="24")
    monkeypatch.setenv("HATCH_WASI_CPYTHON_SOURCE", str(tmp_path / "served" / "Python-3.13.7.tar.xz"))
    with pytest.raises(ToolchainError, match=r"is CPython 3\.13\.7, not 3\.14"):
        find(cache, Console(), other)


def test_version_of() -> None:
    assert version_of('#define PY_VERSION  "3.14.0rc1"\n') == "3.14.0rc1"


def test_a_python_without_a_pinned_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    pin = CPythonPin(version="3.15", sdk="33")
    with pytest.raises(ToolchainError, match=r"no release of 3\.15 is pinned; distribution: offline") as caught:
        find(Cache(tmp_path / "cache"), Console(), pin)
    assert "Python-3.15.x.tar.xz" in caught.value.render()
