"""Ctrl-C, and Python on a terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

READY = "print('ready', flush=True)\n"


@pytest.fixture
def started(toolchain, tmp_path):
    """Start a guest with code that says when it is ready; gives the process then."""
    running = []

    def start(code: str) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "hatch_wasi", "run", "-c", READY + code]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "code", ["while True: pass", "import time; time.sleep(60)", "import select; select.select([], [], [], 60)",
             "import time\nwhile True: time.sleep(0.001)", "import asyncio; asyncio.run(asyncio.sleep(60))"],
)  # fmt: skip
def test_interrupt_ends_the_guest(started, code):
    process = started(code)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert error.startswith("Traceback")
    assert error.rstrip().endswith("KeyboardInterrupt")


def test_interrupt_can_be_caught_and_comes_again(started):
    process = started(
        "import time\n"
        "for _ in range(3):\n"
        "    try: time.sleep(60)\n"
        "    except KeyboardInterrupt: print('caught', flush=True)\n"
        "try:\n"
        "    while True: pass\n"
        "finally: print('cleaned', flush=True)"
    )
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "caught\n"
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "cleaned\n")


def test_own_handler(started):
    process = started(
        "import signal, time\n"
        "signal.signal(signal.SIGINT, lambda number, frame: print('handler', number, flush=True))\n"
        "print('set', flush=True)\n"
        "time.sleep(60); print('slept', flush=True)"
    )
    assert process.stdout.readline() == "set\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "handler 2\n"


def test_second_interrupt_ends_a_guest_that_does_not_react(started):
    process = started("sum(range(10**12))")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert (process.returncode, out, error) == (130, "", "")


def test_sleep_takes_its_time(guest):
    code = "import time; a = time.monotonic(); time.sleep(0.5); print(0.5 <= time.monotonic() - a < 5)"
    assert guest("-c", code).stdout == "True\n"


class Terminal:
    """A guest on a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, "-m", "hatch_wasi", "run", *arguments])

    def until(self, text: str, timeout: float = 20) -> str:
        seen, end = b"", time.monotonic() + timeout
        while text.encode() not in seen:
            left = end - time.monotonic()
            assert left > 0, f"no {text!r} in {seen!r}"
            if select.select([self.descriptor], [], [], left)[0]:
                seen += os.read(self.descriptor, 4096)
        return seen.decode()

    def say(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def ended(self) -> int:
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.descriptor)
        return status


@pytest.fixture
def terminal(toolchain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal


def test_repl(terminal, wasi_python):
    shell = terminal()
    banner = shell.until(">>> ")
    assert banner.startswith(f"Python {wasi_python.version} (")
    assert "warning" not in banner
    shell.say("6 * 7\n")
    assert "\r\n42\r\n>>> " in shell.until("42\r\n>>> ")
    shell.say("def f():\n    return [1,\n  2]\n\n")
    shell.until(">>> ")
    shell.say("f(), __import__('sys').stdin.isatty()\n")
    shell.until("([1, 2], True)")
    shell.say("exit(7)\n")
    assert shell.ended() == 7


def test_repl_ends_with_its_input(terminal):
    shell = terminal("-q")
    shell.until(">>> ")
    shell.say("\x04")
    assert shell.ended() == 0


def test_repl_survives_interrupts(terminal):
    shell = terminal("-q")
    shell.until(">>> ")
    for _ in range(3):
        shell.say("half a line\x03")
        shell.until("KeyboardInterrupt\r\n>>> ")
    shell.say("import time; time.sleep(60)\n")
    time.sleep(0.5)
    shell.say("\x03")
    shell.until("KeyboardInterrupt\r\n>>> ")
    shell.say("len('" + "a" * 3000 + "')\n")
    shell.until("3000\r\n>>> ")
    shell.say("input('name? ')\n")
    shell.until("name? ")
    shell.say("Ada\n")
    shell.until("'Ada'\r\n>>> ")
    shell.say("exit()\n")
    assert shell.ended() == 0
