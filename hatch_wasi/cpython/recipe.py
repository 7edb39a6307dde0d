"""How CPython is built for WASI: options and edits as data, argv and environments as pure functions of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path

from hatch_wasi.cache import digest
from hatch_wasi.cpython import libraries as linked
from hatch_wasi.cpython import optimization, versions
from hatch_wasi.cpython.versions import Version
from hatch_wasi.sdk import WasiSdk

__all__ = [
    "FROZEN",
    "FROZEN_OBJECT",
    "GUEST_ANSWERS",
    "PROGRAM_OPTIONS",
    "SETUP_LOCAL",
    "WRAPPED",
    "answers",
    "archives",
    "configure_wasi",
    "freezer_arguments",
    "frozen_header",
    "guest_files",
    "guest_modules",
    "guest_objects",
    "libraries",
    "link_arguments",
    "recipe_id",
    "wasi_environment",
]

LAYOUT = 5
"""Goes up when what `layout` installs changes: entries of an older one are not used again."""

# -g0: nobody debugs with DWARF in wasm here, and it is two thirds of the file. Asserts stay out as in any release.
OPTIMIZE = "-DNDEBUG -O3 -Wall"
WASI_OPTIONS = ("--with-pymalloc", "--disable-test-modules", "--prefix=/usr", "--without-ensurepip")

# What the guest's programs need beyond libc: emulations that CPython or extensions use, and printf and scanf with long
# double, without which strtold aborts (wasi-libc, libc-printscan-long-double). Not every wasi-libc has all of them:
# pthread's stubs are not in wasi-sdk 24's, apart in 25's, and part of libc in 33's.
LIBRARIES = ("-lc-printscan-long-double", "-lwasi-emulated-pthread")
ARCHIVES = (
    "libc-printscan-long-double.a", "libc.a", "libwasi-emulated-getpid.a", "libwasi-emulated-process-clocks.a",
    "libwasi-emulated-pthread.a", "libwasi-emulated-signal.a",
)  # fmt: skip
# WASI's calls that guest/descriptors.c, files.c and readdir.c stand before: all that name descriptors.
WRAPPED = (
    "fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags",
    "fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread",
    "fd_prestat_dir_name", "fd_prestat_get", "fd_pwrite", "fd_read", "fd_readdir", "fd_renumber", "fd_seek", "fd_sync",
    "fd_tell", "fd_write", "path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link",
    "path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink", "path_unlink_file",
    "poll_oneoff", "sock_accept", "sock_recv", "sock_send", "sock_shutdown",
)  # fmt: skip
# What configure would not find: functions of the guest's C files, which wasi-libc does not have. Not geteuid: the
# standard library takes an effective user 0 for somebody who can do more than is possible here (tarfile: chown).
GUEST_FUNCTIONS = (
    "dup", "dup2", "dup3", "ffi_closure_alloc", "ffi_prep_cif_var", "ffi_prep_closure_loc", "getgid", "getuid",
    "mremap", "umask",
)  # fmt: skip
GUEST_ANSWERS = "".join(f"ac_cv_func_{name}=yes\n" for name in GUEST_FUNCTIONS) + "ac_cv_working_tzset=yes\n"
# Of the guest's C files, those that extensions include: they are installed beside Python.h.
PUBLIC_HEADERS = ("ffi.h", "ffitarget.h")
# The guest's libffi, for configure: `_ctypes` is built if there is one. The parameters that WebAssembly allows are fewer
# than CPython's own limit.
FFI_WORDS = ("LIBFFI_CFLAGS=-DHATCH_WASI_FFI_PLAIN -DCTYPES_MAX_ARGCOUNT=1000", "LIBFFI_LIBS=-lc")
# Modules of CPython that its configure takes for impossible on WASI, and guest/mapping.c makes possible, as
# Modules/Setup.local has them.
SETUP_LOCAL = """\
*static*
mmap mmapmodule.c -D_WASI_EMULATED_MMAN
"""
# For every program that has CPython in it.
PROGRAM_OPTIONS = (
    "-Wl,--strip-debug",
    *(f"-Wl,--wrap=__wasi_{name}" for name in WRAPPED),
    "-Wl,--wrap=__wasilibc_find_abspath",  # guest/paths.c
)
# For the one that hosts extensions.
HOST_OPTIONS = ("-Wl,--export-all", "-Wl,--export-table", "-Wl,--growable-table", "-Wl,--export=__stack_pointer")
# Frozen into python.wasm by guest/frozen.c: module to its file.
FROZEN_OBJECT = "frozen"
FROZEN = {
    "encodings": "Lib/encodings/__init__.py",
    "encodings.aliases": "Lib/encodings/aliases.py",
    "encodings.utf_8": "Lib/encodings/utf_8.py",
    "linecache": "Lib/linecache.py",
}


@cache
def guest_files() -> Mapping[str, str]:
    """Return the C files that are compiled into python.wasm, and modules for its standard library, by name."""
    folder = files("hatch_wasi.cpython").joinpath("guest")
    found = (entry for entry in folder.iterdir() if entry.name.endswith((".c", ".h", ".py")))
    return {entry.name: entry.read_text(encoding="utf-8") for entry in sorted(found, key=lambda entry: entry.name)}


def guest_objects() -> list[str]:
    """Name the C files, without suffix, that belong to the interpreter; `FROZEN_OBJECT` can only be made by it."""
    names = [name.removesuffix(".c") for name in guest_files() if name.endswith(".c")]
    return [name for name in names if name != FROZEN_OBJECT]


def guest_modules() -> Mapping[str, str]:
    """Return the modules that are added to the standard library, by file name."""
    return {name: text for name, text in guest_files().items() if name.endswith(".py")}


def frozen_header(module: str) -> str:
    """Name the header that holds a module which `FROZEN_OBJECT` includes."""
    return f"hatch_wasi_frozen_{module.replace('.', '_')}.h"


def answers(wasi_libc: str) -> bytes:
    """Give what configure would find out about this wasi-libc, as scripts/answers.py wrote it down, and what we bring.

    configure takes half a minute of one processor for these questions, and the answers are properties of wasi-libc.
    """
    path = files("hatch_wasi.cpython").joinpath("answers", f"wasi-libc-{wasi_libc}.site")
    known = path.read_bytes() if path.is_file() else b""
    return known + GUEST_ANSWERS.encode()


@cache
def recipe_id() -> str:
    """Give a digest of everything here that shapes the result: another recipe makes another cache entry."""
    data = [asdict(versions.version(name)) for name in versions.known()]
    profiles = {profile.file: profile.sha256 for profile in optimization.PROFILES.values()}
    hot = [optimization.HOT_VARIABLES, optimization.HOT_OBJECTS, profiles]
    options = [
        OPTIMIZE,
        WASI_OPTIONS,
        LIBRARIES,
        ARCHIVES,
        PROGRAM_OPTIONS,
        HOST_OPTIONS,
        GUEST_ANSWERS,
        SETUP_LOCAL,
        PUBLIC_HEADERS,
        FFI_WORDS,
        FROZEN,
        hot,
        [linked.recipe_of(name) for name in linked.LIBRARIES],
    ]
    return digest([LAYOUT, data, options, dict(guest_files())])


def configure_wasi(version: Version, configure: str, *, build: str, build_python: Path) -> list[str]:
    """Give the command that configures python.wasm.

    `configure` must be a relative path, or python.wasm does not find its stdlib while it is being built
    (Tools/wasm/wasi.py).
    """
    return [
        configure,
        f"--host={version.host}",
        f"--build={build}",
        f"--with-build-python={build_python}",
        *WASI_OPTIONS,
        f"OPT={OPTIMIZE}",
        "CFLAGS=-g0",
        *FFI_WORDS,
    ]


def wasi_environment(version: Version, sdk: WasiSdk, source: Path) -> dict[str, str]:
    """Give the variables that CPython's own script sets, and the one that makes dlopen part of the interpreter.

    No HOSTRUNNER runs anything: make executes nothing that it built.
    """
    pkgconfig = [f"{sdk.sysroot}/{folder}/pkgconfig" for folder in ("lib", "share")]
    return {
        "CC": " ".join(sdk.cc),
        "CPP": " ".join([*sdk.cc, "-E"]),
        "CXX": " ".join(sdk.cxx),
        "AR": str(sdk.program("llvm-ar")),
        "RANLIB": str(sdk.program("llvm-ranlib")),
        "CONFIG_SITE": f"{source}/{version.config_site} hatch_wasi.site",
        "HOSTRUNNER": "true",
        "PKG_CONFIG_PATH": "",
        "PKG_CONFIG_LIBDIR": ":".join(pkgconfig),
        "PKG_CONFIG_SYSROOT_DIR": str(sdk.sysroot),
        "WASI_SDK_PATH": str(sdk.root),
        "WASI_SYSROOT": str(sdk.sysroot),
        # Python/dynload_shlib.c calls dlopen and dlsym, which guest/dl.c defines; configure would choose the stub.
        "DYNLOADFILE": "dynload_shlib.o",
    }


def archives(sdk: WasiSdk) -> list[Path]:
    """List the archives of the guest's libraries that this sysroot has, libc among them."""
    return [path for name in ARCHIVES if (path := sdk.library_dir / name).is_file()]


def libraries(sdk: WasiSdk) -> list[str]:
    """Give the words by which python.wasm is linked to what this sysroot has beyond libc."""
    return [word for word in LIBRARIES if (sdk.library_dir / f"lib{word.removeprefix('-l')}.a").is_file()]


def _program_options(version: Version) -> list[str]:
    memory = [f"-Wl,-z,stack-size={version.stack_size}", f"-Wl,--initial-memory={version.initial_memory}"]
    return [*PROGRAM_OPTIONS, *memory]


def freezer_arguments(version: Version, flags: Sequence[str]) -> str:
    """Write the response file for linking the program that freezes modules."""
    return "\n".join([*flags, *_program_options(version)]) + "\n"


def link_arguments(
    version: Version,
    symbols: Sequence[str],
    objects: Sequence[str],
    flags: Sequence[str] = (),
    libraries: Sequence[str] = LIBRARIES,
) -> str:
    """Write the response file of python.wasm's final link: our objects, options, and the symbols to pull in."""
    pulled = [f"-Wl,--undefined={symbol}" for symbol in symbols]
    words = [*objects, *flags, *_program_options(version), *HOST_OPTIONS, *pulled, *libraries]
    return "\n".join(words) + "\n"
