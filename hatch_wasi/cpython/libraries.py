"""The libraries that python.wasm's standard library is linked with, cross-built as static archives.

Compiled by the SDK's clang itself, without the libraries' configure scripts: what those would find out about WASI is
known. Each is a cache entry of its own, so that another recipe of CPython does not compile it again. Not
position-independent: they live in python.wasm, which exports them to extensions.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from hatch_wasi import pins, process
from hatch_wasi.cache import Cache, digest
from hatch_wasi.console import Console
from hatch_wasi.errors import CacheError, ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import libraries as sources
from hatch_wasi.sources.original import Originals
from hatch_wasi.workspace import Workspace

__all__ = [
    "FOLDER",
    "KIND",
    "LIBRARIES",
    "Libraries",
    "Library",
    "begin",
    "configure_words",
    "files_of",
    "recipe_of",
    "wanted",
]

KIND = "libraries"
FOLDER = "libraries"
"""Below CPython's build folder, where headers and archives are while it is built: nothing then names the cache."""
LAYOUT = 1
"""Goes up when the content of an entry changes."""
OPTIMIZE = ("-O2", "-DNDEBUG", "-g0", "-D_WASI_EMULATED_PROCESS_CLOCKS")


@dataclass(frozen=True, kw_only=True)
class Library:
    """How a library is built."""

    archive: str
    sources: tuple[str, ...]
    """Files to compile, below the source folder; globs."""
    left_out: tuple[str, ...] = ()
    """Names of files that `sources` match and that are no part of it."""
    includes: tuple[str, ...] = (".",)
    defines: tuple[str, ...] = ()
    headers: tuple[str, ...]
    """Its public headers: globs, from the folder that `#include` counts from after a `//`."""
    licences: tuple[str, ...]
    """Files with its licence; of a file with a suffix, the comment that it begins with."""
    variable: str
    """Prefix of the variables by which CPython's configure is told of it (configure.ac)."""


_LZMA_CODERS = ("LZMA1", "LZMA2", "X86", "ARM", "ARMTHUMB", "ARM64", "POWERPC", "IA64", "SPARC", "RISCV", "DELTA")
LIBRARIES = {
    "zlib": Library(
        archive="libz.a",
        sources=("*.c",),
        # HAVE_HIDDEN, HAVE_UNISTD_H: what its configure script would have found.
        defines=("HAVE_HIDDEN", "HAVE_UNISTD_H", "_LARGEFILE64_SOURCE=1"),
        headers=("zlib.h", "zconf.h"),
        licences=("LICENSE", "zlib.h"),
        variable="ZLIB",
    ),
    "bz2": Library(
        archive="libbz2.a",
        sources=("*.c",),
        # Programs of its own.
        left_out=("bzip2.c", "bzip2recover.c", "dlltest.c", "mk251.c", "spewG.c", "unzcrash.c"),
        headers=("bzlib.h",),
        licences=("LICENSE",),
        variable="BZIP2",
    ),
    "lzma": Library(
        archive="liblzma.a",
        sources=(
            *(f"src/liblzma/{part}/*.c" for part in ("check", "common", "delta", "lz", "lzma", "rangecoder", "simple")),
            "src/common/tuklib_physmem.c",
        ),
        # What needs threads, what prints the tables that are there, and smaller variants of others.
        left_out=(
            "crc32_small.c", "crc32_tablegen.c", "crc64_small.c", "crc64_tablegen.c", "crc_clmul_consts_gen.c",
            "fastpos_tablegen.c", "hardware_cputhreads.c", "outqueue.c", "price_tablegen.c", "stream_decoder_mt.c",
            "stream_encoder_mt.c",
        ),
        includes=(
            *(f"src/liblzma/{part}" for part in ("api", "common", "check", "lz", "rangecoder", "lzma", "delta", "simple")),
            "src/common",
        ),
        # As its configure script would have found, for --disable-threads.
        defines=(
            "HAVE_STDBOOL_H", "HAVE_STDINT_H", "HAVE_INTTYPES_H", "HAVE___BUILTIN_BSWAPXX", "SIZEOF_SIZE_T=4",
            "ASSUME_RAM=128", "TUKLIB_SYMBOL_PREFIX=lzma_", "HAVE_ENCODERS", "HAVE_DECODERS", "HAVE_LZIP_DECODER",
            "HAVE_CHECK_CRC32", "HAVE_CHECK_CRC64", "HAVE_CHECK_SHA256",
            *(f"HAVE_MF_{finder}" for finder in ("HC3", "HC4", "BT2", "BT3", "BT4")),
            *(f"HAVE_{kind}_{coder}" for kind in ("ENCODER", "DECODER") for coder in _LZMA_CODERS),
        ),
        headers=("src/liblzma/api//lzma.h", "src/liblzma/api//lzma/*.h"),
        licences=("COPYING", "COPYING.0BSD"),
        variable="LIBLZMA",
    ),
    "sqlite3": Library(
        archive="libsqlite3.a",
        sources=("sqlite3.c",),
        # The features of the SQLite in python.org's installers (Mac/BuildScript/build-installer.py) and two more.
        # SQLite knows WASI: no threads, no shared memory.
        defines=(
            "SQLITE_ENABLE_FTS3", "SQLITE_ENABLE_FTS3_PARENTHESIS", "SQLITE_ENABLE_FTS4", "SQLITE_ENABLE_FTS5",
            "SQLITE_ENABLE_RTREE", "SQLITE_ENABLE_MATH_FUNCTIONS", "SQLITE_ENABLE_DBSTAT_VTAB",
            "SQLITE_OMIT_LOAD_EXTENSION", "SQLITE_THREADSAFE=0",
            # Its own choice for WASI, unix-dotfile, lets nobody read while another connection writes, and a program
            # that is killed leaves its lock for ever. See guest/sqlite.c.
            'SQLITE_DEFAULT_UNIX_VFS="unix"', "fcntl=hatch_wasi_sqlite_fcntl",
        ),
        headers=("sqlite3.h", "sqlite3ext.h"),
        licences=("sqlite3.h",),
        variable="LIBSQLITE3",
    ),
    "zstd": Library(
        archive="libzstd.a",
        sources=tuple(f"lib/{part}/*.c" for part in ("common", "compress", "decompress", "dictBuilder")),
        defines=("ZSTD_LEGACY_SUPPORT=0", "ZSTD_DISABLE_ASM=1", "XXH_NAMESPACE=ZSTD_", "DEBUGLEVEL=0"),
        headers=("lib//zstd.h", "lib//zdict.h", "lib//zstd_errors.h"),
        licences=("LICENSE",),
        variable="LIBZSTD",
    ),
}  # fmt: skip

