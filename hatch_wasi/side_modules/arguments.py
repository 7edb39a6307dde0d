"""What projects tell a compiler for their own machine, rewritten for clang and wasm-ld: the table, as data.

The build hook and the compiler driver use the same table. A build calls the driver thousands of times: this module imports
nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["CXX_SUFFIXES", "MACHINE", "Command", "is_provided", "rewrite"]

MACHINE = ("/usr", "/lib", "/lib32", "/lib64", "/opt/homebrew", "/opt/local")
"""Where the build machine has its headers and libraries: no folder of these is searched."""
# Meant for other processors, for their security features, for threads and for other linkers.
DROPPED = frozenset(
    {
        "-pthread", "-pthreads", "-rdynamic", "-static", "-static-libgcc", "-static-libstdc++", "-static-pie", "-symbolic", "-freg-struct-return",
        "-fpcc-struct-return", "-fiopenmp", "-qopenmp", "-static-libgfortran", "-static-libasan", "-static-libubsan", "--shared",
        "-shared-libgcc", "-pie", "-no-pie", "-Werror", "-pipe", "-s", "-bundle", "-shared", "-dynamiclib", "-fPIC",
        "-fpic", "-fPIE", "-fpie", "-fno-PIC", "-fno-pic", "-fno-PIE", "-fno-pie", "-fno-semantic-interposition",
        "-fsemantic-interposition", "-fstack-clash-protection", "-ffat-lto-objects", "-fno-fat-lto-objects",
        "-fno-plt", "-femulated-tls", "-fno-emulated-tls", "-nostartfiles", "-nodefaultlibs",
        "-headerpad_max_install_names", "-p", "-pg", "--coverage",
    }
)  # fmt: skip
DROPPED_PREFIXES = (
    "-fcf-protection", "-fstack-protector", "-fopenmp", "-fno-openmp", "-flto", "-fno-lto", "-fuse-linker-plugin",
    "-fuse-ld=", "--target=", "--sysroot=", "-isysroot", "-fdebug-prefix-map=", "-specs=", "-fvar-tracking-assignments",
    "-grecord-gcc-switches", "-D_FORTIFY_SOURCE", "-Wp,-D_FORTIFY_SOURCE", "-Wp,-U_FORTIFY_SOURCE", "-Wa,",
    "-ftls-model=", "-T",
    # gcc's own: optimizations, and what needs libraries that WASI does not have.
    "-fgnu-unique", "-fno-gnu-unique", "-fipa-", "-fno-ipa-", "-ftree-", "-fno-tree-", "-fgraphite", "-floop-",
    "-fstrict-volatile-bitfields", "-fno-strict-volatile-bitfields", "-freorder-blocks", "-fno-reorder-blocks",
    "-ftoplevel-reorder", "-fno-toplevel-reorder", "-fconserve-stack", "-fgnu-tm", "-fopenacc", "-fcilkplus",
    "-fvect-cost-model", "-fsimd-cost-model", "-fabi-version", "-fabi-compat-version", "-fzero-call-used-regs",
    "-fhardened", "-flifetime-dse", "-fno-lifetime-dse", "-fallow-store-data-races", "-fno-allow-store-data-races",
    "-fanalyzer", "-fdevirtualize", "-fno-devirtualize", "-fsplit-stack", "-fprofile-", "-fno-profile-", "-ftest-coverage",
    "-fsanitize", "-fno-sanitize",
)  # fmt: skip
# Dropped with the word after them.
DROPPED_PAIRS = frozenset(
    {"-target", "--sysroot", "-isysroot", "-arch", "-z", "-soname", "-h", "-undefined", "-install_name", "-e", "-Xassembler",
     "-current_version", "-compatibility_version", "-framework", "-T", "-Ttext", "-Tdata", "-Tbss", "-rpath",
     "-mthread-model"}
)  # fmt: skip
# Dropped unless it begins so: it has a meaning on every machine.
KEPT_PREFIXES = (
    "-fopenmp-simd", "-ftree-vectorize", "-fno-tree-vectorize", "-ftree-slp-vectorize", "-fno-tree-slp-vectorize",
)  # fmt: skip
# Of the options for processors (-m…) those stay that WebAssembly has and that change no layout and no interface; others,
# such as atomics, would move thread-local data or need a shared memory.
FEATURES = frozenset(
    {"simd128", "relaxed-simd", "bulk-memory", "nontrapping-fptoint", "sign-ext", "extended-const", "tail-call",
     "multivalue", "reference-types"}
)  # fmt: skip
OFF = frozenset({"-mno-simd128", "-mno-relaxed-simd"})
# Taken with the word after them.
PAIRS = frozenset(
    {"-o", "-x", "-MF", "-MT", "-MQ", "-MJ", "-include", "-imacros", "-Xclang", "-mllvm", "-Xpreprocessor",
     "-D", "-U", "-u", "--param", "-idirafter", "-iprefix"}
)  # fmt: skip
# Options of clang's own compiler (-Xclang) that say what is compiled for; -target-feature may name a FEATURE.
XCLANG_DROPPED = frozenset({"-target-abi", "-target-cpu", "-mthread-model", "-triple"})
REFUSED = {
    "-fpack-struct": "it changes the layout of the structures that Python and libc share with the module",
    "-fshort-wchar": "it changes the size of wchar_t, which Python's and libc's functions are called with",
}
"""What cannot be dropped, as the code relies on it, nor kept: prefixes, and why."""
# Libraries that python.wasm has, or C++ modules bring along, or WASI has no use for.
LIBRARIES = frozenset(
    {"stdc++", "c++", "c++abi", "supc++", "unwind", "gcc", "gcc_s", "atomic", "pthread", "dl", "m", "c", "rt", "util",
     "crypt", "resolv", "nsl", "socket", "ffi", "gomp", "omp", "iomp5", "mvec", "stdc++fs", "stdc++exp", "c++fs",
     "c++experimental", "gcc_eh", "ssp", "ssp_nonshared"}
)  # fmt: skip
LIBRARY_PREFIXES = ("python",)
# Words for the linker (after -Wl, or -Xlinker) that wasm-ld knows and a side module bears. All others are dropped: they
# are other linkers', or move memory, table, stack or entry point of what is not a program.
LINKER_KEPT = frozenset(
    {
        "--gc-sections", "--no-gc-sections", "--print-gc-sections", "--no-print-gc-sections", "--strip-all", "-s",
        "--strip-debug", "-S", "--whole-archive", "-whole-archive", "--no-whole-archive", "-no-whole-archive",
        "--export-all", "--trace", "-t", "--demangle", "--no-demangle", "--verbose", "--compress-relocations",
        "--merge-data-segments", "--no-merge-data-segments", "--allow-multiple-definition", "--start-lib", "--end-lib",
        "--print-map", "-M", "--color-diagnostics", "--no-color-diagnostics", "--check-features", "--save-temps",
        "--noinhibit-exec",
    }
)  # fmt: skip
LINKER_KEPT_PREFIXES = (
    "-O", "-L", "-l", "--lto-", "--thinlto-", "--export=", "--export-if-defined=", "--undefined=", "--wrap=",
    "--trace-symbol=", "-Map=", "--Map=", "--error-limit=", "--threads=", "--why-extract=", "--keep-section=",
    "--reproduce=", "--color-diagnostics=", "-mllvm=", "--mllvm=", "--library=", "--library-path=", "--save-temps=",
)  # fmt: skip
# Those of them whose value is a word of its own.
LINKER_KEPT_PAIRS = frozenset(
    {"--export", "--export-if-defined", "--undefined", "-u", "--wrap", "--trace-symbol", "-y", "-Map", "--Map", "-mllvm",
     "--mllvm", "-l", "-L", "--library", "--library-path", "--error-limit", "--keep-section"}
)  # fmt: skip
# The words that are dropped together with the word after them.
LINKER_PAIRS = frozenset(
    {"-rpath", "--rpath", "-soname", "--soname", "-h", "-z", "--version-script", "--dynamic-list", "--exclude-libs",
     "-rpath-link", "--rpath-link", "-undefined", "-install_name", "-exported_symbols_list", "-exported_symbol",
     "-unexported_symbol", "-unexported_symbols_list", "-e", "--entry", "-T", "--script", "-Ttext", "-Tdata", "-Tbss",
     "--section-start", "-m", "-I", "--dynamic-linker", "-dynamic-linker", "-F", "--filter", "-f", "--auxiliary", "-R",
     "--just-symbols", "-a", "-A", "-b", "--format", "--oformat", "--defsym", "-plugin", "-plugin-opt", "-init", "-fini",
     "-Y", "-G", "--global-base", "--initial-memory", "--max-memory", "--initial-heap", "--table-base",
     "--unresolved-symbols", "--features", "--extra-features", "-current_version", "-compatibility_version",
     "-framework", "-weak_framework", "-arch", "-macosx_version_min", "-platform_version"}
)  # fmt: skip
SEARCH = ("-I", "-isystem", "-iquote", "-idirafter", "-L", "-F", "-B")
CXX_SUFFIXES = (".cc", ".cpp", ".cxx", ".c++", ".C", ".cp", ".hpp", ".hh", ".mm")
SOURCE_SUFFIXES = (".c", ".s", ".S", ".m", ".i", ".ii", *CXX_SUFFIXES)


class Command:
    """A compiler call, read."""

    __slots__ = ("compile_only", "dropped", "libraries", "linker", "output", "refused", "shared", "sources", "words")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.words: list[str] = []
        """What stays, in order."""
        self.dropped: list[str] = []
        """What does not, in order."""
        self.refused: list[tuple[str, str]] = []
        """Words that the code relies on and that cannot hold, with the reasons."""
        self.output = ""
        self.shared = False
        """A side module is wanted: it is said, or shows in the output's name."""
        self.compile_only = False
        """Nothing is linked."""
        self.sources = False
        """Something is compiled."""
        self.libraries = False
        """Something is linked: objects or libraries are named."""
        self.linker = ""
        """The option for the linker whose value comes next."""


