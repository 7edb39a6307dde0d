"""The SDK of the distribution's packages."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError
from hatch_wasi.runtime import trial
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.machine import Distribution
from hatch_wasi.toolchain import debian
from hatch_wasi.toolchain.debian import commit_of, newest_llvm
from hatch_wasi.toolchain.debian_layout import RECIPE, wrapper
from hatch_wasi.toolchain.provider import Request, Unavailable
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


class Suites:
    """An apt state of one codename, as far as the choice of wasi-libc asks it."""

    def __init__(self, codename: str, *versions: str) -> None:
        self.distribution = Distribution(id="debian", codename=codename, mirrors=(), keyring=None)
        self._versions = list(versions)
        self.asked = 0

    def versions(self, package: str) -> list[str]:
        self.asked += 1
        if not self._versions:
            message = f"nothing of {package}"
            raise FetchError(message)
        return self._versions


V22, V24, V25, V33, V34 = (
    f"0.0~git{date}.{commit}-1"
    for date, commit in (
        (20220510, "9886d3d"),
        (20240724, "b9ef79d7"),
        (20241209, "574b88d"),
        (20260423, "161b319"),
        (20260801, "fb2edce"),
    )
)


@pytest.mark.parametrize(
    ("pair", "suites", "chosen", "asked"),
    [
        # None has 24's: the first that is new enough, and nobody asks on.
        ("24", [[V22], [V25], [V33]], V25, [1, 1, 0]),
        ("24", [[V22], [V25, V24], [V33]], V24, [1, 1, 0]),
        ("33", [[V22], [V25], [V33], [V34]], V33, [1, 1, 1, 0]),
        ("33", [[V22], [V25], [], [V34]], V25, [1, 1, 1, 1]),
        ("33", [[V34], [V34]], V34, [1, 0]),
    ],
)
def test_the_paired_wasi_libc_is_chosen_where_a_suite_has_it(
    pair: str, suites: list[list[str]], chosen: str, asked: list[int]
) -> None:
    states = [Suites(f"suite{index}", *versions) for index, versions in enumerate(suites)]
    codename, version = debian.choose_wasi_libc(states, 20240801 if pair == "33" else 20240701, pair)
    assert version == chosen
    assert [state.asked for state in states] == asked
    assert chosen in suites[int(codename[-1])]


def test_no_suite_has_one_that_is_new_enough() -> None:
    with pytest.raises(
        Unavailable, match=r"no wasi-libc of 20240801 or later \(old: 0\.0~git20220510\.9886d3d-1; none: "
    ):
        debian.choose_wasi_libc([Suites("old", V22), Suites("none")], 20240801, "24")


def test_an_sdk_is_ready_for_the_pair_it_was_made_for(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def put(name: str, version: str, **fields: str) -> None:
        entry = cache.folder("sdk") / name
        entry.mkdir()
        sdk = {"provider": "debian", "llvm": "22.1.8", "wasi_libc": "x", "version": version}
        (entry / "manifest.json").write_text(json.dumps({"schema": 1, "recipe": RECIPE, "sdk": sdk, **fields}))

    def ready(pair: str) -> str | None:
        sdk = debian.ready(cache, Request(sdk="debian", pair=pair, trial=trial.run_command))
        return sdk and sdk.id

    put("debian-1", "25", pair="24")
    put("release-1", "33")
    assert (ready("24"), ready("25"), ready("33")) == ("debian-1", "debian-1", None)
    put("debian-2", "33", pair="33")
    assert (ready("24"), ready("33")) == ("debian-1", "debian-2")


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