# What uses them; sources that lack the module (cut down to what somebody needs) are not linked with the library.
MODULES = {
    "zlib": "Modules/zlibmodule.c",
    "bz2": "Modules/_bz2module.c",
    "lzma": "Modules/_lzmamodule.c",
    "sqlite3": "Modules/_sqlite/module.c",
    "zstd": "Modules/_zstd/_zstdmodule.c",
}
# The functions by which configure finds out what SQLite can do; the answers are known, and the archive may not be there
# yet when it asks.
SQLITE_FUNCTIONS = (
    "bind_double", "column_decltype", "column_double", "complete", "progress_handler", "result_double", "serialize",
    "set_authorizer", "trace_v2", "value_double",
)  # fmt: skip


def files_of(library: Library, folder: Path) -> list[Path]:
    """List the files to compile. Raises `ToolchainError` if a pattern fits nothing: these are not its sources."""
    found = []
    for pattern in library.sources:
        matches = sorted(path for path in folder.glob(pattern) if path.name not in library.left_out)
        if not matches:
            message = f"the sources of {library.archive} have no {pattern}"
            raise ToolchainError(message, hint="report it with the version, or use the pinned sources")
        found += matches
    return found


def recipe_of(name: str) -> str:
    """Give a digest of everything that shapes the library."""
    return digest([LAYOUT, OPTIMIZE, pins.table("library")[name], asdict(LIBRARIES[name])])


def wanted(names: Sequence[str], source: Path) -> tuple[str, ...]:
    """Give those of `names` whose modules are in CPython's sources."""
    return tuple(name for name in names if (source / MODULES[name]).is_file())


def configure_words(names: Sequence[str]) -> list[str]:
    """Tell CPython's configure of the libraries, which are to be in `FOLDER` when it compiles."""
    words = []
    for library in (LIBRARIES[name] for name in names):
        words += [
            f"{library.variable}_CFLAGS=-I{FOLDER}/include",
            f"{library.variable}_LIBS={FOLDER}/{library.archive}",
        ]
    if "sqlite3" in names:
        words += [f"ac_cv_lib_sqlite3_sqlite3_{function}=yes" for function in SQLITE_FUNCTIONS]
        words += ["ac_cv_lib_sqlite3_sqlite3_load_extension=no"]
    return words


def archives(folder: Path) -> list[Path]:
    """List the archives that were placed in CPython's build folder."""
    return sorted((folder / FOLDER).glob("*.a"))


