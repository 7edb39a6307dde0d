"""CPython's own tests: a choice of files on the installed WASI Python, and how their outcome is read."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hatch_wasi.wasi_python import WasiPython

SCRIPT = Path(__file__).parents[2] / "scripts" / "cpython_tests.py"
# Files and folders, time, the libraries, and what our part of the guest touches.
CHOICE = (
    "test_bz2", "test_dict", "test_fileio", "test_float", "test_glob", "test_gzip", "test_json", "test_lzma", "test_mmap", "test_os",
    "test_platform", "test_posix", "test_shutil", "test_signal", "test_sqlite3", "test_struct", "test_sysconfig",
    "test_zlib",
)  # fmt: skip

# What is left of these, and why is in docs/cpython-tests.md.
PARTLY = {
    "test_ctypes": {
        "test_ctypes.test_errno.Test.test_open",
        "test_ctypes.test_structures.StructureTestCase.test_issue18060_a",
        "test_ctypes.test_structures.StructureTestCase.test_issue18060_b",
        "test_ctypes.test_structures.StructureTestCase.test_issue18060_c",
        "test_ctypes.test_structures.StructureTestCase.test_packed_c_limits",
        "test_ctypes.test_values.PythonValuesTestCase.test_frozentable",
    },
}

Read = Callable[[int, str], Any]


def test_a_choice_of_cpythons_tests_passes(wasi_python: WasiPython, tmp_path: Path) -> None:
    argv = [sys.executable, SCRIPT, "--python", wasi_python.root, "--folder", tmp_path, *CHOICE]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CHOICE)} passed" in done.stdout


def test_all_but_a_few_cases_of_these_pass(wasi_python: WasiPython, tmp_path: Path) -> None:
    record = tmp_path / "record"
    argv = [sys.executable, SCRIPT, "--python", wasi_python.root, "--folder", tmp_path, "--record", record, *PARTLY]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(record.read_text())
    assert {name: set(outcome["reasons"]) for name, outcome in found.items()} == PARTLY
    assert found["test_ctypes"]["run"] > 500


@pytest.fixture(scope="module")
def read() -> Read:
    found: Read = runpy.run_path(str(SCRIPT))["read"]
    return found


def test_a_file_that_passed(read: Read) -> None:
    output = "== Tests result: SUCCESS ==\n\n1 test OK.\n\nTotal tests: run=1,234 skipped=56\nResult: SUCCESS\n"
    outcome = read(0, output)
    assert (outcome.state, outcome.run, outcome.skipped, outcome.reasons) == ("passed", 1234, 56, ())


def test_a_file_that_is_skipped_says_why(read: Read) -> None:
    output = "test_mmap skipped -- No module named 'mmap'\nTotal tests: run=0\nResult: SUCCESS\n"
    outcome = read(0, output)
    assert (outcome.state, outcome.reasons) == ("skipped", ("No module named 'mmap'",))


def test_a_file_that_failed_names_its_cases(read: Read) -> None:
    output = (
        "FAIL: test_a (test.test_x.Case.test_a)\nERROR: test_b (test.test_x.Case.test_b)\n"
        "Total tests: run=7 failures=1 errors=1\nResult: FAILURE\n"
    )
    outcome = read(2, output)
    assert (outcome.state, outcome.run) == ("failed", 7)
    assert outcome.reasons == ("test_x.Case.test_a", "test_x.Case.test_b")


def test_a_process_that_ended_early_has_crashed(read: Read) -> None:
    outcome = read(134, "wasm trap: out of bounds memory access\n")
    assert (outcome.state, outcome.reasons[0]) == ("crashed", "status 134")
