"""An SDK on the machine is used only if it is whole and works; what is missing is named."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from hatch_wasi import bootstrap, pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError, UsageError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain import existing


@pytest.fixture
def tree(tmp_path: Path, wasi_sdk: WasiSdk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that can be broken, in a folder with a space in its name; the compilers are links."""
    root = tmp_path / "my sdk"
    root.mkdir()
    for name in ("bin", "lib", "share"):
        shutil.copytree(wasi_sdk.root / name, root / name, symlinks=True)
    (root / "llvm").symlink_to(wasi_sdk.root / "llvm")
    monkeypatch.delenv("HATCH_WASI_OFFLINE", raising=False)
    monkeypatch.setenv("WASI_SDK_PATH", str(root))
    return root


def test_it_is_accepted_and_remembered(tmp_path: Path, tree: Path) -> None:
    cache, lines = Cache(tmp_path / "cache"), list[str]()
    # A step that takes a second is told of twice: when it begins, and how long it took.
    console = Console(write=lambda line: lines.append(line) if line.endswith("…") else None)
    sdk = bootstrap.ensure_sdk(cache, console)
    assert (sdk.provider, sdk.root) == ("existing", tree)
    assert lines == [f"Checking the SDK {tree} …"]
    assert sdk.wasi_libc.startswith("sha256-")
    again = bootstrap.ensure_sdk(cache, console, sdk=str(tree))
    assert again == sdk
    assert len(lines) == 1
    # Another libc.a is another SDK, and is checked anew.
    with (sdk.library_dir / "libc.a").open("ab"):
        pass
    (sdk.library_dir / "libc.a").touch()
    bootstrap.ensure_sdk(cache, console)
    assert len(lines) == 2


def test_the_version_file_names_the_wasi_libc(tmp_path: Path, tree: Path) -> None:
    (tree / "VERSION").write_text("25.0\nwasi-libc: 574b88da481569b65a237cb80daf9a2d5aeaf82d\nllvm: ab4b5a2db582\n")
    sdk = bootstrap.ensure_sdk(Cache(tmp_path / "cache"), Console())
    assert (sdk.version, sdk.wasi_libc) == ("25", "574b88d")


@pytest.mark.parametrize(("first_line", "version"), [("24.0", "24"), ("33.0+m", "33"), ("wasi-sdk of our own", None)])
def test_the_sysroots_own_version_file_counts(tmp_path: Path, tree: Path, first_line: str, version: str | None) -> None:
    (tree / "VERSION").write_text("25.0\nwasi-libc: 574b88da481569b65a237cb80daf9a2d5aeaf82d\n")
    (tree / "share" / "wasi-sysroot" / "VERSION").write_text(f"{first_line}\nwasi-libc: 0123456789ab\n")
    sdk = bootstrap.ensure_sdk(Cache(tmp_path / "cache"), Console())
    assert (sdk.version, sdk.wasi_libc) == (version, "0123456")


@pytest.mark.parametrize(
    ("folder", "version"), [("wasi-sdk-24.0-x86_64-linux", "24"), ("wasi-sdk-21.0", "21"), ("wasi-sdk-24", None)]
)
def test_folder_of_an_archive_without_a_version_file_names_the_release(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, folder: str, version: str | None
) -> None:
    """Modules that are built with an archive of wasi-sdk 24 say the same as those of the release that is downloaded."""
    (tmp_path / folder).symlink_to(tree) if version is None else tree.rename(tmp_path / folder)
    monkeypatch.setenv("WASI_SDK_PATH", str(tmp_path / folder))
    sdk = bootstrap.ensure_sdk(Cache(tmp_path / "cache"), Console())
    assert sdk.version == version
    assert sdk.wasi_libc == (pins.wasi_libc_of_release(version) if version else sdk.wasi_libc)
    assert sdk.wasi_libc.startswith("sha256-") == (version is None)


