"""What wasmtime says of a trap, in words for the person whose C code it was: the kind, a likely cause, the calls.

Names of modules and functions in it are the guest's own: they may hold line ends and control characters.
"""

from __future__ import annotations

from hatch_wasi.text import one_line

__all__ = ["STACK_FULL", "calls", "in_words", "take_apart"]

FRAMES = 30
"""How many lines of a backtrace are shown; wasmtime itself keeps the 20 innermost calls."""
INVALID_POINTER = (
    "a pointer to nothing: something was freed, never set, or an index went too far; "
    "`run --env PYTHONMALLOC=debug` finds Python objects that are used after they were freed"
)
STACK_FULL = ("stack overflow", "C functions that call each other without end, or have very large local variables")
KINDS = {
    "out of bounds memory access": ("memory access out of bounds", INVALID_POINTER),
    "out of bounds table access": ("call through a pointer that is no function's", INVALID_POINTER),
    "uninitialized element": (
        "call through a null function pointer",
        "a function pointer that was never set, or that points to a weak function which is nowhere defined",
    ),
    "indirect call type mismatch": (
        "indirect call type mismatch: a function was called with another signature than it has",
        "a cast of a function pointer that native machines forgive; declare the function as its caller expects it",
    ),
    "call stack exhausted": STACK_FULL,
    "integer divide by zero": ("integer divide by zero", None),
    "integer overflow": (
        "integer overflow",
        "the division INT_MIN / -1, or a number that is too large for the integer",
    ),
    "invalid conversion to integer": ("invalid conversion to integer", "a NaN became an integer"),
    "instruction executed": (
        "wasm `unreachable` instruction executed",
        "__builtin_trap, or code that C leaves undefined, such as a function that ends without its return",
    ),
}
"""The end of wasmtime's text -> ours, and a likely cause."""
ABORTED = ("abort() was called", "what was printed before says why: a failed assert, Py_FatalError, std::terminate")
STUBS = {
    "signature_mismatch:": "{} is called with other parameters than it has: its declaration differs from its definition",
    "undefined_weak:": "{} is called, which is weak and nowhere defined",
}
"""Functions that wasm-ld puts in the place of those that cannot be called as they are."""


def take_apart(text: str) -> tuple[str, list[str]]:
    """Return the cause that wasmtime's text ends with, and the calls, innermost first, that it begins with."""
    lines = [line.strip() for line in text.split("\n")]
    causes = lines[:1]
    if "Caused by:" in lines:
        # The last one: those before may be lines of a function's name.
        causes = lines[len(lines) - lines[::-1].index("Caused by:") :]
    # Several causes are numbered.
    causes = [line.split(": ", 1)[1] if line[:1].isdigit() and ": " in line else line for line in causes if line]
    frames = [one_line(line.split(" - ", 1)[1]) for line in lines if line[:1].isdigit() and " - " in line]
    return one_line(" ".join(line.removeprefix("wasm trap: ") for line in causes)), frames


def in_words(cause: str, frames: list[str]) -> tuple[str, str | None]:
    """Give the kind of a trap in words, and what it is likely to come from."""
    _, _, function = frames[0].partition("!") if frames else ("", "", "")
    for start, words in STUBS.items():
        if function.startswith(start):
            return words.format(function.removeprefix(start)), None
    if function == "abort" and cause.endswith("instruction executed"):
        return ABORTED
    for end, (words, likely) in KINDS.items():
        if cause.endswith(end):
            _, found, address = cause.partition("memory fault at wasm address ")
            return words + (f" at {address.split()[0]}" if found else ""), likely
    return cause, None


def calls(frames: list[str]) -> list[str]:
    """Write the calls, one a line; those of a function by itself become one."""
    lines: list[tuple[str, int]] = []
    for frame in frames:
        if lines and lines[-1][0] == frame:
            lines[-1] = frame, lines[-1][1] + 1
        else:
            lines.append((frame, 1))
    return [f"  at {frame}" + (f" ({count} times)" if count > 1 else "") for frame, count in lines[:FRAMES]]