def rewrite(argv: Iterable[str], place: Callable[[str, str], str | None] = lambda _option, folder: folder) -> Command:
    """Read `argv`, the words after the compiler's name, and return the `Command`.

    `place(option, folder)` returns the folder to search instead of `folder`, or None to leave it out. Response files must
    have been read already.
    """
    command = Command()
    words = iter(argv)
    for word in words:
        if word.startswith("-Wl,"):
            for part in word[4:].split(","):
                _linker(command, part)
        elif word == "-Xlinker":
            _linker(command, next(words, ""))
        elif word in DROPPED_PAIRS:
            command.dropped += [word, next(words, "")]
        elif _is_dropped(word):
            command.dropped.append(word)
            command.shared |= word in ("-shared", "--shared", "-bundle", "-dynamiclib")
        elif (option := _search(word)) is not None:
            _folder(command, option, word[len(option) :] or next(words, ""), place)
        elif word in PAIRS:
            _pair(command, word, next(words, ""), words)
        elif word in ("-l", "--library") or word.startswith(("-l", "--library=")):
            name = _library(word) or next(words, "")
            command.libraries = True
            (command.dropped if is_provided(name) else command.words).append("-l" + name)
        else:
            _other(command, word)
    name = command.output.rpartition("/")[2]
    command.shared |= name.endswith((".so", ".dylib")) or ".so." in name
    command.shared &= not command.compile_only
    if command.compile_only:
        command.words = [word for word in command.words if not word.startswith("-Wl,")]
    return command


