"""Lines that are typed on a terminal: editing, history and completion, at the prompt and in programs."""

import json
import readline
import stat
import sys

import pytest
from terminals import Terminal

from hatch_wasi.runtime import bindings, history

LEFT, UP = "\x1b[D", "\x1b[A"


def test_a_line_can_be_edited(terminal):
    shell = terminal("-q")
    shell.until(">>> ")
    shell.say(f"print(6 * 8){LEFT}\x7f97\n")
    shell.until("\r\n582\r\n>>> ")
    shell.say(f"{UP}\x01[\x05]\n")
    shell.until("\r\n582\r\n[None]\r\n>>> ")
    shell.say("exit()\n")
    assert shell.ended() == 0


def test_an_interrupt_at_the_prompt_shows_its_name_alone(terminal):
    shell = terminal("-q")
    shell.until(">>> ")
    shell.say("half\x03")
    seen = shell.until("KeyboardInterrupt\r\n>>> ")
    assert "Traceback" not in seen
    shell.say("exit()\n")
    assert shell.ended() == 0


def test_names_are_completed(terminal):
    shell = terminal("-q")
    shell.until(">>> ")
    shell.say("zebra_stripes = 'black' + 'white'\n")
    shell.until(">>> ")
    shell.say("zebra_st\t.upp\t\n")
    shell.until("\r\n'BLACKWHITE'\r\n>>> ")
    shell.say("if True:\n")
    shell.until("... ")
    shell.say("\tprint('indented')\n\n")
    shell.until("\r\nindented\r\n>>> ")
    shell.say("exit()\n")
    assert shell.ended() == 0


def test_history_stays_and_is_not_the_guests(terminal, tmp_path):
    first = terminal("-q")
    first.until(">>> ")
    first.say("secret = 'xyzzy' * 2\n")
    first.until(">>> ")
    first.say("exit()\n")
    assert first.ended() == 0
    kept = tmp_path / "data" / "history"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text().splitlines() == ["secret = 'xyzzy' * 2", "exit()"]
    second = terminal("-q")
    second.until(">>> ")
    second.say("import readline as r\n")
    second.until(">>> ")
    second.say("[r.get_history_item(n) for n in range(-3, 9)]\n")
    seen = second.until("]\r\n>>> ")
    assert "xyzzy" not in seen
    second.say("r.get_current_history_length(), r.clear_history()\n")
    second.until("(3, None)")
    second.until(">>> ")
    second.say(UP * 3 + "\n")
    second.until("'xyzzy'")
    second.until(">>> ")
    second.say(
        "import _hatch_wasi_edit as edit; edit.ask(5, b'-1'), edit.ask(6, b'-1\\0planted'), edit.ask(1, b'\\0\\0?')\n"
    )
    second.until("?")
    second.say("typed\n")
    second.until("(None, None, b'Ltyped')")
    second.until(">>> ")
    second.say("r.add_history('planted')\n")
    second.until(">>> ")
    second.say("exit()\n")
    assert second.ended() == 0
    assert "planted" not in kept.read_text().splitlines()


def test_a_program_edits_its_input_and_leaves_no_history(terminal, tmp_path):
    (tmp_path / "here" / "ask.py").write_text(
        "import sys\nprint(repr(input('name? ')), repr(input('\\x01\\x1b[1m\\x02again? ')))\n"
        "try: input('end? ')\nexcept EOFError: print('the end')\n"
    )
    program = terminal("ask.py")
    program.until("name? ")
    program.say(f"A b\t{LEFT}{LEFT}x\n")
    program.until("again? ")
    program.say(f"{UP}!\n")
    program.until("'A xb\\t' 'A xb\\t!'")
    program.until("end? ")
    program.say("\x04")
    program.until("the end")
    assert program.ended() == 0
    assert not (tmp_path / "data" / "history").exists()


