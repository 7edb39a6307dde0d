"""wasi-sdk's releases: two archives of a server make one SDK that works; what goes wrong is told, and the next is asked."""

import hashlib
import io
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import archive_server
import pytest
import release_archives
from archive_server import ArchiveServer
from release_archives import COMPILER, SYSROOT

from hatch_wasi import fetch, network, pins
from hatch_wasi.archives import limits
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain import chain, existing, release
from hatch_wasi.toolchain.provider import Request, Unavailable
from hatch_wasi.toolchain.verify import verify

REQUEST = Request(sdk="auto", pair="24", trial=trial.run_command)
TABLE = pins.table


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HATCH_WASI_OFFLINE", "HATCH_WASI_MIRROR", "WASI_SDK_PATH", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(fetch, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(network, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(network, "_unreachable", {})
    monkeypatch.setattr(network, "_resolved", set())


def pin(monkeypatch: pytest.MonkeyPatch, table: dict[str, object]) -> None:
    monkeypatch.setattr(pins, "table", lambda name: table if name == "release" else TABLE(name))


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, wasi_sdk: WasiSdk) -> dict[str, bytes]:
    """The real SDK as two releases."""
    if wasi_sdk.provider != "debian":
        pytest.fail("these archives are made of the debian provider's SDK: run them without WASI_SDK_PATH")
    folder = tmp_path_factory.mktemp("archives")
    release_archives.pack_compiler(folder / COMPILER, wasi_sdk)
    release_archives.pack_sysroot(folder / SYSROOT, wasi_sdk)
    return {name: (folder / name).read_bytes() for name in (COMPILER, SYSROOT)}


@pytest.fixture
def server(direct: None) -> Iterator[ArchiveServer]:
    with archive_server.running() as running:
        yield running


