"""What modules are made of, as values."""

from dataclasses import dataclass

__all__ = ["VALUE_TYPES", "Constant", "Element", "Export", "FuncType", "GlobalType", "Import", "Limits"]

VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref", 0x6F: "externref",
               0x69: "exnref"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FuncType:
    """A function's parameters and results, as the bytes of their value types."""

    params: bytes
    results: bytes

    def __str__(self) -> str:
        """Write it as `(i32, i32) -> (i32)`."""
        return " -> ".join(f"({', '.join(VALUE_TYPES[code] for code in side)})" for side in (self.params, self.results))


@dataclass(frozen=True, slots=True)
class GlobalType:
    """A global's value type, as its byte, and whether it can be set."""

    value: int
    mutable: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """Size of a table (elements) or a memory (pages): least and most, and the flags as they are written."""

    minimum: int
    maximum: int | None
    flags: int


Type = FuncType | GlobalType | Limits


@dataclass(frozen=True, slots=True)
class Import:
    """What a module asks for: `module.name`, of kind `func`, `table`, `memory`, `global` or `tag`."""

    module: str
    name: str
    kind: str
    type: Type


@dataclass(frozen=True, slots=True)
class Export:
    """What a module gives: the item number `index` of its kind, imported ones counted first."""

    name: str
    kind: str
    index: int
    type: Type


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant expression of one of the forms linkers write: an imported global's value, if any, plus a number."""

    base: int | None
    """Index of that global."""
    value: int


@dataclass(frozen=True, slots=True)
class Element:
    """What instantiation stores in table 0: these functions (None: a null), from `offset` on."""

    offset: Constant
    functions: tuple[int | None, ...]