def test_what_is_typed_after_the_prompt_can_be_given(terminal, tmp_path):
    (tmp_path / "here" / "given.py").write_text(
        "import readline\nreadline.set_startup_hook(lambda: readline.insert_text('given'))\nprint(repr(input('> ')))\n"
    )
    program = terminal("given.py")
    program.until("> given")
    program.say(" more\n")
    program.until("'given more'")
    assert program.ended() == 0


def test_debugger(terminal, tmp_path):
    (tmp_path / "here" / "bug.py").write_text("giraffes = 3\nbreakpoint()\nprint('done')\n")
    program = terminal("bug.py")
    program.until("(Pdb) ")
    program.say("p giraf\t* 5\n")
    program.until("\r\n15\r\n(Pdb) ")
    program.say(f"{UP}0\n")
    program.until("\r\n150\r\n(Pdb) ")
    program.say("c\n")
    program.until("done")
    assert program.ended() == 0


def test_commands_of_a_program(terminal, tmp_path):
    (tmp_path / "here" / "shell.py").write_text(
        "import cmd\nclass Shell(cmd.Cmd):\n"
        "    def do_paint(self, word): print('painted', word)\n"
        "    def complete_paint(self, text, line, begin, end):\n"
        "        return [f'{name}:{line[begin:end]}:{begin}' for name in ['yellow'] if name.startswith(text)]\n"
        "    def do_EOF(self, word): return True\n"
        "Shell().cmdloop()\n"
    )
    program = terminal("shell.py")
    program.until("(Cmd) ")
    program.say("pai\t yel\t\n")
    program.until("painted yellow:yel:6")
    program.until("(Cmd) ")
    program.say("\x04")
    assert program.ended() == 0


def test_interaction_in_a_program(terminal, tmp_path):
    (tmp_path / "here" / "inner.py").write_text(
        "import code, readline, rlcompleter\nspace = {'elephant': 12}\n"
        "readline.set_completer(rlcompleter.Completer(space).complete)\n"
        "readline.parse_and_bind('tab: complete')\ncode.interact(banner='', exitmsg='', local=space)\n"
    )
    program = terminal("inner.py")
    program.until(">>> ")
    program.say("eleph\t + 1\n")
    program.until("\r\n13\r\n>>> ")
    program.say("half\x03")
    program.until("KeyboardInterrupt\r\n>>> ")
    program.say("\x04")
    assert program.ended() == 0


@pytest.mark.parametrize(
    ("completer", "status"),
    [("lambda text, state: os._exit(7)", 7), ("lambda text, state: 1 / 0", 0), ("lambda text, state: '\\0'", 0)],
)
def test_completers_that_fail(terminal, tmp_path, completer, status):
    (tmp_path / "here" / "bad.py").write_text(
        f"import os, readline\nreadline.set_completer({completer})\nprint(repr(input('> ')))\n"
    )
    program = terminal("bad.py")
    program.until("> ")
    program.say("x\t")
    if status == 0:
        program.say("y\n")
        program.until("'xy'")
    assert program.ended() == status


def test_a_guest_that_ends_while_a_line_is_read_in_a_process_that_ignores_sigint(terminal, tmp_path):
    (tmp_path / "here" / "bad.py").write_text(
        "import os, readline\nreadline.set_completer(lambda text, state: os._exit(7))\ninput('> ')\n"
    )
    shell = ("sh", "-c", 'trap "" INT; exec "$0" -m hatch_wasi run bad.py', sys.executable)
    program = terminal(program=shell)
    program.until("> ")
    program.say("x\t")
    assert program.ended() == 7


def test_interrupts_while_a_line_is_read(terminal, tmp_path):
    (tmp_path / "here" / "handler.py").write_text(
        "import signal\nsignal.signal(signal.SIGINT, lambda *_: print('[handled]', flush=True))\n"
        "print(repr(input('> ')))\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try: input('again> ')\nexcept KeyboardInterrupt: print('caught')\n"
        "import time; start = time.monotonic(); time.sleep(0.5); print(time.monotonic() - start >= 0.5)\n"
        "input('last> ')\n"
    )
    program = terminal("handler.py")
    program.until("> ")
    program.say("lost\x03")
    program.until("[handled]")
    program.until("> ")
    program.say("kept\n")
    program.until("'kept'")
    program.until("again> ")
    program.say("\x03")
    program.until("caught")
    program.until("True")
    program.until("last> ")
    program.say("\x03")
    assert "_hatch_wasi" not in program.until("KeyboardInterrupt")
    assert program.ended() == -2