def is_provided(library: str) -> bool:
    """Tell whether `-l` with this name links nothing on WASI: python.wasm has it, or every module that needs it.

    `:libm.a` and `:libm.so.6` name the library `m` by its file.
    """
    if library.startswith(":lib"):
        library = library[len(":lib") :].partition(".so")[0].removesuffix(".a")
    return library in LIBRARIES or library.startswith(LIBRARY_PREFIXES)


def _library(word: str) -> str:
    """Return the name of the library in `-lNAME` or `--library=NAME`: empty if there is none."""
    if word.startswith("-l"):
        return word[2:]
    return word[len("--library=") :] if word.startswith("--library=") else ""


def _is_dropped(word: str) -> bool:
    if word.startswith("-m") and word not in ("-mllvm", "-m"):
        return word not in OFF and word[2:] not in FEATURES
    return word in DROPPED or (word.startswith(DROPPED_PREFIXES) and not word.startswith(KEPT_PREFIXES))


def _search(word: str) -> str | None:
    for option in SEARCH:
        if word.startswith(option):
            return option
    return None


def _folder(command: Command, option: str, folder: str, place: Callable[[str, str], str | None]) -> None:
    found = place(option, folder)
    if found:
        command.words += [option + found] if option in ("-I", "-L") else [option, found]
    else:
        command.dropped.append(option + folder)


def _pair(command: Command, word: str, value: str, words: Iterator[str]) -> None:
    """Read an option whose value is a word of its own."""
    if word == "-Xpreprocessor" and value.startswith("-fopenmp"):  # clang's on macOS
        command.dropped += [word, value]
    elif word == "-Xclang" and (value in XCLANG_DROPPED or value == "-target-feature"):
        pair = [word, value, next(words, ""), next(words, "")]
        is_known = value == "-target-feature" and pair[3][:1] == "+" and pair[3][1:] in FEATURES
        (command.words if is_known else command.dropped).extend(pair)
    else:
        command.words += [word, value]
        if word == "-o":
            command.output = value


def _other(command: Command, word: str) -> None:
    reason = next((why for prefix, why in REFUSED.items() if word.startswith(prefix)), None)
    if reason:
        command.refused.append((word, reason))
    if word in ("-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"):
        command.compile_only = True
    elif word.startswith("-o") and len(word) > 2 and not word.startswith("-objc"):
        command.output = word[2:]
    elif not word.startswith("-"):
        is_source = word.endswith(SOURCE_SUFFIXES)
        command.sources |= is_source
        command.libraries |= not is_source
    command.words.append(word)


def _linker(command: Command, word: str) -> None:
    """Read one word for the linker: the value of the option before it may come in another argument of the compiler."""
    option, command.linker = command.linker, ""
    if option in LINKER_PAIRS:
        if option == "-z" and word == "muldefs":
            command.words.append("-Wl,-z,muldefs")
        else:
            command.dropped.append(f"-Wl,{option},{word}")
    elif option:
        name = word if option in ("-l", "--library") else ""
        (command.dropped if name and is_provided(name) else command.words).append(f"-Wl,{option},{word}")
    elif word in LINKER_PAIRS or word in LINKER_KEPT_PAIRS:
        command.linker = word
    elif not word.startswith("-"):
        if word and not (command.dropped and command.dropped[-1].startswith("-Wl,--import-memory")):
            command.words.append(f"-Wl,{word}")
        elif word:  # the names of the memory
            command.dropped[-1] += f",{word}"
    elif is_provided(_library(word)) or not (word in LINKER_KEPT or word.startswith(LINKER_KEPT_PREFIXES)):
        command.dropped.append(f"-Wl,{word}")
    else:
        command.words.append(f"-Wl,{word}")
