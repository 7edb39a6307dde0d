"""One side module of a wheel: its form, its name, and everything that is asked of it to be imported."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hatch_wasi.audit import stable_abi
from hatch_wasi.errors import MalformedWasm
from hatch_wasi.runtime.description import placed
from hatch_wasi.side_modules import exports
from hatch_wasi.target import Target
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm import linkage
from hatch_wasi.wasm.linkage import Interface, listed
from hatch_wasi.wasm.side_module import ABI_SECTION, SideModule

__all__ = ["EXTENSION_SUFFIXES", "Expectation", "check", "debug_size"]

EXTENSION_SUFFIXES = ".abi3.so", ".so"
"""What CPython imports beside its own EXT_SUFFIX (Python/dynload_shlib.c)."""
MANGLED_INIT = re.compile(r"_Z\d+PyInitU?_")
MISMATCH = re.compile(rb"signature_mismatch:([\w.$]+)")
"""What wasm-ld calls the functions that stand for calls with wrong types: they trap."""
Problem = tuple[str, str]
"""A finding's code and text."""
WARNINGS = frozenset({"abi-note", "abi3-name", "abi3-suffix", "debug", "mismatch"})
"""Codes of what does not keep a module from being imported."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What modules are checked against."""

    python: WasiPython
    target: Target
    interface: Interface
    """python.wasm's."""
    abi3: bool = False
    """The wheel's tag promises the stable ABI."""
    single: bool = False
    """It promises no more than this one Python."""
    limited: tuple[int, int] | None = None
    """Of which Python X.Y, if it says."""


def debug_size(module: SideModule) -> int:
    """Count the bytes of debug sections."""
    return sum(len(content) for name, content in module.module.custom if name.startswith(".debug_"))


def check(
    module: SideModule,
    member: str,
    expected: Expectation,
    own: Interface,
    libraries: Sequence[Interface | None],
    *,
    is_library: bool,
) -> Iterator[Problem]:
    """Give what is wrong with `module`, the wheel's `member`; `own` is its interface.

    `libraries` are those that it needs, None for one that the wheel lacks. `is_library`: another module of the wheel needs it, so it need not
    be importable itself.
    """
    yield from _form(module)
    if not is_library:
        yield from _names(own, member, expected)
    yield from linkage.problems(module, own, expected.interface, libraries)
    yield from _abi(module, expected)
    if member.endswith(".abi3.so") or expected.abi3:
        yield from _limited(module, own, expected)
    if size := debug_size(module):
        yield "debug", f"it has {size:,} bytes of debug sections"


def _limited(module: SideModule, own: Interface, expected: Expectation) -> Iterator[Problem]:
    """Check that what is used of python.wasm is in the stable ABI; a module that does not say of which Python's: this."""
    names = {item.name for item in module.imports if item.name in expected.interface and item.name not in own}
    major, minor = expected.limited or map(int, expected.python.version.split(".")[:2])
    if found := stable_abi.violations(names, (major, minor)):
        if expected.single:
            yield "abi3-name", f"it is named as one of the stable ABI, and uses what is not in it: {listed(found)}"
            return
        version = f" of Python {major}.{minor}" if expected.limited else ""
        yield "limited-api", f"it uses what is not in the stable ABI{version}: {listed(found)}"


def _form(module: SideModule) -> Iterator[Problem]:
    for kind in ("memory", "table"):
        names = [name for name, item in module.exports.items() if item.kind == kind]
        if names:
            yield kind, f"it exports its {kind} as {names[0]}; a side module imports python.wasm's"
    if all(name.startswith("__wasm") for name in module.exports):
        yield "exports-nothing", "it exports nothing"
    if stubs := {name.decode() for name in MISMATCH.findall(module.custom("name") or b"")}:
        yield "mismatch", f"it calls functions that are declared with different types, which will trap: {listed(stubs)}"
    if module.is_threaded:
        yield "threads", "it was compiled for threads (atomics): its thread-local variables are not set up"
    try:
        placed(module, bytearray(module.dylink.table_size))
    except MalformedWasm as error:
        yield "dylink", error.message.removeprefix(f"{module.name} ").removeprefix(f"{module.name}: ")


def _names(own: Interface, member: str, expected: Expectation) -> Iterator[Problem]:
    """Check what CPython goes by: the file's name, and the function of that name.

    A module without any such function is a library, for ctypes.
    """
    folder, _, leaf = member.rpartition("/")
    stem, dot, rest = leaf.partition(".")
    suffix = dot + rest
    theirs = expected.target.ext_suffix
    inits = [name for name in own.functions if exports.is_init(name)]
    wanted = exports.init_functions(f"{folder.rpartition('/')[2]}.{stem}" if folder else stem)
    if mangled := next((name for name in own.functions if MANGLED_INIT.match(name)), None):
        yield "init", f'it exports {mangled}, the name that C++ gives to what is not extern "C"'
    if not inits:
        return
    if not set(wanted) & set(inits):
        yield "init", f"it exports {inits[0]} and not {wanted[0]}"
    if suffix not in (theirs, *EXTENSION_SUFFIXES):
        yield "suffix", f"its suffix {suffix or '(none)'} is not WASI Python's: {theirs}, .abi3.so or .so"
    elif expected.abi3 and suffix == theirs:
        yield "abi3-suffix", f"the wheel's tag promises the stable ABI, and its suffix {suffix} is one Python's"


def _abi(module: SideModule, expected: Expectation) -> Iterator[Problem]:
    """Compare what the module says of itself with the Python (PEP 816)."""
    try:
        note = module.abi_note()
    except MalformedWasm as error:
        yield "abi", error.message.removeprefix(f"{module.name}: ")
        return
    python = expected.python
    if note is None:
        yield "abi-note", "nothing says which wasi-libc it was built with"
        return
    built = note.get("wasi_libc")
    if built is None:
        yield "abi", f"its {ABI_SECTION} section does not say which wasi-libc it was built with"
    elif built != python.wasi_libc:
        yield "abi", f"it was built with wasi-libc {built}; Python {python.version} here has {python.wasi_libc}"
    # As the loader sees it: one that says abi3 is for any Python, whatever the wheel's tag.
    if (soabi := note.get("soabi")) not in (expected.target.soabi, "abi3", None):
        yield "abi", f"it was built for {soabi}; this Python is {expected.target.soabi}"