def test_one_that_is_named_goes_before_what_is_ready(
    tmp_path: Path, tree: Path, wasi_sdk: WasiSdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    entry = cache.folder("sdk") / wasi_sdk.id
    entry.symlink_to(wasi_sdk.root)
    assert bootstrap.ensure_sdk(cache, Console()).root == tree
    (tree / "share" / "wasi-sysroot" / "lib" / "wasm32-wasip1" / "libc.a").touch()
    # It has to be checked again: until then nothing is ready.
    assert bootstrap.ready(cache) is None
    monkeypatch.delenv("WASI_SDK_PATH")
    monkeypatch.setattr(existing, "DEFAULT", tmp_path / "none")
    found = bootstrap.ensure_sdk(cache, Console())
    assert found.id == wasi_sdk.id


@pytest.mark.parametrize(("version", "pair"), [("3.13.5", "24"), ("3.9.2", None)])
def test_a_python_named_by_its_folder_has_a_pair_too(tmp_path: Path, version: str, pair: str | None) -> None:
    python = {"version": version, "wasi_libc": "x", "sdk": "x", "sdk_version": None, "llvm": "22"}
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "python": python}))
    with contextlib.nullcontext() if pair else pytest.raises(UsageError, match=r"Python 3\.9 cannot be built"):
        assert bootstrap._request("auto", str(tmp_path)).pair == pair


def test_a_wasi_libc_that_nobody_knows_is_said_so() -> None:
    sdk = WasiSdk(root=Path("/x"), provider="existing", id="x", llvm="22", wasi_libc="sha256-0123456789ab")
    assert bootstrap.deviation(sdk, "3.13", "24") == (
        "Note: wasi-libc is of no release that is known here (sha256-0123456789ab); PEP 816 pairs Python 3.13 with "
        "wasi-sdk 24's"
    )


@pytest.mark.parametrize(
    ("removed", "named"),
    [
        ("share/wasi-sysroot/lib/wasm32-wasip1/crt1*.o", "crt1"),
        ("share/wasi-sysroot/lib/wasm32-wasip1/libc.a", "libc"),
        ("lib/clang/*/lib/*/libclang_rt.builtins*.a", "builtins"),
        ("share/wasi-sysroot/lib", "sysroot"),
        ("share/wasi-sysroot/include", "sysroot headers"),
        ("bin/wasm-ld", "bin/wasm-ld"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, tree: Path, removed: str, named: str) -> None:
    for path in tree.glob(removed):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    with pytest.raises(ToolchainError, match=rf"the SDK {tree} lacks .*{named}"):
        bootstrap.ensure_sdk(Cache(tmp_path / "cache"), Console())


def test_one_that_looks_whole_and_does_not_work_is_refused(tmp_path: Path, tree: Path) -> None:
    (tree / "share" / "wasi-sysroot" / "lib" / "wasm32-wasip1" / "libc.a").write_bytes(b"!<arch>\n")
    with pytest.raises(
        ToolchainError, match=r"does not work: compiling and linking a C program failed.*undefined symbol"
    ):
        bootstrap.ensure_sdk(Cache(tmp_path / "cache"), Console())


def test_a_compiler_that_does_not_run_is_refused(tmp_path: Path, tree: Path) -> None:
    (tree / "bin" / "clang").write_text("#!/no/such/interpreter\n")
    with pytest.raises(ToolchainError, match=r"clang does not run"):
        bootstrap.ensure_sdk(Cache(tmp_path / "cache"), Console())


def test_no_provider_serves_and_every_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    monkeypatch.setenv("WASI_SDK_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ToolchainError) as caught:
        bootstrap.ensure(Cache(tmp_path / "cache"), Console())
    message = caught.value.message
    assert f"existing: WASI_SDK_PATH names {tmp_path / 'nowhere'}, which does not exist" in message
    assert "release: wasi-sysroot-24.0.tar.gz cannot be fetched: " in message
    assert "debian: offline" in message
    assert "WASI_SDK_PATH" in str(caught.value.hint)
    assert not (tmp_path / "cache" / "sdk").exists()


def test_an_unknown_provider_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no SDK provider is called debain") as caught:
        bootstrap.ensure_sdk(Cache(tmp_path), Console(), sdk="debain")
    assert "auto, existing, release, debian" in str(caught.value.hint)
