"""Full disks, caches that cannot be written, and odd places: one clear message, nothing half-made, and it goes on."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import bundles
import pytest

from hatch_wasi import bundle
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.sdk import WasiSdk

CALL = [sys.executable, "-m", "hatch_wasi"]


def call(
    env: dict[str, str], *words: str | Path, before: Sequence[str] = (), umask: int = -1
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*before, *CALL, *map(os.fspath, words)], env=env, capture_output=True, text=True, check=False, umask=umask
    )


def entries(root: Path) -> list[str]:
    return [f"{kind}/{entry.name}" for kind in ("sdk", "python") for entry in Cache(root).entries(kind)]


# In a namespace of its own, where an ordinary user may mount too: a disk for the cache with little room; in the end
# there is more, and the same command is run again.
DISK_SIZE = 64 << 20
ON_A_FULL_DISK = r"""
set -e
mkdir -p "$DISK"
mount -t tmpfs -o "size=$SIZE" tmpfs "$DISK"
head -c "$FILLING" /dev/zero > "$DISK/filling"
"$@" > "$OUT/1" 2>&1 && status=0 || status=$?
echo "$status" > "$OUT/status"
ls -A "$DISK"/c/python "$DISK"/c/sdk > "$OUT/left" 2>/dev/null || true
rm "$DISK/filling"
"$@" > "$OUT/2" 2>&1
find "$DISK/c" -name manifest.json > "$OUT/made"
"""


def on_a_full_disk(tmp_path: Path, env: dict[str, str], room: int, *words: str | Path) -> list[str]:
    """Run a command where there is so much room (KiB), then where there is enough; give the manifests of what it made."""
    disk, out = tmp_path / "disk", tmp_path / "out"
    out.mkdir()
    own = {
        "DISK": str(disk),
        "SIZE": str(DISK_SIZE),
        "FILLING": str(DISK_SIZE - (room << 10)),
        "OUT": str(out),
        "HATCH_WASI_CACHE_DIR": str(disk / "c"),
    }
    unshare = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    argv = [*unshare, "sh", "-c", ON_A_FULL_DISK, "sh", *CALL, *map(os.fspath, words)]
    done = subprocess.run(argv, env=env | own, capture_output=True, text=True, check=False)
    told = {path.name: path.read_text() for path in out.iterdir()}
    assert done.returncode == 0, done.stderr + "".join(told.values())
    assert told["status"] == "1\n", told["1"]
    assert "Traceback" not in told["1"]
    lines = [line for line in told["1"].splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, told["1"]
    assert lines[0].count("is full (") == 1
    assert str(disk) in lines[0]
    assert "make room and run the command again" in told["1"]
    assert not [name for name in told["left"].split() if not name.startswith((".partial-", "/")) and ":" not in name]
    return told["made"].splitlines()


@pytest.mark.parametrize("room", [20, 200, 500, 900, 1400])
def test_a_full_disk_in_a_bootstrap(tmp_path: Path, env: dict[str, str], room: int) -> None:
    # Enough to matter: the stand-in's sources and what becomes of them are 3 MB.
    (tmp_path / "source" / "Lib" / "data.txt").write_bytes(os.urandom(600_000))
    made = on_a_full_disk(tmp_path, env, room, "bootstrap")
    assert len(made) == 1


@pytest.mark.parametrize("room", [40, 1000, 4000])
def test_a_full_disk_in_an_import(tmp_path: Path, env: dict[str, str], room: int) -> None:
    toolchain = bundles.make(tmp_path / "first", note=os.urandom(2 << 20).hex())
    bundle.pack(Cache(tmp_path / "first"), Console(), toolchain, tmp_path / "bundle")
    made = on_a_full_disk(tmp_path, env, room, "import", tmp_path / "bundle")
    assert len(made) == 2


def test_eight_at_once_make_one(tmp_path: Path, env: dict[str, str]) -> None:
    children = [
        subprocess.Popen([*CALL, "bootstrap"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    told = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0] * 8, told
    assert sum("Linking python.wasm" in text for text in told) == 1
    assert len(entries(tmp_path / "cache")) == 1
    assert [path.name for path in (tmp_path / "cache" / "python").iterdir() if path.name.startswith(".")] == []


@pytest.fixture
def ready(tmp_path: Path, env: dict[str, str]) -> Path:
    """A cache in which the stand-in is ready."""
    done = call(env, "bootstrap")
    assert done.returncode == 0, done.stderr
    return tmp_path / "cache"


def closed_to(user: int, folder: Path) -> None:
    """Give a folder and all in it to `user`, and let nobody write there."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            if os.geteuid() == 0:
                os.chown(path, user, user)
            path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555)


