"""`info` tells what is there, `info --verify` what is damaged, and `bootstrap` makes it again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.sdk import WasiSdk


def call(env: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hatch_wasi", *words], env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def entry(tmp_path: Path, env: dict[str, str]) -> Path:
    done = call(env, "bootstrap")
    assert done.returncode == 0, done.stderr
    (entry,) = Cache(tmp_path / "cache").entries("python")
    return entry


def test_before_anything_is_there(tmp_path: Path, env: dict[str, str], wasi_sdk: WasiSdk) -> None:
    done = call(env, "info")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Toolchain for Python 3.13, sdk = auto: not ready; `hatch-wasi bootstrap` makes it" in done.stdout
    assert f"1. existing  would check {wasi_sdk.root} (WASI_SDK_PATH)" in done.stdout
    assert "debian    not: offline, packages cannot be fetched" in done.stdout
    assert done.stdout.endswith("\nNext:  hatch-wasi bootstrap\n")
    assert not (tmp_path / "cache").exists()
    del env["WASI_SDK_PATH"]
    done = call(env, "info", "--sdk", str(tmp_path))
    assert f"1. existing  would check {tmp_path} (the sdk setting)" in done.stdout
    assert "2." not in done.stdout
    done = call(env, "info", "--sdk", f"{tmp_path}/nowhere")
    assert f"1. existing  not: the sdk setting names {tmp_path}/nowhere, which does not exist" in done.stdout


def test_what_is_there_and_what_next(tmp_path: Path, env: dict[str, str], entry: Path, wasi_sdk: WasiSdk) -> None:
    done = call(env, "info")
    assert "Toolchain for Python 3.13, sdk = auto: ready" in done.stdout
    assert f"1. existing  ready: clang {wasi_sdk.llvm}" in done.stdout
    assert f"MB  python/{entry.name} <- used" in done.stdout
    assert "C++ library    none yet: the first C++ extension has it built" in done.stdout
    assert f"Data:  {tmp_path / 'data'}" in done.stdout
    assert "hatch-wasi run -c" in done.stdout
    facts = json.loads(call(env, "info", "--json").stdout)
    assert facts["ready"]["python"] == str(entry)
    assert facts["entries"]["python"][entry.name]["python"]["version"] == "3.13.99"
    assert facts["sizes"]["python"][entry.name] > 10_000
    assert facts["providers"][0]["ready"] == str(wasi_sdk.root)
    assert "damage" not in facts
    again = call(env, "bootstrap")
    assert f"Python: 3.13.99 in {entry}" in again.stderr
    assert f"Installed packages go to {tmp_path / 'data' / 'site'}" in again.stderr
    assert "Next:  hatch-wasi run -c" in again.stderr
    assert "Damaged" not in again.stderr


@pytest.mark.parametrize("how", ["byte", "missing", "manifest", "empty manifest", "other manifest", "no list"])
def test_what_is_damaged_is_named_and_made_again(tmp_path: Path, env: dict[str, str], entry: Path, how: str) -> None:
    wasm, manifest = entry / "python.wasm", entry / "manifest.json"
    before = {path: path.read_bytes() for path in entry.rglob("*") if path.is_file()}
    assert call(env, "info", "--verify").returncode == 0
    if how == "byte":
        wasm.write_bytes(wasm.read_bytes()[:-1] + b"\0")
    elif how == "missing":
        wasm.unlink()
    elif how == "no list":
        (entry / "contents.json").unlink()
    else:
        manifest.write_text({"manifest": "{", "empty manifest": "{}", "other manifest": '{"python": {}}'}[how])
    damaged = {"byte": "python.wasm: changed", "missing": "python.wasm: missing", "no list": "contents.json: missing"}
    expected = damaged.get(how, "manifest.json: changed")
    found = call(env, "info", "--verify")
    assert found.returncode == 1
    assert f"python/{entry.name}: DAMAGED\n  {expected}\n" in found.stdout
    assert "`hatch-wasi bootstrap` makes damaged entries again" in found.stdout
    found = call(env, "info", "--verify", "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["damage"] == {f"python/{entry.name}": [expected]}
    done = call(env, "bootstrap")
    assert done.returncode == 0, done.stderr
    assert f"Damaged in the cache, and removed, to be made again: python/{entry.name} ({expected})" in done.stderr
    assert "Linking python.wasm" in done.stderr
    assert {path: path.read_bytes() for path in entry.rglob("*") if path.is_file()} == before
    assert call(env, "info", "--verify").returncode == 0


def test_what_is_too_much_is_removed(env: dict[str, str], entry: Path) -> None:
    (entry / "lib" / "python3.13" / "extra.pyc").touch()
    (entry / "bin" / "python3.13").chmod(0o700)
    assert call(env, "info", "--verify").returncode == 1
    done = call(env, "bootstrap")
    assert f"Damaged in the cache, and mended: python/{entry.name} (bin/python3.13: mode and 1 more)" in done.stderr
    assert "Linking" not in done.stderr
    assert call(env, "info", "--verify").returncode == 0


def test_a_python_that_is_named_by_its_folder_is_left_alone(tmp_path: Path, env: dict[str, str], entry: Path) -> None:
    moved = tmp_path / "elsewhere"
    entry.rename(moved)
    (moved / "extra").touch()
    done = call(env, "bootstrap", "--python", str(moved))
    assert (done.returncode, "Damaged" in done.stderr) == (0, False), done.stderr
    assert (moved / "extra").exists()
