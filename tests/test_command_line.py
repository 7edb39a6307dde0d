"""What all commands have in common."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_wasi.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_common_options(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatch_wasi", command, "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--python", "--sdk", "--offline", "--verbose", "--quiet"):
        assert option in done.stdout, option


def _run(*words: str, **kwargs: object) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "hatch_wasi", *words]
    return subprocess.run(argv, stderr=subprocess.PIPE, text=True, check=False, **kwargs)  # type: ignore[call-overload, no-any-return]


def test_without_a_command_all_are_shown() -> None:
    done = _run()
    assert done.returncode == 2
    assert all(f"    {command} " in done.stderr for command in COMMANDS)
    assert _run("-V", stdout=subprocess.PIPE).stdout.startswith("hatch-wasi ")


def test_help_is_a_command_too() -> None:
    for words in ((), ("run",), ("install",)):
        shown = _run("help", *words, stdout=subprocess.PIPE)
        assert shown.returncode == 0
        assert shown.stdout == _run(*words, "--help", stdout=subprocess.PIPE).stdout
    assert _run("help", "instal").returncode == 2


def test_an_unknown_option_without_a_command() -> None:
    done = _run("--verison")
    assert done.returncode == 2
    assert "--verison" in done.stderr
    assert "did you mean --version?" in done.stderr


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"run"}))
def test_an_unknown_option_is_the_commands(command: str) -> None:
    words = {
        "venv": ["x"],
        "wheel": ["x"],
        "audit": ["x"],
        "index": ["x"],
        "export": ["x"],
        "import": ["x"],
        "show": ["x"],
    }
    done = _run(command, *words.get(command, []), "--nosuch")
    assert done.returncode == 2
    assert f"usage: hatch-wasi {command} " in done.stderr
    assert f"hatch-wasi {command}: error: unrecognized arguments: --nosuch" in done.stderr


@pytest.mark.parametrize(("word", "meant"), [("instal", "install"), ("unistall", "uninstall"), ("freez", "freeze")])
def test_a_misspelt_command(word: str, meant: str) -> None:
    done = _run(word, "x")
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_that_is_like_no_other() -> None:
    done = _run("frobnicate")
    assert done.returncode == 2
    assert all(command in done.stderr for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["install", "--pyhton", "3.13", "x"], "--python"),
        (["clean", "--ofline"], "--offline"),
        (["list", "--fromat=json"], "--format"),
    ],
)
def test_a_misspelt_option(words: list[str], meant: str) -> None:
    done = _run(*words)
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr


def test_an_interrupt_ends_a_command_as_any_program(tmp_path: Path) -> None:
    code = (
        "import hatch_wasi.cli as cli, sys\ndef execute(words): raise KeyboardInterrupt\n"
        "cli._execute = execute\nsys.argv = ['hatch-wasi', 'info']\ncli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "error: interrupted\n")


def test_options_before_the_command() -> None:
    assert "error: -v: options go after the command" in _run("-v", "list").stderr


def test_what_there_is_to_clean(tmp_path: Path) -> None:
    shown = _run("clean", "--help", stdout=subprocess.PIPE).stdout
    assert "[KIND ...]" in shown
    assert "[]" not in shown
    assert "there is no 'nosuch' (choose from aot, " in _run("clean", "nosuch").stderr
    assert _run("clean", env={**os.environ, "HATCH_WASI_CACHE_DIR": str(tmp_path / "none")}).returncode == 0


def test_a_reader_that_has_had_enough() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = _run("info", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        done = _run("info", stdout=full)
    assert (done.returncode, done.stderr) == (1, "error: the output: No space left on device\n")


def test_an_output_that_is_closed() -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec '{sys.executable}' -m hatch_wasi info >&-"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
