"""What a build system says to a compiler for its own machine, said to clang and wasm-ld for WASI: the table, as data.

Read by the compiler driver, which a build calls thousands of times: it imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Command", "rewrite"]

# Said of processors, of their security features, of threads and of linkers that are not wasm-ld's: dropped.
DROPPED = frozenset(
    {
        "-pthread", "-m32", "-m64", "-rdynamic", "-static", "-static-libgcc", "-static-libstdc++", "-static-pie", "-pie",
        "-no-pie", "-Werror", "-pipe", "-s", "-bundle", "-shared", "-dynamiclib", "-fPIC", "-fpic", "-fPIE", "-fpie",
        "-fno-semantic-interposition", "-fstack-clash-protection", "-ffat-lto-objects", "-fno-fat-lto-objects",
        "-nostartfiles", "-nodefaultlibs", "-headerpad_max_install_names",
    }
)  # fmt: skip
DROPPED_PREFIXES = (
    "-march=", "-mtune=", "-mcpu=", "-mavx", "-msse", "-mssse", "-mfma", "-mf16c", "-mpopcnt", "-mbmi", "-maes",
    "-mpclmul", "-mlzcnt", "-msha", "-mfpu=", "-mfpmath=", "-mfloat-abi=", "-mno-avx", "-mno-sse", "-fcf-protection",
    "-fstack-protector", "-fopenmp", "-flto", "-fno-lto", "-fuse-linker-plugin", "-fuse-ld=", "--target=", "--sysroot=",
    "-isysroot", "-mmacosx-version-min=", "-fdebug-prefix-map=", "-specs=", "-fvar-tracking-assignments",
    "-grecord-gcc-switches", "-D_FORTIFY_SOURCE", "-Wp,-D_FORTIFY_SOURCE", "-Wp,-U_FORTIFY_SOURCE",
)  # fmt: skip
# Dropped with the word after them.
DROPPED_PAIRS = frozenset(
    {"-target", "--sysroot", "-isysroot", "-arch", "-z", "-soname", "-h", "-undefined", "-install_name",
     "-current_version", "-compatibility_version", "-framework", "-T", "-rpath"}
)  # fmt: skip
# Taken with the word after them.
PAIRS = frozenset(
    {"-o", "-x", "-MF", "-MT", "-MQ", "-MJ", "-include", "-imacros", "-Xclang", "-mllvm", "-Xpreprocessor", "-Xassembler",
     "-D", "-U", "-u", "-e", "--param", "-idirafter", "-iprefix"}
)  # fmt: skip
# Libraries that python.wasm has, or C++ modules bring along, or WASI has no use for.
LIBRARIES = frozenset(
    {"stdc++", "c++", "c++abi", "supc++", "unwind", "gcc", "gcc_s", "atomic", "pthread", "dl", "m", "c", "rt", "util",
     "crypt", "resolv", "nsl", "socket", "ffi"}
)  # fmt: skip
LIBRARY_PREFIXES = ("python",)
# Words for the linker (after -Wl, or -Xlinker) that wasm-ld does not know, or that do not hold for a side module.
LINKER_DROPPED = frozenset(
    {
        "--start-group", "--end-group", "-(", "-)", "--as-needed", "--no-as-needed", "--no-undefined", "--allow-shlib-undefined",
        "--no-allow-shlib-undefined", "--enable-new-dtags", "--disable-new-dtags", "--push-state", "--pop-state", "-x",
        "-Bsymbolic-functions", "-Bsymbolic", "-Bstatic", "-Bdynamic", "--fatal-warnings", "--copy-dt-needed-entries",
        "--no-copy-dt-needed-entries", "--discard-all", "--discard-locals", "-X", "--eh-frame-hdr", "--gnu-unique",
        "-dead_strip", "--export-dynamic", "-E", "-w", "--relax", "-pie", "-no-pie", "--warn-common", "-headerpad_max_install_names",
    }
)  # fmt: skip
LINKER_DROPPED_PREFIXES = (
    "--version-script", "--exclude-libs", "--hash-style", "--dynamic-list", "--icf", "-rpath", "--rpath", "-soname",
    "--soname", "-h", "--build-id", "--sort-common", "--sort-section", "--compress-debug-sections", "-plugin", "--plugin",
    "--package-metadata", "-framework", "-undefined", "-install_name", "-exported_symbol", "--dependent-libraries",
    "--no-rosegment", "--warn-", "-z",
)  # fmt: skip
# Those of them whose value is a word of its own.
LINKER_PAIRS = frozenset(
    {"-rpath", "--rpath", "-soname", "--soname", "-h", "-z", "--version-script", "--dynamic-list", "--exclude-libs",
     "-rpath-link", "--rpath-link", "-undefined", "-install_name", "-exported_symbols_list"}
)  # fmt: skip
SEARCH = ("-I", "-isystem", "-iquote", "-idirafter", "-L", "-F", "-B")
CXX_SUFFIXES = (".cc", ".cpp", ".cxx", ".c++", ".C", ".cp", ".hpp", ".hh", ".mm")
SOURCE_SUFFIXES = (".c", ".s", ".S", ".m", ".i", ".ii", *CXX_SUFFIXES)


class Command:
    """What a compiler was asked to do, read."""

    __slots__ = ("compile_only", "libraries", "output", "shared", "sources", "words")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.words: list[str] = []
        """What stays, in order."""
        self.output = ""
        self.shared = False
        """A side module is wanted: it is said, or shows in the output's name."""
        self.compile_only = False
        """Nothing is linked."""
        self.sources = False
        """Something is compiled."""
        self.libraries = False
        """Something is linked: objects or libraries are named."""


