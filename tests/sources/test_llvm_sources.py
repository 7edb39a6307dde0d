"""LLVM's sources from a file, a folder, a server, a repository and the distribution's package kept from before."""

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from git_repositories import commit

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.sources import llvm

VERSION = "if(NOT DEFINED LLVM_VERSION_MAJOR)\n  set(LLVM_VERSION_MAJOR 22)\nendif()\n"
VERSION += "  set(LLVM_VERSION_MINOR 1)\n  set(LLVM_VERSION_PATCH 8)\n"
TREE = {
    llvm.VERSION_FILE: VERSION,
    "libcxx/CMakeLists.txt": "libcxx",
    "libcxx/src/a.cpp": "a",
    "libcxx-other/b.cpp": "b",
    "clang/big.cpp": "big",
}
PARTS = ("libcxx/src", "cmake", "libcxx/CMakeLists.txt")
TAKEN = {"cmake/Modules/LLVMVersion.cmake": VERSION, "libcxx/CMakeLists.txt": "libcxx", "libcxx/src/a.cpp": "a"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "served" / "llvm-project-22.1.8.src.tar.xz"
    path.parent.mkdir()
    with tarfile.open(path, "w:xz") as tar:
        for name, text in TREE.items():
            info = tarfile.TarInfo(f"llvm-project-22.1.8.src/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def repin(monkeypatch: pytest.MonkeyPatch, **pin: str) -> None:
    """Pin what a test serves in the place of upstream's."""
    release = {"version": "22.1.8", "sha256": "0" * 64, "commit": "0" * 40}
    release |= {name: value for name, value in pin.items() if name in release}
    places = {"url": "http://127.0.0.1:9/x-{version}.tar.xz", "git": "http://127.0.0.1:9/x.git"}
    places |= {name: value for name, value in pin.items() if name in places}
    table = {**places, "releases": {"22": release}}
    monkeypatch.setattr(pins, "table", lambda name: table if name == "llvm" else {"debian": [], "ubuntu": []})


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def server(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_is_pinned() -> None:
    table = pins.table("llvm")
    for major, pin in table["releases"].items():
        assert pin["version"].startswith(f"{major}.")
        assert (len(pin["sha256"]), len(pin["commit"])) == (64, 40)
    assert table["url"].format(version="22.1.8").endswith("/llvmorg-22.1.8/llvm-project-22.1.8.src.tar.xz")


def test_upstreams_archive_comes_first(
    tmp_path: Path, archive: Path, cache: Cache, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    repin(monkeypatch, url=server + "/llvm-project-{version}.src.tar.xz", sha256=digest)
    source = llvm.find(cache, Console(), 22)
    assert (source.version, source.identity) == ("22.1.8", digest)
    assert source.origin == f"{server}/{archive.name}"
    source.unpack(tmp_path / "tree", PARTS)
    assert files(tmp_path / "tree") == TAKEN


def test_git_serves_where_the_archive_does_not(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    name = commit(tmp_path / "repository", TREE)
    repin(monkeypatch, git=(tmp_path / "repository").as_uri(), commit=name)
    source = llvm.find(cache, Console(), 22)
    assert (source.version, source.identity, source.path) == ("22.1.8", name, None)
    source.unpack(tmp_path / "tree", PARTS, log=tmp_path / "log")
    assert files(tmp_path / "tree") == TAKEN


def test_a_local_archive_or_tree_serves_and_nothing_else(
    tmp_path: Path, archive: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(llvm.VARIABLE, str(archive))
    source = llvm.find(cache, Console(), 22)
    assert source.identity == hashlib.sha256(archive.read_bytes()).hexdigest()
    source.unpack(tmp_path / "tree", [*PARTS, "libcxx-other"])
    (tmp_path / "tree" / "libcxx" / "src" / ".git").mkdir()
    monkeypatch.setenv(llvm.VARIABLE, str(tmp_path / "tree"))
    source = llvm.find(cache, Console(), 22)
    assert (source.version, source.identity, source.origin) == ("22.1.8", "tree", "local tree")
    source.unpack(tmp_path / "copy", PARTS)
    assert files(tmp_path / "copy") == TAKEN
    assert not (tmp_path / "copy" / "libcxx" / "src" / ".git").exists()
    with pytest.raises(ToolchainError, match=r"is LLVM 22\.1\.8; the compiler's own version is needed, 19"):
        llvm.find(cache, Console(), 19)
    monkeypatch.setenv(llvm.VARIABLE, str(tmp_path / "served"))
    with pytest.raises(ToolchainError, match="not an archive or tree of llvm-project's sources"):
        llvm.find(cache, Console(), 22)


def test_a_part_that_is_missing_is_named_and_leaves_nothing(
    tmp_path: Path, archive: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(llvm.VARIABLE, str(archive))
    with pytest.raises(FetchError, match="has no libunwind"):
        llvm.find(cache, Console(), 22).unpack(tmp_path / "tree", [*PARTS, "libunwind"])
    assert not (tmp_path / "tree").exists()


def test_the_distributions_archive_is_kept(
    tmp_path: Path, archive: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    kept = cache.folder("downloads") / f"{digest}-llvm-toolchain-22_22.1.8.orig.tar.xz"
    kept.write_bytes(archive.read_bytes())
    source = llvm.find(cache, Console(), 22)
    assert (source.version, source.identity) == ("22.1.8", digest)
    assert str(tmp_path) not in source.origin
    kept.write_bytes(b"damaged")
    with pytest.raises(ToolchainError, match=r"upstream: .*offline.*; git: offline.*; distribution: offline") as caught:
        llvm.find(cache, Console(), 22)
    assert llvm.VARIABLE in str(caught.value.hint)


def test_a_version_without_a_pin_says_so(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(ToolchainError, match=r"no source of LLVM 7: upstream: no release of LLVM 7 is pinned"):
        llvm.find(cache, Console(), 7)
