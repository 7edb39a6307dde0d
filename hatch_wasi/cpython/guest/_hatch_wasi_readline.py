"""What the module `readline` offers, where the program that runs this interpreter edits lines (guest/editing.c).

History is kept here, and that program is told of each change: what it keeps of its own is not to be read here.
"""

import _hatch_wasi_edit

_LINE, _MATCHES, _ADD, _CLEAR, _REMOVE, _REPLACE, _BIND, _DELIMITERS = range(1, 9)
"""Operations, in which 0 is `FETCH`. Their data, and the answers, are texts that NUL separates:

LINE, flags, initial text, prompt, and MATCHES, inserted text, match, … give an event: L and a line; E at the end of
input; I if it was interrupted; C, type, begin, end, text and line when matches are wanted.
ADD text; CLEAR; REMOVE position; REPLACE position, text; BIND line; DELIMITERS text.
"""
_MOST = 10000
"""Matches that are offered."""

backend = "readline"
_history = []
_state = {
    "completer": None,
    "delimiters": " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?",
    "length": -1,
    "auto": True,
    "startup": None,
    "pre_input": None,
    "display": None,
}
_now = {"type": 0, "begin": 0, "end": 0, "line": ""}
"""Of the completion that is going on."""
_inserted = []


def _tell(operation, *texts):
    return _hatch_wasi_edit.ask(operation, "\0".join(texts).encode("utf-8", "surrogateescape"))


def _text(text):
    if not isinstance(text, str):
        raise TypeError(f"argument must be str, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError("embedded null character")
    return text


def _hook(function):
    if function is not None and not callable(function):
        raise TypeError("the hook must be callable or None")
    return function


# A line.


def read_line(prompt):
    """Read a line after `prompt`, both as bytes; None if there is nothing that edits lines."""
    if not _state["startup"] and not _state["pre_input"]:
        _inserted.clear()
    for hook in ("startup", "pre_input"):
        _quietly(_state[hook])
    while True:
        flags = "c" if _state["completer"] else ""
        first = "\0".join([flags, "".join(_inserted), ""]).encode("utf-8", "surrogateescape")
        _inserted.clear()
        reply = _hatch_wasi_edit.ask(_LINE, first + prompt)
        while reply is not None and reply[:1] == b"C":
            reply = _tell(_MATCHES, *_complete(reply[1:].decode("utf-8", "surrogateescape").split("\0")))
        if reply is None:
            return None
        if reply[:1] != b"I":
            break
        # The handler of SIGINT has been called by now. It raised nothing: the line is read again.
    if reply[:1] == b"E":
        return b""
    line = reply[1:].decode("utf-8", "surrogateescape")
    if _state["auto"] and line and line != (_history[-1] if _history else None):
        add_history(line)
    return reply[1:] + b"\n"


def _quietly(function, *arguments):
    """Call what belongs to others, whose exceptions would end the line: readline ignores them as well."""
    if function is None:
        return None
    try:
        return function(*arguments)
    except BaseException:  # noqa: BLE001
        return None


def _complete(words):
    """Return what was inserted, and all matches."""
    _now.update(type=int(words[0]), begin=int(words[1]), end=int(words[2]), line=words[4])
    _inserted.clear()
    matches = []
    while len(matches) < _MOST:
        found = _quietly(_state["completer"], words[3], len(matches))
        if not isinstance(found, str) or "\0" in found:
            break
        matches.append(found)
    found = ["".join(_inserted), *matches]
    _inserted.clear()
    return found


def insert_text(string, /):
    """Insert text into the line."""
    _inserted.append(_text(string))


def redisplay():
    """Do nothing: the line is shown anew by itself."""


def get_line_buffer():
    """Return the line as it is while it is being completed."""
    return _now["line"]


def get_begidx():
    """Return where the text begins that is being completed."""
    return _now["begin"]


def get_endidx():
    """Return where the text ends that is being completed."""
    return _now["end"]


def get_completion_type():
    """Return the type of the completion that is going on."""
    return _now["type"]


# Settings.


def parse_and_bind(string, /):
    """Set what one line of an inputrc file says. Keys can be bound to functions, not to text."""
    _tell(_BIND, _text(string))


def read_init_file(filename=None, /):
    """Read settings from a file; without a name, from that of the person at the terminal, which has been read."""
    if filename is not None:
        with open(filename, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                if "\0" not in line and not line.startswith("#"):
                    parse_and_bind(line.rstrip("\n"))


def set_completer(function=None, /):
    """Set the function that gives matches: `function(text, 0)`, `function(text, 1)`, … until that is no string."""
    _state["completer"] = _hook(function)


def get_completer():
    """Return that function."""
    return _state["completer"]


def set_completer_delims(string, /):
    """Set the characters that separate the words that are completed."""
    _state["delimiters"] = _text(string)
    _tell(_DELIMITERS, string)


def get_completer_delims():
    """Return those characters."""
    return _state["delimiters"]


def set_completion_display_matches_hook(function=None, /):
    """Keep a function that would show matches; they are shown without it."""
    _state["display"] = _hook(function)


def set_startup_hook(function=None, /):
    """Set a function that is called before each line."""
    _state["startup"] = _hook(function)


def set_pre_input_hook(function=None, /):
    """Set a function that is called before each line, after that of `set_startup_hook`."""
    _state["pre_input"] = _hook(function)


def get_pre_input_hook():
    """Return that function."""
    return _state["pre_input"]


def set_auto_history(enabled, /):
    """Set whether each line that is read is added to the history."""
    _state["auto"] = bool(enabled)


# History.


def add_history(string, /):
    """Add a line at the end."""
    _history.append(_text(string))
    _tell(_ADD, string)


def clear_history():
    """Forget all lines."""
    _history.clear()
    _tell(_CLEAR)


def get_current_history_length():
    """Return how many lines there are."""
    return len(_history)


def get_history_item(index, /):
    """Return a line, which are counted from 1; None if there is none."""
    return _history[index - 1] if 0 < index <= len(_history) else None


def _position(position):
    if position < 0:
        raise ValueError("History index cannot be negative")
    if position >= len(_history):
        raise ValueError(f"No history item at position {position}")
    return position


def remove_history_item(pos, /):
    """Remove a line, which are counted from 0."""
    del _history[_position(pos)]
    _tell(_REMOVE, str(pos))


def replace_history_item(pos, line, /):
    """Put another line into the place of one, which are counted from 0."""
    _history[_position(pos)] = _text(line)
    _tell(_REPLACE, str(pos), line)


def get_history_length():
    """Return how many lines a file may get; negative: all."""
    return _state["length"]


def set_history_length(length, /):
    """Set how many lines a file may get; negative: all."""
    _state["length"] = int(length)


def _file(filename):
    import os

    return os.path.expanduser("~/.history") if filename is None else filename


def _lines(filename):
    with open(_file(filename), encoding="utf-8", errors="surrogateescape") as file:
        found = [line.rstrip("\n") for line in file if "\0" not in line]
    return found[1:] if found and found[0] == "_HiStOrY_V2_" else found


def _write(filename, lines):
    kept = lines if _state["length"] < 0 else lines[max(len(lines) - _state["length"], 0) :]
    with open(_file(filename), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{line}\n" for line in kept)


def read_history_file(filename=None, /):
    """Add the lines of a file."""
    for line in _lines(filename):
        add_history(line)


def write_history_file(filename=None, /):
    """Write all lines to a file."""
    _write(filename, _history)


def append_history_file(nelements, filename=None, /):
    """Write the last lines to the end of a file that is there."""
    _write(filename, _lines(filename) + (_history[-nelements:] if nelements > 0 else []))