@pytest.mark.parametrize("owner", ["somebody else", "nobody"])
def test_a_cache_that_is_read_only_serves_and_is_not_added_to(
    tmp_path: Path, env: dict[str, str], ready: Path, owner: str
) -> None:
    closed_to(1234 if owner == "somebody else" else 65534, ready)
    # Root without its privileges: permissions are for it too.
    before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    try:
        done = call(env, "bootstrap", before=before)
        assert done.returncode == 0, done.stderr
        assert f"Python: 3.13.99 in {ready}/python/" in done.stderr
        assert call(env, "info", "--verify", before=before).returncode == 0
        done = call(env | {"HATCH_WASI_SDK": "existing"}, "export", "/dev/null/none", before=before)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        bundles.make(tmp_path / "first")
        done = call(env | {"WASI_SDK_PATH": ""}, "bootstrap", "--sdk", f"{tmp_path}/", before=before)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        (entry,) = Cache(ready).entries("python")
        entry.chmod(0o755)
        (entry / "LICENSE").unlink()
        entry.chmod(0o555)
        done = call(env, "bootstrap", before=before)
        assert done.returncode == 1
        assert f"error: the cache {ready} cannot be written: Permission denied" in done.stderr
        assert "set HATCH_WASI_CACHE_DIR to a folder that is" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        for path in (ready, *ready.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)


@pytest.mark.parametrize("made", [False, True])
def test_a_cache_may_be_a_link(tmp_path: Path, env: dict[str, str], made: bool) -> None:
    big = tmp_path / "big disk"
    (tmp_path / "cache").symlink_to(big)
    if made:
        (big / "elsewhere").mkdir(parents=True)
        (big / "python").symlink_to("elsewhere")
    done = call(env, "bootstrap")
    assert done.returncode == 0, done.stderr
    (entry,) = Cache(tmp_path / "cache").entries("python")
    for path in entry.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert os.fsencode(tmp_path / "cache") not in content, path
        assert os.fsencode(big) not in content, path
    assert call(env, "info", "--verify").returncode == 0
    done = call(env, "clean")
    assert done.returncode == 0, done.stderr
    assert entries(tmp_path / "cache") == []
    assert (tmp_path / "cache").is_symlink()


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_any_umask_gives_the_same(tmp_path: Path, env: dict[str, str], ready: Path, umask: int) -> None:
    (usual,) = Cache(ready).entries("python")
    other = tmp_path / "other"
    done = call(env | {"HATCH_WASI_CACHE_DIR": str(other)}, "bootstrap", umask=umask)
    assert done.returncode == 0, done.stderr
    (entry,) = Cache(other).entries("python")
    assert (entry / "contents.json").read_bytes() == (usual / "contents.json").read_bytes()
    assert call(env | {"HATCH_WASI_CACHE_DIR": str(other)}, "info", "--verify", umask=umask).returncode == 0


def test_spaces_letters_and_no_home(tmp_path: Path, env: dict[str, str], wasi_sdk: WasiSdk) -> None:
    place = tmp_path / "Größe 1 & $2 'ü'"
    (place / "s d k").parent.mkdir()
    (place / "s d k").symlink_to(wasi_sdk.root)
    shutil.move(tmp_path / "source", place / "source")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env |= {
        "HATCH_WASI_CACHE_DIR": str(place / "c"),
        "HATCH_WASI_CPYTHON_SOURCE": str(place / "source"),
        "WASI_SDK_PATH": str(place / "s d k"),
        "TMPDIR": str(temporary),
    }
    done = call(env, "bootstrap")
    assert done.returncode == 0, done.stderr
    (entry,) = Cache(place / "c").entries("python")
    for path in entry.rglob("*"):
        assert not path.is_file() or os.fsencode(tmp_path) not in path.read_bytes(), path
    assert call(env, "info", "--verify").returncode == 0
    assert [list(path.iterdir()) for path in temporary.glob("hatch-wasi-*")] == [[]]
    # Half-way, it is remembered elsewhere; clean knows where.
    shutil.rmtree(place / "c")
    (place / "source" / "library.c").write_text("int broken(\n")
    assert call(env, "bootstrap").returncode == 1
    assert [len(list(path.iterdir())) for path in temporary.glob("hatch-wasi-*")] == [1]
    assert call(env, "clean").returncode == 0
    assert [list(path.iterdir()) for path in temporary.glob("hatch-wasi-*")] == [[]]


def test_where_nothing_can_be_built_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hatch_wasi import workspace
    from hatch_wasi.errors import CacheError

    others = tmp_path / f"hatch-wasi-{os.getuid()}"
    others.mkdir(mode=0o777)
    others.chmod(0o777)
    monkeypatch.setattr(workspace, "PLACES", ())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(CacheError, match="only bear letters of ASCII") as caught:
        Cache(tmp_path / "a b").make("sdk", "one", lambda _: {})
    assert "TMPDIR" in str(caught.value.hint)
