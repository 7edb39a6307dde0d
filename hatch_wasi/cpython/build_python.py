"""The build python: a native interpreter of a WASI Python's X.Y, on which build backends run for it.

Found on the machine, or built from the same sources, as a cache entry of its own and only when somebody asks for it:
building CPython for WASI does not.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Cache, Workspace, digest
from hatch_wasi.console import Console
from hatch_wasi.cpython import installed, native
from hatch_wasi.cpython.build_folder import jobs
from hatch_wasi.cpython.layout import LEFT_OUT
from hatch_wasi.errors import ProcessFailed, ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.cpython import Source

__all__ = ["KIND", "VARIABLE", "NativeBuild", "entry_name", "find", "interpreter", "ready"]

KIND = "build-python"
VARIABLE = "HATCH_WASI_BUILD_PYTHON"
# What pip, venv and build backends need. pip comes from outside of it: distributions may package ensurepip apart.
PROBE = """\
import os, sys, sysconfig, zlib, ssl, venv
unfit = (
    f"it is {sys.implementation.name}" if sys.implementation.name != "cpython" else
    f"it is built for {sys.platform}" if sys.platform in ("wasi", "emscripten") else
    "it is free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
)
print("%d.%d" % sys.version_info[:2], os.path.realpath(sys.executable), unfit, sep="\\n")
"""
STEPS = 4
LAYOUT = 1
"""Goes up when what is installed changes."""

# Lean: enough for pip, venv and build backends. Compiled with -O1: compiling it costs more than it ever runs.
OPTIONS = ("--disable-test-modules", "--prefix=/usr", "--without-readline")
OPTIMIZE = "-DNDEBUG -O1"
MODULES_LEFT_OUT = (
    "_bz2", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_curses",
    "_curses_panel", "_dbm", "_decimal", "_gdbm", "_lzma", "_multibytecodec", "_sqlite3", "_tkinter", "_uuid", "nis",
)  # fmt: skip


def candidates(short_version: str) -> Iterator[Path]:
    """List interpreters to try: the one that `HATCH_WASI_BUILD_PYTHON` names, else what is installed."""
    said = os.environ.get(VARIABLE, "auto")
    if said not in ("auto", "build"):
        yield Path(said).expanduser()
    elif said == "auto":
        # Not Path.is_file, which raises for what is in another user's private folder.
        yield from dict.fromkeys(path for path in installed.candidates(short_version) if os.path.isfile(path))  # noqa: PTH113


def find(short_version: str, console: Console) -> Path | None:
    """Return an interpreter of this X.Y that is on the machine, or None.

    Raises `ToolchainError` if the one that the user named cannot serve.
    """
    for path in candidates(short_version):
        found = _tried(path, short_version)
        if isinstance(found, Path):
            return found
        if os.environ.get(VARIABLE, "auto") != "auto":
            message = f"{VARIABLE}={path} cannot be used as build python: {found}"
            raise ToolchainError(message, hint=f"name a Python {short_version}, or set it to `build`")
        console.detail(f"not used as build python: {path}: {found}")
    return None


def _tried(path: Path, short_version: str) -> Path | str:
    """Return the interpreter that runs when `path` is called, or why it cannot serve."""
    if not path.is_file():
        return "there is no such file"
    try:
        env = process.base_environment({"PYTHONDONTWRITEBYTECODE": "1"})
        said = process.run_python(
            ["-c", PROBE], program=path, isolated=True, what=f"trying {path}", env=env, timeout=60
        )
    except ProcessFailed as error:
        return error.message
    version, program, unfit, *_ = [*said.split("\n"), "", "", ""]
    if version != short_version:
        return f"it is Python {version}"
    return unfit or Path(program)


def _recipe() -> str:
    return digest([LAYOUT, OPTIONS, OPTIMIZE, MODULES_LEFT_OUT])


def entry_name(version: str) -> str:
    """Name the cache entry: `<X.Y.Z>-<recipe>`."""
    return f"{version}-{_recipe()}"


def ready(cache: Cache, short_version: str) -> Path | None:
    """Give the interpreter of this X.Y that was built before."""
    names = (entry for entry in cache.entries(KIND) if entry.name.endswith(f"-{_recipe()}"))
    return next((interpreter(entry) for entry in names if entry.name.startswith(f"{short_version}.")), None)


def interpreter(entry: Path) -> Path:
    """Name the interpreter of an entry."""
    return entry / "bin" / f"python{'.'.join(entry.name.split('.')[:2])}"


@dataclass
class NativeBuild:
    """One build of one source, in a workspace."""

    cache: Cache
    console: Console
    source: Source
    sdk: WasiSdk
    """Its clang compiles where the machine has no compiler."""
    workspace: Workspace

    def __post_init__(self) -> None:
        """Name the SDK by a path that configure and make bear."""
        self.sdk = replace(self.sdk, root=self.workspace.plain(self.sdk.root))

    def run(self) -> dict[str, object]:
        """Build and install into the workspace's tree; give the manifest."""
        once, step = self.workspace.once, self.console.step
        self._tree = self.workspace.scratch / "cpython"
        self._folder = self._tree / "build-native"
        self._short = ".".join(self.source.version.split(".")[:2])
        with step(f"Unpacking the build python {self.source.version}", index=1, total=STEPS):
            once("unpack", lambda: self.source.unpack(self._tree))
            tools = native.own() or self._fetch()
        with step("Configuring the build python", index=2, total=STEPS):
            once("configure", lambda: self._configure(tools))
        with step("Compiling the build python", index=3, total=STEPS):
            once("make", lambda: self._make(tools))
        with step("Installing the build python", index=4, total=STEPS):
            once("install", self._install)
        return {
            "schema": 1,
            "recipe": _recipe(),
            "python": {"version": self.source.version},
            "inputs": {
                "source": {"origin": self.source.origin, "sha256": self.source.sha256},
                "native_tools": tools.origin,
            },
        }

    def _fetch(self) -> native.NativeTools:
        folder, log = self.workspace.scratch / "native", self.workspace.log("native")
        return native.from_packages(self.cache, self.sdk, folder, log)

    def _configure(self, tools: native.NativeTools) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        left_out = (f"py_cv_module_{name}=n/a" for name in MODULES_LEFT_OUT)
        argv = ["../configure", *OPTIONS, f"OPT={OPTIMIZE}", *left_out, *tools.configure_options]
        env = process.base_environment({**tools.variables, "MODULE_BUILDTYPE": "static"})
        self._run(argv, env, "configure", "configuring the build python")

    def _make(self, tools: native.NativeTools) -> None:
        """Compile it; run again, this goes on where it stopped."""
        libraries = self._folder / "travelling"
        libraries.mkdir(exist_ok=True)
        for library in tools.libraries:
            shutil.copy(library, libraries)
        env = process.base_environment(tools.variables)
        # make reads $$ as $, the shell leaves it alone between quotes: the linker gets $ORIGIN.
        options = "LINKFORSHARED=-Wl,--export-dynamic"
        if tools.libraries:
            env["LD_LIBRARY_PATH"] = str(libraries)
            options += " -Wl,-rpath,'$$ORIGIN/../lib'"
        argv = [tools.make, f"-j{jobs()}", "python", "pybuilddir.txt", options]
        self._run(argv, env, "make", "compiling the build python")
        process.run_python(
            ["-c", PROBE], program=self._folder / "python", isolated=True, what="running the build python", env=env
        )

    def _run(self, argv: list[str], env: dict[str, str], step: str, what: str) -> None:
        log, hold = self.workspace.log(step), self.workspace.hold
        process.run(argv, what=what, cwd=self._folder, env=env, log=log, hold=hold)

    def _install(self) -> None:
        """Copy the interpreter and its stdlib; it finds them from where it is."""
        home = self.workspace.tree
        library, include = (home / kind / f"python{self._short}" for kind in ("lib", "include"))
        for folder in (home / "lib", home / "include", home / "bin"):
            shutil.rmtree(folder, ignore_errors=True)
        (home / "bin").mkdir()
        shutil.copy(self._folder / "python", home / "bin" / f"python{self._short}")
        shutil.copytree(self._tree / "Lib", library, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for name in ("lib-dynload", "site-packages"):
            (library / name).mkdir(exist_ok=True)
        shutil.copytree(self._tree / "Include", include, ignore=shutil.ignore_patterns("*.md"))
        shutil.copy(self._folder / "pyconfig.h", include)
        platform_dir = (self._folder / "pybuilddir.txt").read_text(encoding="utf-8").strip()
        for travelling in sorted((self._folder / "travelling").glob("*")):
            shutil.copy(travelling, home / "lib")
        for data in (self._folder / platform_dir).glob("_sysconfig*"):
            shutil.copy(data, library)
        python, seen_as = home / "bin" / f"python{self._short}", f"/usr/lib/python{self._short}"
        how = ("-q", f"-j{jobs()}", "--invalidation-mode=unchecked-hash", "-s", str(library), "-p", seen_as)
        # What compileall itself imports must not be written by its own path.
        env = process.base_environment({"PYTHONDONTWRITEBYTECODE": "1"})
        what = "compiling its standard library"
        process.run_python(["-m", "compileall", *how, library], program=python, what=what, env=env)
