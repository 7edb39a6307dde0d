"""What a build's messages mean: the likely cause where a project cannot be built for WASI, in words for a person."""

import re
from collections.abc import Sequence

__all__ = ["compiling", "language", "likely", "telling"]

PROCESSES = "it starts processes, which WASI does not have"
THREADS = "it starts threads, which WASI does not have"
SOCKETS = "it uses sockets, which WASI (preview 1) does not have"
SIGNALS = "it handles signals, which WASI does not have"
LOADING = "it loads libraries of the machine by dlopen; on WASI only side modules can be loaded"
MEMORY = "it maps memory in a way that WASI cannot"
LIBRARY = "it needs a library that there is no build of for WASI"
DOWNLOAD = "it downloads more sources while it is built, and that failed, whatever it is built for"
OLDER = "it is written for an older Python: a newer release may not be"
LEAN = "the native Python that hatch-wasi built lacks this module: install a whole one, or name it by HATCH_WASI_BUILD_PYTHON"
UNKNOWN = "it knows neither WASI nor WebAssembly"
RUST = "it is written in Rust, for which there is no toolchain here"
# What stands in the message: why. The first that fits counts.
CAUSES = (
    (r"No module named '_(bz2|curses|dbm|decimal|gdbm|lzma|sqlite3|tkinter|uuid)'", LEAN),
    (r"(?i)\b(platform|system|arch\w*)\b.*\b(not supported|unsupported)\b|\bported to\b", UNKNOWN),
    (r"(?i)\b(unsupported|unknown|unrecognized) (\w+ )?(platform|operating system|arch\w*|processor|endianness)", UNKNOWN),
    (r"\b(fork|vfork|execv\w*|execl\w*|posix_spawn\w*|waitpid|popen)\b|'system'|sys/wait\.h|spawn\.h", PROCESSES),
    (r"\bpthread_create\b|\bthrd_create\b|std::thread\b|\bsched_(get|set)\w+|\bpthread_setsched\w+", THREADS),
    (r"(sys/socket|sys/un|netdb|netinet/\w+|arpa/inet|ifaddrs|net/if|sys/epoll|sys/event|sys/eventfd|poll)\.h", SOCKETS),
    (r"\b(getaddrinfo|gethostby\w+|socketpair|epoll_\w+|kqueue|setsockopt)\b", SOCKETS),
    (r"\b(sigaction|sigprocmask|sigaltstack|setitimer|sigset_t|siginfo_t|sigsuspend|sigwait\w*|pthread_kill|kill)\b|execinfo\.h", SIGNALS),
    (r"\bdlopen\b|dlfcn\.h|\bdladdr\b", LOADING),
    (r"\b(mprotect|shm_open|mremap|PROT_EXEC)\b|sys/(shm|sem|ipc)\.h", MEMORY),
    (r"\b(pwd|grp|termios|sys/ioctl|pty|utmp|syslog)\.h", "it asks for users or terminals, which WASI does not have"),
    (r"(immintrin|emmintrin|xmmintrin|arm_neon|cpuid|x86intrin)\.h|__builtin_ia32", "it is written for other processors"),
    (r"(windows|winsock2|mach/\w+|CoreFoundation/\w+)\.h", "it takes WASI for another system"),
    (r"rustc|cargo|maturin|setuptools[-_]rust", RUST),
    (r"gfortran|[Ff]ortran", "it is written in Fortran, for which there is no toolchain here"),
    (r"[Ff]ailed to (clone|download|fetch)|not resolve host|urlopen error|[Dd]ownload(ing)? .*failed", DOWNLOAD),
    (r"\b(go|golang|node|nvcc|CUDA)\b.*not found", "it needs a compiler for another language"),
    (r"pkg-config|[Dd]ependency .* not found|Could NOT find|find_package", LIBRARY),
    (r"cannot open shared object|[Cc](ould|an) ?not find .*(header|librar)|unable to find library|[Uu]nable to (load|find) dependency|[Mm]ake sure .* installed|\bset the \w+ env|_DIR variable", LIBRARY),
    (r"(librar(y|ies)|headers?|executable|development)( files)? (could not be |is |are |was |were )?(not )?found", LIBRARY),
    (r"([Ss]upport|[Dd]efinitions?) for your (architecture|platform|system|compiler)", UNKNOWN),
    (r"[Cc]annot (determine|detect|find out) (\w+ )?(architecture|platform|operating system|processor|endianness)", UNKNOWN),
    (r"longintrepr\.h|'struct _(ts|typeobject|longobject|frame|err_stackitem)'|_PyUnicode_Ready|PyUnicode_AS_UNICODE", OLDER),
    (r"file not found", "it needs a header that WASI, or this toolchain, does not have"),
    (r"legacy exception|setjmp", "it uses setjmp in a way that is not supported"),
    (r"undefined symbol|undeclared", "it uses a function that WASI does not have"),
)  # fmt: skip
COMPILER = re.compile(r":\d+:\d+: (fatal )?error: |ld: error: ")
# Cargo's errors do not say whose they are; what called it does.
FAILED_RUST = re.compile(r"\b(maturin|cargo|rustc)\b.*(failed|exited|non-zero|not found)")
RUST_BACKEND = re.compile(r"\s*(maturin|setuptools[-_.]rust)\b", re.IGNORECASE)
# Where a build says what went wrong; the earlier the better. What Python and the driver say after a compiler is its echo.
MARKS = (
    re.compile(r"(fatal )?error: (?![Cc]ommand |linker command|Failed|metadata|subprocess|in ['`])"),
    re.compile(r"CMake Error|ERROR: |error\[|ld: error"),
    # What a shell says of a program, and what runs programs of the build says of theirs.
    re.compile(r": (command )?not found$|: Permission denied$|^hatch-wasi: (?!headers|.* was built for WASI)"),
    re.compile(r"\w*(Error|Exception): "),
    re.compile(r"^FAILED: "),  # ninja, of the step that failed
)


def telling(lines: Sequence[str]) -> str:
    """Give the line of a build's output that says what went wrong; the last one if none does, empty if there is none."""
    for mark in MARKS:
        found = next((number for number, line in enumerate(lines) if mark.search(line)), None)
        if found is not None:
            return _sentence(lines[found:]) if lines[found].startswith("CMake Error") else lines[found]
    return lines[-1] if lines else ""


def compiling(lines: Sequence[str]) -> str:
    """Give the line of a build's output in which a compiler or linker first said what is wrong, empty if none did."""
    return next((line for line in lines if COMPILER.search(line)), "")


def language(requires: Sequence[str]) -> str | None:
    """Say that a project is written in a language of which there is no compiler here, by its build requirements."""
    return RUST if any(RUST_BACKEND.match(need) for need in requires) else None


def _sentence(lines: Sequence[str]) -> str:
    """Join what CMake breaks into lines: where it is, and the first sentence of what."""
    place = lines[0]
    end = next((number for number, line in enumerate(lines[1:4], 2) if line.endswith((".", ":", "!", "'"))), 2)
    return " ".join(lines[:end]) if place.endswith(":") else place


def likely(message: str, lines: Sequence[str] = ()) -> str | None:
    """Name the likely cause behind a message, if it shows there, or in what else the build said."""
    found = next((cause for pattern, cause in CAUSES if re.search(pattern, message)), None)
    return found or (RUST if any(FAILED_RUST.search(line) for line in lines) else None)
