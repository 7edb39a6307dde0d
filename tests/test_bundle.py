"""A toolchain in one file: the same bytes each time, and taken in whole or not at all."""

import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bundles
import pytest

from hatch_wasi import bundle, contents
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.cpython import build_python, recipe
from hatch_wasi.errors import CacheError, FetchError
from hatch_wasi.sources.host import Host
from hatch_wasi.workspace import Workspace

QUIET = Console(write=lambda text: None)


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WASI_SDK_PATH", "HATCH_WASI_SDK", "HATCH_WASI_PYTHON", "HATCH_WASI_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "toolchain.tar.xz"
    toolchain = bundles.make(tmp_path / "first")
    sha256 = bundle.pack(Cache(tmp_path / "first"), QUIET, toolchain, file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    return file


def entries(root: Path) -> list[str]:
    """All that is in a cache and not housekeeping; hidden names too."""
    found = (path.relative_to(root).as_posix() for path in root.glob("*/*"))
    return sorted(name for name in found if not name.startswith(("locks/", "checks/", "downloads/", "logs/")))


def snapshot(root: Path) -> dict[str, contents.Item]:
    return {f"{kind}/{name}": item for kind in ("sdk", "python") for name, item in contents.scan(root / kind).items()}


def call(root: Path, *words: str | Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hatch_wasi", *map(os.fspath, words)],
        env={**os.environ, "HATCH_WASI_CACHE_DIR": str(root), **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_arrives_as_it_left(tmp_path: Path, file: Path) -> None:
    bundle.unpack(Cache(tmp_path / "größe 2"), QUIET, file)
    assert snapshot(tmp_path / "größe 2") == snapshot(tmp_path / "first")
    assert [Cache(tmp_path / "größe 2").damages(path) for path in (tmp_path / "größe 2").glob("[ps]*/*")] == [[], []]
    again = tmp_path / "again.tar.xz"
    toolchain = bundles.make(tmp_path / "größe 2")
    bundle.pack(Cache(tmp_path / "größe 2"), QUIET, toolchain, again)
    assert again.read_bytes() == file.read_bytes()


def test_what_is_there_stays(tmp_path: Path, file: Path) -> None:
    said: list[str] = []
    second = tmp_path / "second"
    bundles.make(second, note="made here")
    before = snapshot(second)
    stamps = {path: path.stat().st_mtime_ns for path in second.glob("*/*/*")}
    bundle.unpack(Cache(second), Console(write=said.append), file)
    assert [line.partition(":")[0] for line in said] == ["Already there", "Already there"]
    assert snapshot(second) == before
    assert {path: path.stat().st_mtime_ns for path in second.glob("*/*/*")} == stamps


def test_what_is_damaged_is_replaced(tmp_path: Path, file: Path) -> None:
    said: list[str] = []
    second = tmp_path / "second"
    bundles.make(second)
    (second / "sdk" / "existing-0" / "notes").write_text("damage")
    bundle.unpack(Cache(second), Console(write=said.append), file)
    assert "Damaged in the cache, to be replaced: sdk/existing-0" in said
    assert "Imported sdk/existing-0" in said
    assert snapshot(second) == snapshot(tmp_path / "first")


def rewritten(file: Path, change: Callable[[tarfile.TarInfo, bytes], list[tuple[tarfile.TarInfo, bytes]]]) -> None:
    """Pack the archive again, each member as `change` gives it."""
    made = io.BytesIO()
    with tarfile.open(file) as old, tarfile.open(fileobj=made, mode="w") as new:
        for member in old:
            opened = old.extractfile(member) if member.isreg() else None
            for info, data in change(member, opened.read() if opened else b""):
                info.size = len(data)
                new.addfile(info, io.BytesIO(data))
    file.write_bytes(lzma.compress(made.getvalue(), preset=0))


def header(file: Path, **fields: object) -> None:
    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if member.name.endswith("/bundle.json"):
            data = json.dumps(json.loads(data) | fields).encode()
        return [(member, data)]

    rewritten(file, change)


def changed(end: str, content: bytes | None, file: Path) -> None:
    """Give the member whose name ends so another content, or leave it out."""

    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if not member.name.endswith(end):
            return [(member, data)]
        return [] if content is None else [(member, content)]

    rewritten(file, change)


def added(file: Path, *, name: str = "hatch-wasi-toolchain/sdk/existing-0/bin/more", **fields: object) -> None:
    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if not member.name.endswith("/bin/clang"):
            return [(member, data)]
        info = tarfile.TarInfo(name)
        for field, value in fields.items():
            setattr(info, field, value)
        return [(member, data), (info, b"")]

    rewritten(file, change)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def forged(name: str, content: bytes, file: Path, *, number: int = 0) -> None:
    """Give an entry's manifest or list another content, and have the header and the list agree with it."""
    with tarfile.open(file) as tar:
        data = {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}
    top = "hatch-wasi-toolchain"
    told = json.loads(data[f"{top}/bundle.json"])
    place = "{kind}/{name}".format(**told["entries"][number])
    data[f"{top}/{place}/{name}"] = content
    if name != contents.NAME:
        items = json.loads(data[f"{top}/{place}/{contents.NAME}"])
        items["contents"][name] |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        data[f"{top}/{place}/{contents.NAME}"] = json.dumps(items).encode()
    told["entries"][number]["contents"] = hashlib.sha256(data[f"{top}/{place}/{contents.NAME}"]).hexdigest()
    data[f"{top}/bundle.json"] = json.dumps(told).encode()
    rewritten(file, lambda info, _: [(info, data.get(info.name, b""))])


def linked(file: Path) -> None:
    """Make the SDK's entry a link to the Python's."""
    name = f"hatch-wasi-toolchain/python/3.13.5-existing-0-{recipe.recipe_id()}"

    def change(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if member.name == "hatch-wasi-toolchain/sdk/existing-0":
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname = tarfile.SYMTYPE, name.replace("hatch-wasi-toolchain", "..")
            return [(info, b"")]
        return [] if "/sdk/" in member.name else [(member, data)]

    rewritten(file, change)


MODE = {"schema": 1, "contents": {"bin/clang": {"kind": "file", "mode": [7], "size": 10, "sha256": "0"}}}
KINDS = [{"kind": kind, "name": "x", "contents": ""} for kind in ("sdk", "python")]
HERE = vars(Host.here())
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no archive": (lambda file: file.write_bytes(b"<html>"), "is not an exported toolchain"),
    "another archive": (partial(changed, "/bundle.json", None), "is not an exported toolchain"),
    "no header": (partial(changed, "/bundle.json", b"[]"), "is not an exported toolchain"),
    "a truncated one": (truncated, "toolchain.tar.xz"),
    "a flipped bit": (flipped, "toolchain.tar.xz"),
    "another form": (partial(header, schema=2), "in a form that this one, .*, does not know"),
    "another system": (partial(header, host=HERE | {"os": "plan9"}), "it is for plan9"),
    "another processor": (partial(header, host=HERE | {"machine": "pdp11"}), "is for .* pdp11, this is"),
    "a newer glibc": (partial(header, host=HERE | {"glibc": "99.1"}), "need glibc 99.1"),
    "another recipe": (partial(header, recipe="0", hatch_wasi="0.0.7"), r"exported by hatch-wasi 0\.0\.7 \(recipe 0\)"),
    "another provider": (partial(header, provider="debian"), "would not use what is in it"),
    "another kind": (partial(header, entries=[*KINDS, {"kind": "locks", "name": "x", "contents": ""}]), "no part of a toolchain: locks/x"),
    "a name that leads out": (partial(header, entries=[*KINDS, {"kind": "sdk", "name": "../x", "contents": ""}]), r"no part .* sdk/\.\./x"),
    "an entry less": (partial(header, entries=[]), "holds no sdk"),
    "a file less": (partial(changed, "/bin/clang", None), "bin/clang: missing"),
    "a changed file": (partial(changed, "/python.wasm", b"\0asm"), "python.wasm: changed"),
    "a changed manifest": (partial(changed, "/manifest.json", b"{}"), "manifest.json: changed"),
    "a changed list": (partial(changed, "/contents.json", b"{}"), "contents.json is not the listed one"),
    "no list": (partial(changed, "/contents.json", None), "contents.json"),
    "a file more": (added, "bin/more: extra"),
    "a link out": (partial(added, type=tarfile.SYMTYPE, linkname="../../../../../etc/passwd"), "toolchain.tar.xz"),
    "an absolute link": (partial(added, type=tarfile.SYMTYPE, linkname="/etc/passwd"), "toolchain.tar.xz"),
    "a device": (partial(added, type=tarfile.CHRTYPE), "toolchain.tar.xz"),
    "a file outside": (partial(added, name="hatch-wasi-toolchain/../../evil"), "toolchain.tar.xz"),
    "an absolute file": (partial(added, name="/tmp/evil"), "toolchain.tar.xz"),
    "a list nested without end": (partial(forged, "contents.json", b"[" * 200_000), "is damaged"),
    "a list of another form": (partial(forged, "contents.json", json.dumps(MODE).encode()), "toolchain.tar.xz"),
    "a list of numbers": (partial(forged, "contents.json", b'{"contents": 7}'), "is damaged"),
    "a manifest nested without end": (partial(forged, "manifest.json", b"[" * 200_000), "toolchain.tar.xz"),
    "a manifest of another form": (partial(forged, "manifest.json", b'{"schema": 1, "python": 7}', number=1), "toolchain.tar.xz"),
    "an entry that is a link": (linked, "no folder of its own"),
    "another top": (partial(added, name="evil/x"), "toolchain.tar.xz"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_right_changes_nothing(tmp_path: Path, file: Path, what: str) -> None:
    do, expected = BAD[what]
    do(file)
    with pytest.raises(FetchError, match=expected) as caught:
        bundle.unpack(Cache(tmp_path / "second"), QUIET, file)
    assert str(file) in caught.value.message
    assert entries(tmp_path / "second") == []
    assert not list(tmp_path.rglob("evil"))


def test_a_damaged_toolchain_is_not_packed(tmp_path: Path) -> None:
    toolchain = bundles.make(tmp_path / "first")
    (toolchain.python.wasm).write_bytes(b"")
    with pytest.raises(CacheError, match=r"is damaged.*python\.wasm: changed"):
        bundle.pack(Cache(tmp_path / "first"), QUIET, toolchain, tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first"]


def test_an_sdk_from_elsewhere_is_packed_too(tmp_path: Path, file: Path) -> None:
    toolchain = bundles.make(tmp_path / "first")
    elsewhere = tmp_path / "wasi-sdk"
    toolchain.sdk.root.rename(elsewhere)
    for name in ("manifest.json", "contents.json"):
        (elsewhere / name).unlink()
    toolchain = replace(toolchain, sdk=replace(toolchain.sdk, root=elsewhere))
    bundle.pack(Cache(tmp_path / "first"), QUIET, toolchain, file)
    assert entries(tmp_path / "first") == [f"python/{toolchain.python.root.name}"]
    bundle.unpack(Cache(tmp_path / "second"), QUIET, file)
    assert (tmp_path / "second" / "sdk" / "existing-0" / "bin" / "clang++").readlink() == Path("clang")
    (elsewhere / "out").symlink_to("/etc/passwd")
    with pytest.raises(CacheError, match="out is a link that leads out of it"):
        bundle.pack(Cache(tmp_path / "first"), QUIET, toolchain, file)
    assert entries(tmp_path / "first") == [f"python/{toolchain.python.root.name}"]


def test_what_was_made_beside_the_toolchain_goes_with_it(tmp_path: Path, file: Path) -> None:
    cache = Cache(tmp_path / "first")

    def build(workspace: Workspace) -> dict[str, object]:
        (workspace.tree / "bin").mkdir()
        (workspace.tree / "bin" / "python3.13").write_text("#!/bin/sh\n")
        return {"schema": 1}

    entry = cache.make(build_python.KIND, build_python.entry_name("3.13.5"), build)
    bundle.pack(cache, QUIET, bundles.make(tmp_path / "first"), file)
    bundle.unpack(Cache(tmp_path / "second"), QUIET, file)
    found = build_python.ready(Cache(tmp_path / "second"), "3.13")
    assert found == tmp_path / "second" / build_python.KIND / entry.name / "bin" / "python3.13"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_on_the_command_line(tmp_path: Path, server: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    bundles.make(first)
    done = call(first, "export", tmp_path / "t.tar.xz", HATCH_WASI_SDK="existing")
    assert done.returncode == 0, done.stderr
    sha256, name = done.stdout.split()
    assert name == str(tmp_path / "t.tar.xz")
    assert f"hatch-wasi import t.tar.xz --sha256 {sha256}" in done.stderr
    assert sha256 == hashlib.sha256((tmp_path / "t.tar.xz").read_bytes()).hexdigest()

    url = f"{server}/t.tar.xz"
    for words, status, reason in (
        ([url], 2, "must be known by its sha256"),
        ([url, "--sha256", "0" * 64], 1, f"sha256 is {sha256}"),
        ([url, "--sha256", "00"], 2, "is no sha256"),
        ([url, "--sha256", sha256, "--offline"], 1, "offline"),
        ([f"{server}/none", "--sha256", sha256], 1, "404"),
        ([tmp_path / "t.tar.xz", "--sha256", "0" * 64], 1, f"its sha256 is {sha256}, not 0000"),
        ([tmp_path / "nothing"], 2, "is not a file"),
    ):
        done = call(second, "import", *words)
        assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
        assert reason in done.stderr
        assert not second.exists() or entries(second) == []
    done = call(second, "import", url, "--sha256", sha256.upper())
    assert done.returncode == 0, done.stderr
    assert "Imported sdk/existing-0" in done.stderr
    assert "Next:  hatch-wasi run" in done.stderr
    assert snapshot(second) == snapshot(first)
    done = call(second, "import", tmp_path / "t.tar.xz", "--offline")
    assert (done.returncode, done.stderr.count("Already there")) == (0, 2)
    for target in (tmp_path, tmp_path / "none" / "t.tar.xz"):
        done = call(first, "export", target, HATCH_WASI_SDK="existing")
        assert (done.returncode, "cannot be written" in done.stderr) == (2, True)
