"""Where the sources of python.wasm's libraries come from."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.sources import libraries
from hatch_wasi.sources.libraries import find, version_of
from hatch_wasi.sources.original import Originals

QUIET = Console(write=lambda text: None)
HEADERS = {
    "zlib": ("zlib.h", '#define ZLIB_VERSION "1.3.1"\n', "1.3.1"),
    "bz2": ("bzlib_private.h", '#define BZ_VERSION  "1.0.8, 13-Jul-2019"\n', "1.0.8"),
    "lzma": (
        "src/liblzma/api/lzma/version.h",
        "#define LZMA_VERSION_MAJOR 5\n#define LZMA_VERSION_MINOR 8\n#define LZMA_VERSION_PATCH 1\n",
        "5.8.1",
    ),
    "sqlite3": ("sqlite3.h", '#define SQLITE_VERSION        "3.50.4"\n', "3.50.4"),
    "zstd": (
        "lib/zstd.h",
        "#define ZSTD_VERSION_MAJOR    1\n#define ZSTD_VERSION_MINOR    5\n#define ZSTD_VERSION_RELEASE  7\n",
        "1.5.7",
    ),
}


def make_archive(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


class Package(Originals):
    """A distribution whose source packages all have one original archive."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, package, accept):
        return accept(self.path, "0" * 64, f"debian sid: {package}")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    monkeypatch.delenv("HATCH_WASI_MIRROR", raising=False)


@pytest.mark.parametrize("name", HEADERS)
def test_the_version_is_read_from_the_sources(tmp_path: Path, name: str) -> None:
    header, text, version = HEADERS[name]
    assert version_of(name, make_archive(tmp_path / "a.tar.gz", {header: text})) == version
    with pytest.raises(FetchError, match="tells no version"):
        version_of(name, make_archive(tmp_path / "b.tar.gz", {header: "nothing\n"}))


def test_every_library_is_pinned_whole() -> None:
    assert set(pins.table("library")) == set(HEADERS) == set(libraries.VERSIONS)
    for pin in pins.table("library").values():
        assert len(pin["sha256"]) == 64
        assert all(url.startswith("https://") for url in pin["urls"])


def test_a_mirror_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    archive = make_archive(tmp_path / "mirror" / "zlib-1.3.1.tar.gz", {"zlib.h": ""})
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(pins, "table", lambda _: {"zlib": PIN | {"sha256": sha256}})
    monkeypatch.setenv("HATCH_WASI_MIRROR", str(tmp_path / "mirror"))
    cache = Cache(tmp_path / "cache")
    source = find(cache, QUIET, "zlib", Originals(cache))
    assert (source.version, source.sha256, source.path.read_bytes()) == ("1.3.1", sha256, archive.read_bytes())
    source.unpack(tmp_path / "tree")
    assert (tmp_path / "tree" / "zlib.h").is_file()


PIN = {
    "version": "1.3.1",
    "urls": ["https://example.invalid/zlib-1.3.1.tar.gz"],
    "sha256": "f" * 64,
    "package": "zlib",
    "oldest": "1.3",
}


def test_the_distribution_serves_from_a_version_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "table", lambda _: {"zlib": PIN})
    cache = Cache(tmp_path / "cache")
    new = make_archive(tmp_path / "new.tar.gz", {"zlib.h": '#define ZLIB_VERSION "1.3.2"\n'})
    assert find(cache, QUIET, "zlib", Package(new)).version == "1.3.2"
    old = make_archive(tmp_path / "old.tar.gz", {"zlib.h": '#define ZLIB_VERSION "1.2.13"\n'})
    with pytest.raises(ToolchainError, match=r"zlib 1\.2\.13 is older than 1\.3"):
        find(cache, QUIET, "zlib", Package(old))


def test_without_any_source_every_reason_is_told(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    with pytest.raises(ToolchainError) as caught:
        find(cache, QUIET, "lzma", Originals(cache))
    text = caught.value.render()
    assert "no source of the library lzma: upstream: xz-5.8.1.tar.gz" in text
    assert "distribution: offline" in text
    assert "HATCH_WASI_MIRROR" in text
