"""Programs are run, and their failures told."""

import os
import sys
from pathlib import Path

import pytest

from hatch_wasi.errors import ProcessFailed
from hatch_wasi.process import base_environment, python, quote, run, run_python


def test_output_is_given() -> None:
    assert run([sys.executable, "-c", "print('out')"], what="a test") == "out\n"


def test_a_failure_names_the_work_the_status_and_the_telling_line(tmp_path: Path) -> None:
    script = "import sys; print('x.c:1: error: bad'); print('make: stopped'); sys.exit(3)"
    log = tmp_path / "logs" / "step.log"
    with pytest.raises(
        ProcessFailed, match=r"compiling x failed: python\S*, exit status 3: x\.c:1: error: bad"
    ) as caught:
        run([sys.executable, "-c", script], what="compiling x", log=log)
    assert caught.value.status == 3
    assert caught.value.log == log
    assert f"log: {log}" in caught.value.render()
    assert log.read_text().startswith("+ ")
    assert "make: stopped" in log.read_text()


def test_a_signal_is_named() -> None:
    with pytest.raises(ProcessFailed, match="ended by SIGTERM"):
        run([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], what="a test")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ProcessFailed, match="cannot run no-such-program: No such file or directory"):
        run(["no-such-program"], what="a test")


def test_a_program_that_takes_too_long() -> None:
    with pytest.raises(ProcessFailed, match=r"took longer than 0\.2 s"):
        run(["sleep", "10"], what="a test", timeout=0.2)


def test_the_environment_steers_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CFLAGS", "CC", "MAKEFLAGS", "PYTHONPATH"):
        monkeypatch.setenv(name, "from outside")
    env = base_environment({"CC": "ours"})
    assert env["CC"] == "ours"
    assert not {"CFLAGS", "MAKEFLAGS", "PYTHONPATH"} & set(env)
    assert env["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("isolated", [False, True])
def test_a_python_takes_nothing_from_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolated: bool
) -> None:
    for name in ("json", "sitecustomize", "here"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('from the working folder')\n")
    (tmp_path / "startup.py").write_text("raise SystemExit('from the environment')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "startup.py"))
    monkeypatch.chdir(tmp_path)
    words = ["-c", "import importlib.util, json, os; print(importlib.util.find_spec('here'), os.getcwd())"]
    assert run_python(words, what="a test", isolated=isolated) == "None /\n"
    assert run_python(words, what="a test", isolated=isolated, cwd=tmp_path) == f"None {tmp_path}\n"
    assert "usage: " in run_python(["-m", "json.tool", "--help"], what="a test", isolated=isolated, cwd=None)


def test_the_words_that_start_a_python() -> None:
    assert python() == [sys.executable, "-P"]
    assert python(Path("/opt/python3"), isolated=True) == ["/opt/python3", "-I"]


def test_quote() -> None:
    assert quote(["cc", Path("a b.c")]) == "cc 'a b.c'"
