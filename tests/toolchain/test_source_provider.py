"""What the source provider says before it builds: quickly, and with the reason."""

import json
from pathlib import Path

import pytest

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain import source
from hatch_wasi.toolchain.provider import Request, Unavailable
from hatch_wasi.toolchain.source_build import RECIPE
from hatch_wasi.toolchain.source_layout import builtins_place


def request_of(sdk: str, pair: str = "24") -> Request:
    return Request(sdk=sdk, pair=pair, trial=lambda _: (0, ""))


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No clang, no compiler, no network, nothing named."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    for name in ("HATCH_WASI_CLANG", "HATCH_WASI_LLVM_SOURCE", "HATCH_WASI_WASI_LIBC_SOURCE", "WASI_SDK_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def cxx(tmp_path: Path) -> None:
    for name in ("cc", "c++"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)


def test_auto_never_builds_llvm(tmp_path: Path, cache: Cache) -> None:
    cxx(tmp_path)
    with pytest.raises(Unavailable, match=r"no clang 18 or newer on the PATH.*--sdk source builds LLVM.*takes hours"):
        source.provide(cache, Console(), request_of("auto"))
    with pytest.raises(ToolchainError, match=r"source: no installed clang can be used") as caught:
        bootstrap.ensure_sdk(cache, Console())
    reasons = [line.strip().partition(":")[0] for line in caught.value.message.splitlines()[1:]]
    assert reasons == ["existing", "release", "debian", "source"], "a line for each provider"


def test_asked_for_it_says_that_it_will_take_hours(tmp_path: Path, cache: Cache) -> None:
    cxx(tmp_path)
    lines = list[str]()
    with pytest.raises(Unavailable, match=r"no source of wasi-libc .*offline"):
        source.provide(cache, Console(write=lines.append), request_of("source"))
    assert "LLVM is built, which takes hours" in lines[0]


def test_without_a_compiler_it_says_so_first(cache: Cache) -> None:
    with pytest.raises(Unavailable, match=r"there is no C\+\+ compiler on this machine"):
        source.provide(cache, Console(), request_of("source"))


def test_a_clang_that_is_named_must_serve(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cxx(tmp_path)
    monkeypatch.setenv("HATCH_WASI_CLANG", str(tmp_path / "none"))
    with pytest.raises(Unavailable, match=r"HATCH_WASI_CLANG=.*none cannot be used"):
        source.provide(cache, Console(), request_of("source"))


def entry(cache: Cache, name: str, **changes: object) -> Path:
    inputs = {"clang": "built", "pair": "24", "wasi_libc": {"identity": "x"}}
    inputs |= {key: value for key, value in changes.items() if key in inputs}
    sdk = {"provider": "source", "llvm": "22.1.8", "wasi_libc": "ec0effd", "version": changes.get("version", "30")}
    manifest = {"schema": 1, "recipe": changes.get("recipe", RECIPE), "sdk": sdk, "inputs": inputs}
    folder = cache.folder("sdk") / name
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("debian-1", {}),
        ("source-1", {"recipe": [0, 0, 0]}),
        ("source-1", {"pair": "33"}),
        ("source-1", {"clang": "installed 22.1.8"}),
    ],
)
def test_what_is_not_ready(cache: Cache, name: str, changes: dict[str, object]) -> None:
    entry(cache, name, **changes)
    assert source.ready(cache, request_of("source")) is None


def test_what_is_ready(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    made = entry(cache, "source-1")
    found = source.ready(cache, request_of("auto"))
    assert found is not None
    assert (found.root, found.version) == (made, "30")
    assert source.provide(cache, Console(), request_of("source")) == found
    monkeypatch.setenv("HATCH_WASI_CLANG", "/usr/bin/clang")
    assert source.ready(cache, request_of("auto")) is None


def test_the_outlook(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "with an installed clang 18 or newer" in source.outlook(cache, request_of("auto"))
    assert "hours" in source.outlook(cache, request_of("auto"))
    monkeypatch.setenv("HATCH_WASI_CLANG", "build")
    assert source.outlook(cache, request_of("source")).startswith("would build LLVM, wasi-libc (of wasi-sdk 24)")


@pytest.mark.parametrize("place", ["lib/wasi/libclang_rt.builtins-wasm32.a", "lib/x/libclang_rt.builtins.a"])
def test_where_clang_looks_is_asked_and_checked(tmp_path: Path, place: str) -> None:
    root = tmp_path / "sdk"
    inside = root / "lib" / "clang" / "16"
    (inside / "include").mkdir(parents=True)
    (inside / "include" / "stddef.h").touch()
    clang = root / "bin" / "clang"
    clang.parent.mkdir()
    sdk = WasiSdk(root=root, provider="source", id="", llvm="16.0.0", wasi_libc="")
    clang.write_text(f"#!/bin/sh\necho '{inside}/{place}'\n")
    clang.chmod(0o755)
    assert builtins_place(sdk) == inside / place
    # The version was lost on the way: lib/clang/lib instead of lib/clang/16/lib.
    clang.write_text(f"#!/bin/sh\necho '{inside.parent}/{place}'\n")
    with pytest.raises(ToolchainError, match="outside of its own folder"):
        builtins_place(sdk)