def rewrite(argv: Iterable[str], place: Callable[[str, str], str | None] = lambda _option, folder: folder) -> Command:
    """Read `argv`, the words after the compiler's name, and give the `Command`.

    `place(option, folder)` says what stands for a folder that is searched: another folder, or None, for one of the
    machine's own. Response files must have been read already.
    """
    command = Command()
    words = iter(argv)
    linker: list[str] = []
    for word in words:
        if word in DROPPED or word.startswith(DROPPED_PREFIXES):
            command.shared |= word in ("-shared", "-bundle", "-dynamiclib")
            if word == "-isysroot":
                next(words, "")
        elif word in DROPPED_PAIRS:
            next(words, "")
        elif word.startswith("-Wl,"):
            linker += word[4:].split(",")
        elif word == "-Xlinker":
            linker.append(next(words, ""))
        elif (option := _search(word)) is not None:
            folder = word[len(option) :] or next(words, "")
            found = place(option, folder)
            if found:
                command.words += [option + found] if option in ("-I", "-L") else [option, found]
        elif word in PAIRS:
            value = next(words, "")
            command.words += [word, value]
            if word == "-o":
                command.output = value
        elif word == "-l" or (word.startswith("-l") and len(word) > 2):
            name = word[2:] or next(words, "")
            command.libraries = True
            if name not in LIBRARIES and not name.startswith(LIBRARY_PREFIXES):
                command.words.append("-l" + name)
        else:
            _other(command, word)
    if len(command.output) > 2 and command.output[:2] == "-o":
        command.output = command.output[2:]
    name = command.output.rpartition("/")[2]
    command.shared |= name.endswith((".so", ".dylib")) or ".so." in name
    command.shared &= not command.compile_only
    command.words += [f"-Wl,{text}" for text in _linker(linker)] if not command.compile_only else []
    return command


def _search(word: str) -> str | None:
    for option in SEARCH:
        if word.startswith(option):
            return option
    return None


def _other(command: Command, word: str) -> None:
    if word in ("-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"):
        command.compile_only = True
    elif word.startswith("-o") and len(word) > 2 and not word.startswith("-objc"):
        command.output = word[2:]
    elif not word.startswith("-"):
        is_source = word.endswith(SOURCE_SUFFIXES)
        command.sources |= is_source
        command.libraries |= not is_source
    command.words.append(word)


def _linker(words: list[str]) -> list[str]:
    kept, position = [], 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in LINKER_PAIRS:
            position += 1
        elif word and word not in LINKER_DROPPED and not word.startswith(LINKER_DROPPED_PREFIXES):
            kept.append(word)
    return kept
