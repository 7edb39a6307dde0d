"""Ctrl-C, and Python on a terminal."""

import os
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
             "import time\nwhile True: time.sleep(0.001)", "import threading; threading.Event().wait(60)",
             "import threading; threading.Event().wait()", "import asyncio; asyncio.run(asyncio.sleep(60))"],
)  # fmt: skip
def test_interrupt_ends_the_guest(started, code):
    process = started(code)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (-signal.SIGINT, "")
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
    assert (process.returncode, out) == (-signal.SIGINT, "cleaned\n")


def test_sleep_after_an_interrupted_computation_takes_its_time(started):
    process = started(
        "import time\n"
        "try:\n"
        "    while True: pass\n"
        "except KeyboardInterrupt: pass\n"
        "begin = time.monotonic(); time.sleep(0.5); print(time.monotonic() - begin >= 0.5)"
    )
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("True\n", "")


def test_a_guest_that_ends_before_it_looks_at_an_interrupt_ends_by_it(started):
    process = started("import itertools, os; any(map(os._exit, itertools.islice(itertools.repeat(0), 10**8, None)))")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == -signal.SIGINT


def test_the_default_action_ends_the_guest(started):
    process = started(
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); print(1, flush=True); time.sleep(60)"
    )
    assert process.stdout.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == -signal.SIGINT


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
    assert (process.returncode, out, error) == (-signal.SIGINT, "", "")


def test_interrupt_ends_the_loop_of_a_shell(toolchain, tmp_path):
    code = "print('ready', flush=True); import time; time.sleep(60)"
    loop = f"while true; do '{sys.executable}' -m hatch_wasi run -c \"{code}\"; echo again; done"
    shell = subprocess.Popen(
        ["bash", "-c", loop], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert shell.stdout.readline() == "ready\n"
        time.sleep(0.2)
        os.killpg(shell.pid, signal.SIGINT)  # as a terminal does: the shell and what it runs
        assert shell.communicate(timeout=60)[0] == ""
        assert shell.returncode == -signal.SIGINT
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.communicate()


def test_a_status_of_130_is_no_interrupt(guest):
    assert guest("-c", "import sys; sys.exit(130)").returncode == 130
    assert guest("-c", "raise KeyboardInterrupt").returncode == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_other_signals_end_it_as_they_end_any_process(started, number):
    before = signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    try:  # programs inherit what is ignored: nohup ignores SIGHUP
        process = started("import time; time.sleep(60)")
    finally:
        if before is not None:
            signal.signal(number, before)
    process.send_signal(number)
    assert process.wait(timeout=20) == -number


def test_sleep_takes_its_time(guest):
    code = "import time; a = time.monotonic(); time.sleep(0.5); print(0.5 <= time.monotonic() - a < 5)"
    assert guest("-c", code).stdout == "True\n"


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
