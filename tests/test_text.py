"""Text of strangers on the terminal: what could steer it becomes visible, everything else stays."""

import io
import json
import sys

import pytest

from hatch_wasi import console
from hatch_wasi.console import Console
from hatch_wasi.errors import ConfigError, HatchWasiError
from hatch_wasi.text import LONGEST, one_line, printable, relayed

CONTROLS = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
BIDIRECTIONAL = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
OTHERS = [0x00AD, 0x200B, 0x2028, 0x2029, 0xFEFF, 0xE0041, 0xD800, 0xDFFF, 0xDC80]
EVIL = "\x1b]0;owned\x07\x1b[31mRED\x9b31m\u202e"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("code", [*CONTROLS, *BIDIRECTIONAL, *OTHERS])
def test_what_steers_a_terminal_or_hides_text_becomes_visible(code: int) -> None:
    shown = printable(f"a{chr(code)}b")
    assert shown == f"a{chr(code).encode('unicode_escape').decode()}b"
    assert shown.isascii()
    assert shown.isprintable()
    assert one_line(chr(code)) == printable(chr(code)) == relayed(chr(code))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "two\nlines\tand a tab\n",
        "Größe ﬁ 漢字 नमस्ते",
        "no\u00a0break\u3000space",
        "👩\u200d💻 می\u200cشد",
        r"back\slash",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert printable(text) == text == relayed(text)


def test_text_that_is_fit_already_stays() -> None:
    assert printable(printable(EVIL)) == printable(EVIL)


def test_one_line_is_one_line_of_a_bounded_length() -> None:
    assert one_line("a\nb\tc\r\x1b") == r"a\nb\tc\r\x1b"
    assert one_line("x" * 3 * LONGEST) == "x" * LONGEST + "…"


def test_another_program_s_output_loses_its_colours_and_keeps_its_lines() -> None:
    coloured = "\x1b[01;31m\x1b[Ka.c:1:2: error:\x1b[m\x1b[K no\r\n\x1b[38;2;1;2;3mhint\x1b[0m\n"
    assert relayed(coloured) == "a.c:1:2: error: no\nhint\n"
    assert relayed(EVIL) == "\\x1b]0;owned\\x07RED\\x9b31m\\u202e"


@pytest.mark.parametrize("say", [Console.note, Console.detail, Console.warn, Console.error])
def test_whatever_the_console_says_is_fit_for_a_terminal(say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out, lines = Terminal(), []
    say(Console(verbosity=1, stream=out), EVIL)
    say(Console(verbosity=1, write=lines.append), EVIL)
    assert out.getvalue().endswith(f"{printable(EVIL)}\n")
    assert lines[0].endswith(printable(EVIL))


def test_a_step_s_name_is_one_line_and_our_own_control_characters_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Console(stream=out).step(f"a\r{EVIL}\nb"):
        pass
    label = f"a\\r{printable(EVIL)}\\nb"
    assert out.getvalue() == f"{label}\r\x1b[K{label}: 0.0 s\n"


@pytest.mark.parametrize(
    "error", [HatchWasiError(EVIL, hint=EVIL), ConfigError([EVIL]), ConfigError([EVIL, EVIL], hint=EVIL)]
)
def test_a_rendered_error_is_fit_for_a_terminal(error: HatchWasiError) -> None:
    assert all(line.isprintable() for line in error.render().split("\n"))
    assert printable(EVIL) in error.render()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_data_is_printed_fit_for_a_terminal_and_for_its_encoding(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, newline="\n"))
    console.output(f"漢 {EVIL}\n")
    assert raw.getvalue().decode(encoding) == (
        f"漢 {printable(EVIL)}\n" if encoding == "utf-8" else f"\\u6f22 {printable(EVIL)}\n"
    )


def test_json_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    console.output(json.dumps({"name": EVIL + "\x7f\u2028\ud800"}, indent=2))
    assert json.loads(out.getvalue()) == {"name": EVIL + "\x7f\u2028\ud800"}


def test_a_cut_does_not_bare_a_password() -> None:
    address = "https://user:" + "s3cret" * 4 + "@host/x"
    shown = one_line("x" * (LONGEST - 20) + " " + address)
    assert "s3c" not in shown
    assert "s3c" not in one_line("x" * (LONGEST - 10) + " https://user:" + "s3cret" * LONGEST + "@host/")
