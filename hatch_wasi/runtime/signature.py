"""Kinds of imports and exports, and functions' types, as descriptions hold them."""

__all__ = ["FUNC", "GLOBAL", "MEMORY", "TABLE", "TAG", "arity", "render"]

FUNC, TABLE, MEMORY, GLOBAL, TAG = 0, 1, 2, 3, 4
"""The kinds, as a module writes them."""
I32 = 0x7F
NAMES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref", 0x6F: "externref"}


def arity(parameters: bytes, results: bytes) -> int:
    """Encode for `hatch_wasi_dl.arity`: parameters | results << 4; 0 where a call by pointers alone cannot be right."""
    if len(parameters) > 15 or len(results) > 1 or parameters.strip(b"\x7f") or results.strip(b"\x7f"):
        return 0
    return len(parameters) | len(results) << 4


def render(parameters: bytes, results: bytes) -> str:
    """Write a function's type for a person: `(i32, i32) -> (i32)`."""
    return " -> ".join(f"({', '.join(NAMES.get(code, '?') for code in side)})" for side in (parameters, results))
