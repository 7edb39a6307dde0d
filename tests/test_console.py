"""What a person sees, on a terminal and elsewhere."""

import io
import time

import pytest

from hatch_wasi import console
from hatch_wasi.console import Console, seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("elapsed", "text"), [(0.44, "0.4 s"), (12.3, "12 s"), (185, "3 min 05 s"), (59.9, "60 s")])
def test_seconds(elapsed: float, text: str) -> None:
    assert seconds(elapsed) == text


def test_steps_are_lines_in_a_log() -> None:
    out = io.StringIO()
    with Console(stream=out).step("Compiling", index=2, total=7):
        pass
    assert out.getvalue() == "[2/7] Compiling …\n"


def test_steps_are_rewritten_in_place_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    console = Console(stream=out)
    with console.step("Compiling", index=1, total=2):
        console.note("a note")
    assert out.getvalue() == "[1/2] Compiling\r\x1b[Ka note\n[1/2] Compiling\r\x1b[K[1/2] Compiling: 0.0 s\n"


def test_a_step_that_fails_leaves_no_half_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with pytest.raises(ValueError, match="broken"), Console(stream=out).step("Compiling"):
        raise ValueError("broken")
    assert out.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("verbosity", "shown"), [(-1, ["warning: w", "error: e"]), (0, ["n", "warning: w", "error: e"])]
)
def test_verbosity(verbosity: int, shown: list[str]) -> None:
    lines: list[str] = []
    console = Console(verbosity=verbosity, write=lines.append)
    console.note("n")
    console.detail("d")
    console.warn("w")
    console.error("e")
    assert lines == shown


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 100_000_000, ["  25 MB of 100 MB (25 %)", "  50 MB of 100 MB (50 %)", "  75 MB of 100 MB (75 %)"]),
        (60_000_000, 100_000_000, ["  75 MB of 100 MB (75 %)"]),
        (0, 1_000_000, []),
        (0, None, ["  32 MB", "  64 MB", "  96 MB"]),
    ],
)
def test_a_transfer_is_told_by_quarters_in_a_log(done: int, total: int | None, shown: list[str]) -> None:
    lines: list[str] = []
    with Console(write=lines.append).progress(done, total) as show:
        for have in range(done, (total or 100_000_000) + 1, 500_000):
            show(have)
    assert lines == shown


def test_a_transfer_is_shown_beside_its_step_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(console, "TICK", 0.001)
    out = Terminal()
    speaker = Console(stream=out)
    with speaker.step("Downloading"), speaker.progress(0, 40_000_000) as show:
        show(10_000_000)
        while "10 MB of 40 MB (25 %)" not in out.getvalue():
            time.sleep(0.001)
    assert "\r\x1b[KDownloading … 0.0 s, 10 MB of 40 MB (25 %)" in out.getvalue()
    assert out.getvalue().endswith("s\n")
