"""wasi-libc by its Makefile, from the distribution's source; what its build did not make is named."""

import filecmp
import os
import re
import shutil
from pathlib import Path

import pytest
from installed import poor_path

from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import wasi_libc
from hatch_wasi.toolchain import wasi_libc_build
from hatch_wasi.toolchain.verify import verify
from hatch_wasi.toolchain.wasi_libc_build import HEADER_SCRIPT, Make, build, find_make, install_headers, needs_make

OLDEST, CMAKE_SINCE = 20220101, 20251101


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, cache: Cache, wasi_sdk: WasiSdk) -> Path:
    """The first that the suites offer, the machine's own before others, of those with a Makefile."""
    os.environ.pop("HATCH_WASI_OFFLINE", None)
    reasons = list[str]()
    with cache.lock("apt"):
        kept = wasi_libc._kept(cache)
        for version, apt in wasi_libc._offers(cache, reasons):
            date = re.search(r"git(\d{8})", version)
            if date is None or not OLDEST < int(date[1]) < CMAKE_SINCE:
                continue
            try:
                path = kept.get(version.rpartition("-")[0]) or wasi_libc._fetch(cache, apt, version)
            except FetchError as error:
                reasons.append(error.message)
                continue
            folder = tmp_path_factory.mktemp("make") / "wasi-libc"
            wasi_libc._from_archive(path).unpack(folder)
            return folder
    pytest.fail("; ".join(reasons))


@pytest.fixture
def sdk(tmp_path: Path, wasi_sdk: WasiSdk) -> WasiSdk:
    """The distribution's SDK without its sysroot."""
    root = tmp_path / "sdk"
    root.mkdir()
    for name in ("bin", "lib"):
        shutil.copytree(wasi_sdk.root / name, root / name, symlinks=True)
    (root / "llvm").symlink_to(wasi_sdk.root / "llvm")
    return WasiSdk(root=root, provider="source", id="", llvm=wasi_sdk.llvm, wasi_libc="")


def test_by_its_makefile(
    tmp_path: Path, source: Path, sdk: WasiSdk, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert needs_make(source)
    make = find_make(cache, tmp_path / "make", tmp_path / "log")
    monkeypatch.setenv("PATH", poor_path(tmp_path / "bin"))
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    build(sdk, source, tmp_path / "build", tool=make, log=tmp_path / "log", jobs=os.cpu_count() or 1)
    verify(sdk, trial.run_command)
    assert os.fsencode(tmp_path) not in (sdk.library_dir / "libc.a").read_bytes()
    if not (source / HEADER_SCRIPT).exists():
        _compare_headers(tmp_path, source)


def _compare_headers(tmp_path: Path, source: Path) -> None:
    """What is done in the place of the bash script of wasi-sdk 25 to 29 gives what the Makefile gave before it."""
    makefile = (source / "Makefile").read_text()
    names = re.findall(r'^\s*(".*?")\s*\\?$', makefile[makefile.index("MUSL_OMIT_HEADERS") :], flags=re.MULTILINE)
    script = source / HEADER_SCRIPT
    script.parent.mkdir()
    threads = ' "aio.h" "pthread.h"' if '"aio.h" "pthread.h"' in makefile else ""
    script.write_text(
        f"#!/usr/bin/env bash\nMUSL_OMIT_HEADERS=()\nMUSL_OMIT_HEADERS+=({' '.join(names)} \\\n{threads})\n"
    )
    install_headers(source, tmp_path / "headers")
    made = next(path for path in (tmp_path / "build" / "sysroot").glob("include"))
    different = [path for path in (made / "wasm32-wasip1", made) if path.is_dir()][:1]
    found = filecmp.dircmp(tmp_path / "headers", different[0])
    assert (found.left_only, found.right_only, found.diff_files) == ([], [], [])
    for inner in found.subdirs.values():
        assert (inner.left_only, inner.right_only, inner.diff_files) == ([], [], [])


def test_a_script_of_another_form_is_not_guessed_at(tmp_path: Path) -> None:
    script = tmp_path / HEADER_SCRIPT
    script.parent.mkdir()
    script.write_text("#!/bin/sh\ncp -r include $1\n")
    with pytest.raises(ToolchainError, match="does not name the headers that it leaves out"):
        install_headers(tmp_path, tmp_path / "out")


def test_what_was_not_made_is_named(tmp_path: Path, sdk: WasiSdk) -> None:
    program = tmp_path / "make"
    program.write_text(f"#!/bin/sh\nmkdir -p '{tmp_path}/build/sysroot/lib/wasm32-wasip1'\n")
    program.chmod(0o755)
    (tmp_path / "source").mkdir()
    with pytest.raises(ToolchainError, match=r"made no crt1-command\.o, crt1-reactor\.o, libc\.a") as caught:
        build(sdk, tmp_path / "source", tmp_path / "build", tool=Make(program=program), log=tmp_path / "log")
    assert caught.value.log == tmp_path / "log"
    assert not sdk.sysroot.exists()


def test_offline_without_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(ToolchainError, match="no make on this machine") as caught:
        find_make(Cache(tmp_path / "cache"), tmp_path / "make", tmp_path / "log")
    assert caught.value.hint == "install make"


def test_the_distributions_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Cache) -> None:
    monkeypatch.delenv("HATCH_WASI_OFFLINE", raising=False)
    usual = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if "make" in name else usual(name))
    made = find_make(cache, tmp_path / "make", tmp_path / "log")
    assert made.program.is_relative_to(tmp_path)
    (tmp_path / "Makefile").write_text("out:\n\techo made > out\n")
    wasi_libc_build.process.run([made.program, "-C", tmp_path, "out"], what="making")
    assert (tmp_path / "out").read_text() == "made\n"
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(ToolchainError):
        find_make(cache, tmp_path / "other", tmp_path / "log")
