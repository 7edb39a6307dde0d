"""What a person sees, on a terminal and elsewhere."""

import io

import pytest

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
