"""Which library symbols python.wasm must pull in, so that extensions find all of libc there.

A static link takes only the archive members that something refers to; an extension loaded later may want any other.
`--whole-archive` does not link: wasi-libc's pthread stubs clash with CPython's own (Python/thread_pthread_stubs.h). So
every symbol of every member that does not clash is named by `--undefined`.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

__all__ = ["Member", "parse_nm", "pullable"]

DEFINED = frozenset("TDBRSV")
WEAK = frozenset("WV")
# Start-up code belongs to the program, not to those it hosts.
PROGRAM = frozenset({"main", "_start", "_initialize", "__main_void", "__main_argc_argv", "__original_main"})
# What wasm-ld itself defines (lld/wasm/Driver.cpp, createSyntheticSymbols), and the prefix of wasi-libc's imports.
LINKER = frozenset(
    {
        "__data_end", "__dso_handle", "__global_base", "__heap_base", "__heap_end", "__indirect_function_table",
        "__memory_base", "__stack_high", "__stack_low", "__stack_pointer", "__table_base", "__tls_base",
        "__wasm_call_ctors", "__wasm_first_page_end",
    }
)  # fmt: skip
IMPORTED = "__imported_"


@dataclass
class Member:
    """An object file in an archive."""

    strong: set[str] = field(default_factory=set)
    """Symbols it defines for all."""
    weak: set[str] = field(default_factory=set)
    """Symbols it defines unless another does."""
    needs: set[str] = field(default_factory=set)
    """Symbols it refers to."""

    @property
    def defines(self) -> set[str]:
        """Every symbol it offers."""
        return self.strong | self.weak


def parse_nm(text: str) -> dict[str, Member]:
    """Read `llvm-nm --print-file-name --format=posix --extern-only`: members by name, in order.

    A line is `archive[member.o]: symbol kind value size`.
    """
    members: dict[str, Member] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(": ")
        fields = rest.split()
        if len(fields) < 2:
            continue
        symbol, kind = fields[:2]
        member = members.setdefault(name, Member())
        if kind in WEAK:
            member.weak.add(symbol)
        elif kind in DEFINED:
            member.strong.add(symbol)
        elif kind == "U":
            member.needs.add(symbol)
    return members


def pullable(members: Mapping[str, Member], taken: AbstractSet[str]) -> list[str]:
    """Give the symbols to name by `--undefined`, sorted: those of all members that link beside `taken`.

    `taken` are the symbols that the program itself defines. A member does not link if it strongly defines one of them,
    needs a symbol that nobody has (compiler-rt's personality routines want an unwinder), or needs such a member.
    """
    provider: dict[str, str] = {}
    for name, member in members.items():
        for symbol in member.defines:
            provider.setdefault(symbol, name)
    given = taken | PROGRAM | LINKER
    left_out = {name for name, member in members.items() if member.strong & (taken | PROGRAM)}

    def lacks(symbols: Iterable[str]) -> bool:
        wanted = (symbol for symbol in symbols if symbol not in given and not symbol.startswith(IMPORTED))
        return any(symbol not in provider or provider[symbol] in left_out for symbol in wanted)

    while more := {name for name, member in members.items() if name not in left_out and lacks(member.needs)}:
        left_out |= more
    offered = {symbol for name, member in members.items() if name not in left_out for symbol in member.defines}
    return sorted(offered - taken - PROGRAM)