def test_the_module_has_cpythons_interface(guest):
    ours = set(json.loads(guest("-c", "import json, readline; print(json.dumps(dir(readline)))").stdout))
    assert {name for name in dir(readline) if not name.startswith("_")} <= ours
    assert "read_line" not in ours


def test_history_is_the_guests_own_without_a_terminal(guest, tmp_path):
    (tmp_path / "lines").write_text("one\ntwo\n")
    code = (
        "import readline as r\nr.read_history_file('lines'); r.add_history('three')\n"
        "print(r.get_current_history_length(), [r.get_history_item(n) for n in range(5)])\n"
        "r.remove_history_item(0); r.replace_history_item(0, '2'); r.set_history_length(1)\n"
        "r.write_history_file('out'); print(open('out').read())\n"
        "for position in (-1, 9):\n"
        "    try: r.remove_history_item(position)\n    except ValueError as error: print(error)\n"
        "r.set_completer(len); r.set_completer_delims(' '); r.parse_and_bind('tab: complete')\n"
        "print(r.get_completer() is len, repr(r.get_completer_delims()), r.get_line_buffer() == '', r.backend)\n"
    )
    assert guest("-c", code).stdout.splitlines() == [
        "3 [None, 'one', 'two', 'three', None]",
        "three",
        "",
        "History index cannot be negative",
        "No history item at position 9",
        "True ' ' True readline",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tab: complete", "tab: complete"),
        (" Control-l :clear-screen ", "Control-l: clear-screen"),
        (r'"\e[A": history-search-backward', r'"\e[A": history-search-backward'),
        ("set editing-mode vi", "set editing-mode vi"),
        ("$include /etc/passwd", None),
        ('"x": "rm -rf ~\\n"', None),
        ("tab: dump-functions", None),
        ("tab: re-read-init-file", None),
        ("set history-size 0", None),
        ("set editing-mode vi\n$include /etc/passwd", None),
        ('"a\nb": complete', None),
        ("", None),
    ],
)
def test_settings_that_a_guest_may_change(line, expected):
    assert bindings.checked(line) == expected


def test_settings_as_libedit_has_them():
    assert bindings.for_libedit("tab: complete") == "bind ^I rl_complete"
    assert bindings.for_libedit("set bell-style none") is None


def test_history_file(tmp_path):
    path = tmp_path / "new" / "history"
    assert history.load(str(path)) == []
    for number in range(2001):
        history.append(str(path), f"line {number}")
    assert history.load(str(path)) == [f"line {number}" for number in range(1001, 2001)]
    assert len(path.read_text().splitlines()) == 1000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "file").write_text("")
    history.append(str(tmp_path / "file" / "history"), "nowhere to keep it")


def test_it_can_be_suspended(toolchain, tmp_path, monkeypatch):
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PS1", "shell$ ")
    shell = Terminal(program=["bash", "--norc", "--noprofile", "-i"])
    shell.until("shell$ ")
    shell.say(f"'{sys.executable}' -m hatch_wasi run -q\n")
    shell.until(">>> ")
    shell.say("6 * 7 ")
    shell.until("6 * 7 ")
    shell.say("\x1a")
    shell.until("Stopped")
    shell.until("shell$ ")
    shell.say("fg\n")
    shell.until("hatch_wasi run -q\r\n")
    shell.say("+ 1\n")
    shell.until("\r\n43\r\n>>> ")
    shell.say("exit()\n")
    shell.until("shell$ ")
    shell.say("exit\n")
    assert shell.ended() == 0
