"""The SDK of the distribution's packages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.debian import commit_of, newest_llvm
from hatch_wasi.toolchain.debian_layout import wrapper
from hatch_wasi.toolchain.verify import verify


def test_the_newest_llvm_with_wasm_runtimes_is_chosen() -> None:
    names = ["libclang-rt-19-dev-wasm32", "libclang-rt-22-dev", "libclang-rt-9-dev-wasm32", "libclang-rt-22-dev-wasm32"]
    assert newest_llvm(names) == [22, 19, 9]


@pytest.mark.parametrize(
    ("version", "commit"),
    [("0.0~git20241209.574b88d-2", "574b88d"), ("0.0~git20260423.161b319d7e-1", "161b319"), ("1.0-1", "1.0-1")],
)
def test_the_package_version_names_the_commit(version: str, commit: str) -> None:
    assert commit_of(version) == commit


@pytest.mark.parametrize("call", ["bin/tool", "./tool", "tool by PATH", "link"])
def test_a_wrapper_finds_its_tree(tmp_path: Path, call: str) -> None:
    (tmp_path / "a tree" / "bin").mkdir(parents=True)
    (tmp_path / "a tree" / "llvm" / "bin").mkdir(parents=True)
    real = tmp_path / "a tree" / "llvm" / "bin" / "real"
    real.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH" "$@"\n')
    script = tmp_path / "a tree" / "bin" / "tool"
    script.write_text(wrapper("real", '--sysroot="$sdk/x" '))
    for path in (real, script):
        path.chmod(0o755)
    argv, cwd, env = {
        "bin/tool": (["bin/tool"], tmp_path / "a tree", {}),
        "./tool": (["./tool"], script.parent, {}),
        "tool by PATH": (["tool"], tmp_path, {"PATH": f"{script.parent}:{os.environ['PATH']}"}),
        "link": ([str(script)], tmp_path, {}),
    }[call]
    out = subprocess.run(
        [*argv, "two words"], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=True
    ).stdout
    assert "llvm/lib" in out
    assert out.rstrip().endswith("two words")


def test_the_tree_can_be_moved(tmp_path: Path, wasi_sdk: WasiSdk) -> None:
    if wasi_sdk.provider != "debian":
        pytest.fail("these tests are about the debian provider: run them without WASI_SDK_PATH")
    root = tmp_path / "moved sdk"
    shutil.copytree(wasi_sdk.root, root, symlinks=True)
    verify(WasiSdk.from_tree(root), trial.run_command)


def test_nothing_in_the_tree_names_the_machine(wasi_sdk: WasiSdk) -> None:
    marks = [os.fsencode(wasi_sdk.root.parent), os.fsencode(Path.home()) + b"/."]
    for path in wasi_sdk.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert not any(mark in data for mark in marks), path
        elif path.is_symlink():
            assert not path.readlink().is_absolute(), path
