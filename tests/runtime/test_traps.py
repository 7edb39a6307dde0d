"""What a crash of the guest says: the kind in words, a likely cause, the calls with their modules; and nothing of Python's."""

from subprocess import CompletedProcess

import pytest

from hatch_wasi.runtime import traps

UNREACHABLE = "wasm `unreachable` instruction executed"
TYPES = "indirect call type mismatch: a function was called with another signature than it has"
CASES = {
    "reads_nowhere": ("memory access out of bounds at 0xf0000000", "a pointer to nothing: something was freed"),
    "calls_null": ("call through a null function pointer", "a function pointer that was never set"),
    "calls_no_function": ("call through a pointer that is no function's", "a pointer to nothing"),
    "calls_another_type": (TYPES, "a cast of a function pointer that native machines forgive"),
    "aborts": ("abort() was called", "what was printed before says why"),
    "is_unreachable": (UNREACHABLE, "__builtin_trap, or code that C leaves undefined"),
    "converts_too_much": ("integer overflow", "the division INT_MIN / -1"),
}


def check(done: CompletedProcess[str], cause: str) -> list[str]:
    """Make sure that a crash is told as one; gives the calls."""
    assert done.returncode == 134, done.stderr
    first, *calls, last = done.stderr.splitlines()
    assert first == f"error: the guest crashed: {cause}"
    assert all(call.startswith("  at ") and "!" in call for call in calls)
    assert last.startswith("  hint: ")
    assert 2 <= len(calls) <= traps.FRAMES
    return calls


@pytest.mark.parametrize("name", CASES)
def test_kinds(build, python, name):
    build("traps")
    cause, hint = CASES[name]
    done = python(f"import traps\nprint('before', flush=True)\ntraps.{name}()")
    calls = check(done, cause)
    assert done.stdout == "before\n"
    assert f"  at traps.so!{name}" in calls[:2]
    assert "  at python.wasm!PyEval_EvalCode" in calls
    assert f"  hint: {hint}" in done.stderr


def test_full_c_stack_is_called_so(build, python):
    build("traps")
    calls = check(python("import traps; traps.fills_the_stack()"), "stack overflow")
    assert calls[0].startswith("  at traps.so!fill (")
    assert calls[1] == "  at traps.so!fills_the_stack"


def test_message_in_python_before_an_abort_is_kept(guest):
    done = guest("-c", "import ctypes; ctypes.pythonapi.Py_FatalError(b'no way on')")
    assert done.stderr.startswith("Fatal Python error: "), done.stderr
    assert "no way on" in done.stderr
    assert "\nerror: the guest crashed: abort() was called\n" in done.stderr


def test_trap_in_what_a_class_is_freed_by(build, python):
    """Through several callers of python.wasm, and while an exception is on its way."""
    build("traps")
    code = "import traps\nclass Late:\n    def __del__(self): traps.calls_null()\nlate = Late()\nraise SystemExit(3)"
    calls = check(python(code), "call through a null function pointer")
    assert "  at python.wasm!slot_tp_finalize" in calls


def test_declaration_that_differs_from_the_definition(build, python):
    """wasm-ld only warns of it, and puts a function that traps in its place."""
    build("differs", also=["differs_definition"])
    done = python("import differs; differs.call()")
    assert done.returncode == 134
    cause = "weigh is called with other parameters than it has: its declaration differs from its definition"
    first, second, *_ = done.stderr.splitlines()
    assert (first, second) == (f"error: the guest crashed: {cause}", "  at differs.so!signature_mismatch:weigh")


def test_what_is_not_known_is_passed_on() -> None:
    text = "error while executing at wasm backtrace:\n    0: 0x1 - a.wasm!f\n\nCaused by:\n    wasm trap: something new"
    cause, frames = traps.take_apart(text)
    assert (cause, frames) == ("something new", ["a.wasm!f"])
    assert traps.in_words(cause, frames) == ("something new", None)