@pytest.fixture
def released(server: ArchiveServer, archives: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> ArchiveServer:
    """A server with both archives, which are the pinned ones."""
    server.files = dict(archives)
    pin(monkeypatch, release_archives.pins(server.url, archives[COMPILER], archives[SYSROOT]))
    return server


class TestTheSdk:
    def test_it_is_made_of_both_releases(self, tmp_path: Path, released: ArchiveServer, wasi_sdk: WasiSdk) -> None:
        cache, lines = Cache(tmp_path), list[str]()
        assert release.ready(cache, REQUEST) is None
        sdk = chain.find(cache, Console(write=lines.append), REQUEST)
        assert (sdk.provider, sdk.version, sdk.wasi_libc, sdk.llvm) == ("release", "24", "b9ef79d", wasi_sdk.llvm)
        assert sdk.root == cache.root / "sdk" / sdk.id
        assert (sdk.library_dir / "libc.a").read_bytes() == (wasi_sdk.library_dir / "libc.a").read_bytes()
        assert any(line.startswith("[2/4] Fetching the compiler of wasi-sdk 33") for line in lines)
        # Only what is needed; VERSION is the sysroot's.
        assert sorted(path.name for path in (sdk.root / "bin").iterdir()) == [
            "clang", "clang++", "clang-22", "clang-cpp", "clang.cfg", "lld", "llvm-ar", "llvm-nm", "llvm-objcopy",
            "llvm-objdump", "llvm-ranlib", "llvm-strip", "wasm-ld", "wasm-ld-22",
        ]  # fmt: skip
        assert sorted(path.name for path in (sdk.root / "lib").iterdir()) == [
            "clang",
            "libLLVM.so.22.1",
            "libclang-cpp.so.22.1",
        ]
        assert [path.name for path in (sdk.root / "lib" / "clang" / "22" / "lib").iterdir()] == [
            "wasm32-unknown-wasip1"
        ]
        assert sorted(path.name for path in sdk.sysroot.iterdir()) == ["VERSION", "include", "lib"]
        for folder in ("include", "lib"):
            assert [path.name for path in (sdk.sysroot / folder).iterdir()] == ["wasm32-wasip1"]
        assert not (sdk.library_dir / "llvm-lto").exists()
        # It works where it is moved to, and is not made or asked for again.
        moved = tmp_path / "moved sdk"
        shutil.copytree(sdk.root, moved, symlinks=True)
        verify(WasiSdk.from_tree(moved), trial.run_command)
        assert [name for name, _ in released.requests] == [SYSROOT, COMPILER]
        assert chain.find(cache, Console(), REQUEST) == sdk
        assert len(released.requests) == 2
        # For another Python's pair it does not serve.
        assert release.ready(cache, Request(sdk="auto", pair="33", trial=trial.run_command)) is None
        self._check_manifest(cache, sdk, released)
        self._check_existing(cache, sdk)

    def _check_manifest(self, cache: Cache, sdk: WasiSdk, released: ArchiveServer) -> None:
        manifest = cache.manifest(sdk.root)
        assert manifest["sdk"] == {"provider": "release", "llvm": sdk.llvm, "wasi_libc": "b9ef79d", "version": "24"}
        assert manifest["inputs"] == {
            part: {
                "release": number,
                "url": f"{released.url}/wasi-sdk-{number}/{name}",
                "sha256": hashlib.sha256(released.files[name]).hexdigest(),
            }
            for part, number, name in (("compiler", "33", COMPILER), ("sysroot", "24", SYSROOT))
        }
        assert str(cache.root) not in json.dumps(manifest)

    def _check_existing(self, cache: Cache, sdk: WasiSdk) -> None:
        """Named as a folder it is what it is: the sysroot's VERSION file counts."""
        named = existing.provide(cache, Console(), Request(sdk=str(sdk.root), pair="24", trial=trial.run_command))
        assert (named.version, named.wasi_libc) == ("24", "b9ef79d")

    @pytest.mark.parametrize("step", ["download", "unpack"])
    def test_killed_it_is_made_the_next_time(
        self, tmp_path: Path, released: ArchiveServer, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        if step == "download":
            released.behaviours[COMPILER] = archive_server.stall
        script = (
            "import json, sys\nfrom hatch_wasi import pins\nfrom hatch_wasi.cache import Cache\n"
            "from hatch_wasi.console import Console\nfrom hatch_wasi.runtime import trial\n"
            "from hatch_wasi.toolchain import release\nfrom hatch_wasi.toolchain.provider import Request\n"
            "table, original = json.loads(sys.argv[1]), pins.table\n"
            "pins.table = lambda name: table if name == 'release' else original(name)\n"
            "release.provide(Cache(), Console(), Request(sdk='auto', pair='24', trial=trial.run_command))"
        )
        env = os.environ | {"HATCH_WASI_CACHE_DIR": str(tmp_path)}
        argv = [sys.executable, "-c", script, json.dumps(pins.table("release"))]
        child = subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        half = len(released.files[COMPILER]) // 3
        while not (
            any(path.stat().st_size > half for path in tmp_path.glob("downloads/.partial-*"))
            if step == "download"
            else list(tmp_path.glob("sdk/.partial-release-*/tree/bin/lld"))
        ):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert Cache(tmp_path).entries("sdk") == []
        released.behaviours.clear()
        count = len(released.requests)
        sdk = release.provide(Cache(tmp_path), Console(), REQUEST)
        verify(sdk, trial.run_command)
        again = released.requests[count:]
        assert len(again) == (1 if step == "download" else 0)
        assert all(str(asked).startswith("bytes=") for _, asked in again)
        assert not list(tmp_path.glob("*/.partial-*"))

    def test_a_mirror_serves_offline(
        self, tmp_path: Path, released: ArchiveServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, data in released.files.items():
            (tmp_path / name).write_bytes(data)
        monkeypatch.setenv("HATCH_WASI_MIRROR", str(tmp_path))
        monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
        assert release.outlook(Cache(tmp_path / "cache"), REQUEST).startswith("would fetch the compiler of wasi-sdk 33")
        assert release.provide(Cache(tmp_path / "cache"), Console(), REQUEST).version == "24"
        assert released.requests == []

    def test_a_sysroot_may_come_in_a_whole_release(
        self, tmp_path: Path, released: ArchiveServer, wasi_sdk: WasiSdk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As before wasi-sdk 23: other names, and the sysroot below share/."""
        name = "wasi-sdk-22.0-linux.tar.gz"
        packer = release_archives.Packer(tmp_path / name, "wasi-sdk-22.0")
        packer.program("clang")
        packer.folder("share/wasi-sysroot/include/wasm32-wasip1", wasi_sdk.sysroot / "include" / wasi_sdk.triple)
        packer.folder("share/wasi-sysroot/lib/wasm32-wasip1", wasi_sdk.library_dir)
        packer.close()
        released.files[name] = (tmp_path / name).read_bytes()
        sha256 = hashlib.sha256(released.files[name]).hexdigest()
        table = {**pins.table("release"), "sysroots": {"22": {"release": "22", "name": name, "sha256": sha256}}}
        pin(monkeypatch, table)
        sdk = release.provide(Cache(tmp_path), Console(), Request(sdk="auto", pair="22", trial=trial.run_command))
        assert (sdk.version, sdk.wasi_libc) == ("22", "9e8c542")
        assert sorted(path.name for path in sdk.sysroot.iterdir()) == ["include", "lib"]


class Next:
    """A provider further down the chain."""

    NAME = "next"
    SDK = WasiSdk(root=Path("/next"), provider="next", id="next-1", llvm="22.1.8", wasi_libc="574b88d")

    @staticmethod
    def ready(cache: Cache, request: Request) -> WasiSdk | None:
        return None

    @classmethod
    def provide(cls, cache: Cache, console: Console, request: Request) -> WasiSdk:
        return cls.SDK


def small(name: str, member: tarfile.TarInfo | None = None) -> bytes:
    """An archive with little in it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"{name}/bin/clang")
        info.mode, info.size = 0o755, 10
        tar.addfile(info, io.BytesIO(b"#!/bin/sh\n"))
        if member is not None:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return file.getvalue()


def hostile(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, size
    return member


class TestFailures:
    """Each is one message, leaves no entry, and the next provider serves."""

    @pytest.fixture
    def told(self, tmp_path: Path, server: ArchiveServer, monkeypatch: pytest.MonkeyPatch) -> "partial[str]":
        monkeypatch.setattr(chain, "PROVIDERS", (existing, release, Next))
        monkeypatch.setattr(existing, "DEFAULT", tmp_path / "none")

        def fail(compiler: bytes, *, sysroot: bytes = b"", behaviour: str = "serve") -> str:
            """Ask the chain, with these archives pinned; give the reason why `release` did not serve."""
            server.files = {SYSROOT: sysroot or small("wasi-sysroot-24.0"), COMPILER: compiler}
            server.behaviours = {COMPILER: getattr(archive_server, behaviour)}
            pin(monkeypatch, release_archives.pins(server.url, server.files[COMPILER], server.files[SYSROOT]))
            lines: list[str] = []
            cache = Cache(tmp_path / "cache")
            sdk = chain.find(cache, Console(verbosity=1, write=lines.append), REQUEST)
            assert sdk is Next.SDK
            assert cache.entries("sdk") == []
            (reason,) = [line for line in lines if line.startswith("SDK provider release: ")]
            assert "\n" not in reason
            return reason

        return partial(fail)

    @pytest.mark.parametrize(
        ("behaviour", "reason"),
        [
            ("busy", "HTTP status 503"),
            ("stall", "nothing came for 0.5 s"),
            ("cut_at_once", "the transfer broke off"),
            ("round_and_round", "too many redirects"),
        ],
    )
    def test_a_server_that_does_not_serve(self, told: "partial[str]", behaviour: str, reason: str) -> None:
        text = told(small("wasi-sdk-33.0-x86_64-linux"), behaviour=behaviour)
        assert f"{COMPILER} cannot be fetched: " in text
        assert reason in text

    def test_a_missing_archive(self, told: "partial[str]") -> None:
        assert f"wasi-sdk-33/{COMPILER}: HTTP status 404" in told(b"")

    def test_what_is_no_archive(self, told: "partial[str]") -> None:
        assert "cannot be unpacked: " in told(b"<html>")

    def test_half_an_archive(self, told: "partial[str]") -> None:
        assert "cannot be unpacked: " in told(small("wasi-sdk-33.0-x86_64-linux")[:60])

    def test_an_sdk_that_does_not_work(self, told: "partial[str]", tmp_path: Path) -> None:
        assert "/tree lacks bin/wasm-ld, " in told(small("wasi-sdk-33.0-x86_64-linux"))

        assert not list(tmp_path.rglob("*/tree/bin"))

    def test_a_sysroot_of_another_commit(self, told: "partial[str]", tmp_path: Path) -> None:
        packer = release_archives.Packer(tmp_path / SYSROOT)
        packer.file("VERSION", release_archives.VERSION_33)
        packer.close()
        text = told(small("wasi-sdk-33.0-x86_64-linux"), sysroot=(tmp_path / SYSROOT).read_bytes())
        assert f"{SYSROOT} has wasi-libc 161b319, and b9ef79d was expected" in text

    @pytest.mark.parametrize(
        "member",
        [
            hostile("/etc/evil"),
            hostile("wasi-sdk-33.0-x86_64-linux/../../evil"),
            hostile("other/bin/clang"),
            hostile("wasi-sdk-33.0-x86_64-linux/bin/wasm-ld", tarfile.SYMTYPE, "/etc/passwd"),
            hostile("wasi-sdk-33.0-x86_64-linux/bin/wasm-ld", tarfile.SYMTYPE, "../../../evil"),
            hostile("wasi-sdk-33.0-x86_64-linux/bin/wasm-ld", tarfile.LNKTYPE, "/etc/passwd"),
            hostile("wasi-sdk-33.0-x86_64-linux/bin/wasm-ld", tarfile.LNKTYPE, "wasi-sdk-33.0-x86_64-linux/bin/lldb"),
            hostile("wasi-sdk-33.0-x86_64-linux/lib/clang/22/include/zero", tarfile.CHRTYPE),
            hostile("wasi-sdk-33.0-x86_64-linux/lib/clang/22/include/pipe", tarfile.FIFOTYPE),
            hostile("wasi-sdk-33.0-x86_64-linux/lib/libLLVM.so", size=1 << 20),
        ],
    )
    def test_a_hostile_archive(
        self, told: "partial[str]", tmp_path: Path, member: tarfile.TarInfo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "FREE", 100_000)
        assert f"{COMPILER} cannot be unpacked: " in told(small("wasi-sdk-33.0-x86_64-linux", member))
        assert not list(tmp_path.rglob("*evil*"))
        assert not list(tmp_path.rglob("*/tree/bin"))

    def test_an_unreachable_network_is_noticed_once(
        self, tmp_path: Path, direct: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chain, "PROVIDERS", (existing, release, Next))
        monkeypatch.setattr(existing, "DEFAULT", tmp_path / "none")
        pin(monkeypatch, release_archives.pins("http://127.0.0.1:1", b"", b""))
        lines: list[str] = []
        assert chain.find(Cache(tmp_path), Console(verbosity=1, write=lines.append), REQUEST) is Next.SDK
        (reason,) = [line for line in lines if "127.0.0.1:1" in line]
        assert re.search(rf"{SYSROOT} cannot be fetched: http://127.0.0.1:1/.*Connection refused", reason)

    def test_alone_its_reason_is_the_error(self, tmp_path: Path, direct: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
        asked = Request(sdk="release", pair="24", trial=trial.run_command)
        with pytest.raises(
            ToolchainError, match=r"release: wasi-sysroot-24\.0\.tar\.gz cannot be fetched: .*offline"
        ) as caught:
            chain.find(Cache(tmp_path), Console(), asked)
        assert "HATCH_WASI_MIRROR" in str(caught.value.hint)
        assert release.outlook(Cache(tmp_path), asked) == "not: offline, and its archives are not in the cache"
        assert not (tmp_path / "sdk").exists()


class TestThePins:
    @pytest.mark.parametrize(
        ("system", "machine", "host"),
        [
            ("linux", "x86_64", "x86_64-linux"),
            ("linux", "aarch64", "arm64-linux"),
            ("darwin", "x86_64", "x86_64-macos"),
            ("darwin", "arm64", "arm64-macos"),
        ],
    )
    def test_every_host_has_a_compiler(self, system: str, machine: str, host: str) -> None:
        assert release.host_name(system, machine) == host
        compiler = pins.sdk_compiler(host)
        assert compiler is not None
        # wasi-sdk's naming since 23.
        assert compiler.name == f"wasi-sdk-{compiler.release}.0-{host}.tar.gz"
        assert compiler.url == (
            f"https://github.com/WebAssembly/wasi-sdk/releases/download/wasi-sdk-{compiler.release}/{compiler.name}"
        )

    def test_every_python_has_a_sysroot(self) -> None:
        for python in pins.supported_pythons():
            pair = pins.cpython(python).sdk
            sysroot = pins.sdk_sysroot(pair)
            assert sysroot is not None
            assert sysroot.release == pair
            assert re.fullmatch(rf"wasi-sysroot-{pair}\.0(\+m)?\.tar\.gz", sysroot.name)
            assert "+" not in sysroot.url
            assert pins.wasi_libc_of_release(pair)
            assert pins.date_of_release(pair)

    def test_every_hash_is_one(self) -> None:
        table = TABLE("release")
        hashes = [entry["sha256"] for kind in ("compilers", "sysroots") for entry in table[kind].values()]
        assert all(re.fullmatch("[0-9a-f]{64}", found) for found in hashes)
        assert len(set(hashes)) == len(hashes)

    @pytest.mark.parametrize(("system", "machine"), [("freebsd14", "amd64"), ("linux", "riscv64")])
    def test_another_machine_is_told_so(self, system: str, machine: str) -> None:
        with pytest.raises(Unavailable, match=f"wasi-sdk has no release for {system} on {machine}"):
            release.host_name(system, machine)

    def test_what_is_not_known_for_certain_is_not_offered(
        self, tmp_path: Path, direct: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = Request(sdk="auto", pair="29", trial=trial.run_command)
        message = "the sha256 of wasi-sdk 29's sysroot is not known for certain, so it is not offered; install wasi-sdk"
        with pytest.raises(Unavailable, match=message):
            release.provide(Cache(tmp_path), Console(), asked)
        assert release.outlook(Cache(tmp_path), asked).startswith(f"not: {message}")
        pin(monkeypatch, {**TABLE("release"), "compilers": {}})
        with pytest.raises(
            Unavailable, match=r"sha256 of wasi-sdk's archive for .* is not known for certain.*WASI_SDK_PATH"
        ):
            release.provide(Cache(tmp_path), Console(), REQUEST)

    def test_a_machine_without_glibc_is_told_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2.5"))
        monkeypatch.setattr(release, "MUSL", str(tmp_path))
        (tmp_path / "ld-musl-x86_64.so.1").touch()
        with pytest.raises(Unavailable, match="need glibc, and this machine has musl"):
            release.provide(Cache(tmp_path), Console(), REQUEST)


@pytest.mark.parametrize(
    "name",
    [
        "bin", "bin/clang", "bin/clang++", "bin/clang-22", "bin/clang-cpp", "bin/clang++.cfg", "bin/wasm-ld", "bin/lld",
        "bin/llvm-ar", "lib/libLLVM.so.22.1-wasi-sdk", "lib/libclang-cpp.dylib", "lib/clang/22/include/stddef.h",
        "lib/clang/22/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a", "LICENSE", "LICENSE-APACHE-LLVM",
    ],
)  # fmt: skip
def test_needed_of_a_compiler(name: str) -> None:
    assert release.is_of_compiler(name)


@pytest.mark.parametrize(
    "name",
    [
        "bin/lldb", "bin/clang-tidy", "bin/clang-format", "bin/wasm32-wasip1-clang", "lib/liblldb.so", "lib/libclang.so.22",
        "lib/libLLVMCore.a", "lib/cmake", "lib/cmake/clang/x.cmake", "lib/clang/22/lib/wasm32-unknown-wasip2/x.a",
        "share/wasi-sysroot/lib/wasm32-wasip1/libc.a", "share/man/man1/clang.1", "VERSION",
    ],
)  # fmt: skip
def test_not_needed_of_a_compiler(name: str) -> None:
    assert not release.is_of_compiler(name)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("include/wasm32-wasip1/stdio.h", True),
        ("include/stdio.h", True),  # wasi-sdk 34 has headers that all targets share
        ("include/wasm32-wasip2/stdio.h", False),
        ("lib/wasm32-wasip1/eh/libc++.a", True),
        ("lib/wasm32-wasip1/llvm-lto/22.1.0/libc.a", False),
        ("lib/wasm32-wasip1-threads/libc.a", False),
        ("share/wasi-sysroot/lib/wasm32-wasip1/libc.a", True),
        ("share/wasi-sysroot/lib/wasm32-wasip2/libc.a", False),
        ("share/wasm32-wasip1/defined-symbols.txt", False),
        ("bin/clang", False),
        ("VERSION", True),
    ],
)
def test_needed_of_a_sysroot(name: str, needed: bool) -> None:
    assert release.is_of_sysroot(name) == needed
