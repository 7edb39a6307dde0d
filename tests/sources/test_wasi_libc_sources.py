"""wasi-libc's sources from a file, a folder, a repository, and the distribution's package kept from before."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest
from git_repositories import commit, git

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import sha256_of
from hatch_wasi.sources import wasi_libc
from hatch_wasi.sources.apt import parse_madison
from hatch_wasi.sources.machine import Distribution, Mirror
from hatch_wasi.sources.wasi_libc import VARIABLE, commit_in, find, local, order

FILES = {"Makefile": "all:", "libc-bottom-half/a.c": "a", "libc-top-half/musl/b.c": "b"}
COMMIT = "b9ef79d7dbd47c6c5bafdae760823467c2f60b70"


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def pack(path: Path, top: str, files: dict[str, str] = FILES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, f"w:{path.suffix[1:]}") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_is_pinned() -> None:
    table = pins.table("wasi-libc-sources")
    for release, pin in table["releases"].items():
        assert len(pin["commit"]) == 40
        assert pins.release_of_wasi_libc(pin["commit"][:7]) == release
    assert {pins.cpython(short).sdk for short in pins.supported_pythons()} <= table["releases"].keys()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"wasi-libc-{COMMIT}.tar.gz", "b9ef79d"),
        ("0.0~git20260129.ec0effd-3~bpo13+1", "ec0effd"),
        ("wasi-libc-wasi-sdk-24", None),
        (f"{'a' * 64}-archive", None),
    ],
)
def test_names_tell_the_commit(name: str, found: str | None) -> None:
    assert commit_in(name) == found


def test_the_nearest_release_is_taken() -> None:
    versions = [
        "0.0~git20260423.161b319-2",
        "0.0~git20260129.ec0effd-3~bpo13+1",
        "0.0~git20241209.574b88d-2",
        "0.0~git20260101.aaaaaaa-1",
        "0.0~git20250101.bbbbbbb-1",
        "0.0~git20220510.9886d3d-2",
        "1.0-1",
    ]
    assert [commit_in(version) for version in order(versions, "24", 20240801)] == [
        "574b88d", "ec0effd", "161b319", "aaaaaaa", "bbbbbbb",
    ]  # fmt: skip
    assert commit_in(order(versions, "33", 20240801)[0]) == "161b319"


def test_source_packages_are_told_from_binary_ones() -> None:
    text = (
        " wasi-libc | 2-1 | http://mirror.example forky/main amd64 Packages\n"
        " wasi-libc | 1-1 | http://mirror.example trixie/main Sources\n"
    )
    assert (parse_madison(text), parse_madison(text, sources=True)) == (["2-1"], ["1-1"])
    mirrors = (
        Mirror("http://mirror.example", "trixie", ("main",)),
        Mirror("http://sec.example", "trixie-security", ("main",)),
    )
    backports = Distribution(id="debian", codename="trixie", mirrors=mirrors, keyring=None).backports()
    assert (backports.codename, backports.mirrors) == (
        "trixie-backports",
        (Mirror("http://mirror.example", "trixie-backports", ("main",)),),
    )


def test_a_local_archive(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(tmp_path / "download.gz", f"wasi-libc-{COMMIT}")
    monkeypatch.setenv(VARIABLE, str(archive))
    source = find(cache, Console(), "24")
    assert (source.commit, source.release, source.identity) == ("b9ef79d", "24", sha256_of(archive))
    assert str(tmp_path) not in source.origin
    source.unpack(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES


def test_a_local_tree(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "my wasi-libc"
    made = commit(tree, FILES)
    monkeypatch.setenv(VARIABLE, str(tree))
    source = find(cache, Console(), "24")
    assert (source.commit, source.origin) == (made[:7], "local tree")
    git(tree, "checkout", "--quiet", "--detach")
    assert find(cache, Console(), "24") == source
    source.unpack(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    (tree / "libc-top-half" / "musl" / "b.c").write_text("changed")
    assert find(cache, Console(), "24").identity != source.identity


@pytest.mark.parametrize("missing", ["libc-bottom-half", "libc-top-half"])
def test_a_tree_without_its_submodules_or_of_something_else_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    files = {name: text for name, text in FILES.items() if not name.startswith(missing)}
    monkeypatch.setenv(VARIABLE, str(pack(tmp_path / "x.gz", "x", files)))
    source = local()
    assert source is not None
    with pytest.raises(FetchError, match=f"is not wasi-libc's sources: it has no {missing}"):
        source.unpack(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_that_is_named_and_missing_is_an_error(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ToolchainError, match=f"{VARIABLE} names .*none, which does not exist"):
        find(cache, Console(), "24")


def test_git_at_the_pinned_commit(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HATCH_WASI_OFFLINE", raising=False)
    repository = tmp_path / "upstream"
    pinned = commit(repository, FILES)
    commit(repository, {"Makefile": "newer"})
    table = {"git": repository.as_uri(), "url": "http://127.0.0.1:9/{commit}", "releases": {"24": {"commit": pinned}}}
    monkeypatch.setattr(pins, "table", lambda name: table if name == "wasi-libc-sources" else {})
    source = find(cache, Console(), "24")
    assert (source.commit, source.identity) == (pinned[:7], pinned)
    source.unpack(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    with pytest.raises(FetchError, match="wasi-sdk 25's wasi-libc is not pinned"):
        wasi_libc._git(cache, Console(), "25")


def test_an_archive_is_fetched_where_its_hash_is_pinned(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path / "mirror" / f"wasi-libc-{COMMIT}.tar.gz", f"wasi-libc-{COMMIT}")
    table = {**pins.table("wasi-libc-sources"), "releases": {"24": {"commit": COMMIT, "sha256": sha256_of(archive)}}}
    monkeypatch.setattr(pins, "table", lambda name: table)
    monkeypatch.setattr(pins, "release_of_wasi_libc", {"b9ef79d": "24"}.get)
    monkeypatch.setenv("HATCH_WASI_MIRROR", str(archive.parent))
    source = find(cache, Console(), "24")
    assert (source.commit, source.release, source.identity) == ("b9ef79d", "24", sha256_of(archive))
    assert source.origin.startswith("https://github.com/WebAssembly/wasi-libc/archive/")


def test_offline_what_was_kept_serves_while_it_is_whole(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(ToolchainError) as caught:
        find(cache, Console(), "24")
    for name in ("upstream: ", "git: offline", "distribution: offline"):
        assert name in caught.value.message
    assert VARIABLE in str(caught.value.hint)
    for version in ("0.0~git20260423.161b319", "0.0~git20241209.574b88d"):
        made = pack(tmp_path / f"wasi-libc_{version}.orig.tar.xz", f"wasi-libc-{version}", {**FILES, "v": version})
        shutil.move(made, cache.folder("downloads") / f"{sha256_of(made)}-{made.name}")
    source = find(cache, Console(), "24")
    assert (source.commit, source.release) == ("574b88d", "25")
    assert source.path is not None
    with source.path.open("ab") as file:
        file.write(b"more")
    assert find(cache, Console(), "24").commit == "161b319"