def begin(folder: Path) -> None:
    """Let configure find in CPython's build folder what it looks into before the libraries are there: SQLite's version,
    which is `oldest` at least.
    """
    include = folder / FOLDER / "include"
    include.mkdir(parents=True, exist_ok=True)
    major, minor = pins.table("library")["sqlite3"]["oldest"].split(".")
    text = f"#define SQLITE_VERSION_NUMBER {int(major) * 1000000 + int(minor) * 1000}\n"
    (include / "sqlite3.h").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Libraries:
    """Makes the libraries of one SDK."""

    cache: Cache
    console: Console
    sdk: WasiSdk
    names: tuple[str, ...]
    """What is wanted of `LIBRARIES`."""
    jobs: int

    def ensure(self) -> list[Path]:
        """Give the cache entries, compiling what is not there. Raises `ToolchainError`."""
        originals = Originals(self.cache)
        # SQLite first, which is one file and takes as long as all the others.
        names = sorted(self.names, key=lambda name: (name != "sqlite3", name))
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(lambda name: self._ensure(name, originals), names))

    def _ensure(self, name: str, originals: Originals) -> Path:
        recipe = recipe_of(name)

        def build(workspace: Workspace) -> dict[str, object]:
            source = sources.find(self.cache, self.console, name, originals)
            self._build(workspace, LIBRARIES[name], source)
            return {
                "schema": 1,
                "recipe": recipe,
                "library": {"name": name, "version": source.version, "sdk": self.sdk.id},
                "inputs": {"origin": source.origin, "sha256": source.sha256},
            }

        return self.cache.make(KIND, f"{name}-{self.sdk.id}-{recipe}", build, tell=self.console.note)

    def _build(self, workspace: Workspace, library: Library, source: sources.LibrarySource) -> None:
        """Compile all files anew: a killed build took a quarter of a minute at most."""
        folder, objects = workspace.scratch / "source", workspace.scratch / "objects"
        source.unpack(folder)
        shutil.rmtree(objects, ignore_errors=True)
        objects.mkdir()
        options = [f"-D{name}" for name in library.defines] + [f"-I{include}" for include in library.includes]
        log = workspace.log("compile")

        def compile_one(file: Path) -> str:
            name = file.relative_to(folder)
            result = f"../objects/{'_'.join(name.with_suffix('.o').parts)}"
            argv: list[str | Path] = [*self.sdk.cc, *OPTIMIZE, *options, "-w", "-c", name, "-o", result]
            what = f"compiling {file.name} of {library.archive}"
            process.run(argv, what=what, cwd=folder, env=process.base_environment(), log=log, hold=workspace.hold)
            return result

        with ThreadPoolExecutor(max_workers=self.jobs) as pool:
            made = list(pool.map(compile_one, files_of(library, folder)))
        tree = workspace.tree
        shutil.rmtree(tree)
        tree.mkdir()
        archiver: list[str | Path] = [self.sdk.program("llvm-ar"), "rcs", tree / library.archive, *sorted(made)]
        process.run(archiver, what=f"making {library.archive}", cwd=folder, env=process.base_environment(), log=log)
        _install_texts(library, folder, tree)

    def place(self, entries: Sequence[Path], folder: Path) -> None:
        """Put headers and archives below CPython's build folder."""
        place = folder / FOLDER
        shutil.rmtree(place, ignore_errors=True)
        for entry in entries:
            shutil.copytree(entry, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.json"))

    def manifest(self, entries: Sequence[Path]) -> dict[str, object]:
        """Tell what the entries were made of."""
        found: dict[str, object] = {}
        for entry in entries:
            content = self.cache.manifest(entry)
            library, inputs = content["library"], content["inputs"]
            if not isinstance(library, dict) or not isinstance(inputs, dict):
                message = f"{entry}/manifest.json does not describe a library"
                raise CacheError(message, hint="remove the entry: hatch-wasi clean libraries")
            found[library["name"]] = {"version": library["version"], **inputs}
        return found


def _install_texts(library: Library, folder: Path, tree: Path) -> None:
    include, licences = tree / "include", tree / "licenses" / library.archive.removesuffix(".a")
    for pattern in library.headers:
        start, _, rest = pattern.rpartition("//")
        for path in sorted((folder / start).glob(rest)):
            target = include / path.relative_to(folder / start)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    licences.mkdir(parents=True)
    for name in library.licences:
        path = folder / name
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            text = text.partition("*/")[0] + "*/\n" if path.suffix == ".h" else text
            (licences / f"{path.name.removesuffix('.h')}.txt").write_text(text, encoding="utf-8")
