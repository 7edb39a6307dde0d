"""Build CPython for WASI by the steps of its own script, and lay out what is installed.

No native interpreter is needed. What a cross build asks of one (freezing modules, writing sysconfig's data, compiling
the standard library), CPython's own programs do that were just built for WASI, run by wasmtime.

Every step can be killed and is then done again; a finished one is not.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from hatch_wasi import process
from hatch_wasi.cache import Cache, Workspace, replace_file
from hatch_wasi.console import Console
from hatch_wasi.cpython import layout, libraries, native, recipe, versions
from hatch_wasi.cpython.build_folder import OBJECTS, BuildFolder, jobs
from hatch_wasi.cpython.exports import parse_nm, pullable
from hatch_wasi.cpython.makefile import FrozenModule, frozen_modules, static_archives
from hatch_wasi.cpython.on_wasi import OnWasi
from hatch_wasi.cpython.optimization import Optimization, choose, hot_objects
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import abi
from hatch_wasi.sources.cpython import Source
from hatch_wasi.wasi_python import GUEST_HOME, Runner

__all__ = ["Build", "entry_name"]

STEPS = 6
HOT = "hatch_wasi_hot.o"
FREEZER = "Programs/_freeze_module"


def entry_name(version: str, sdk: WasiSdk) -> str:
    """Name the cache entry: `<X.Y.Z>-<sdk id>-<recipe>`."""
    return f"{version}-{sdk.id}-{recipe.recipe_id()}"


@dataclass
class Build:
    """One build of one source by one SDK, in a workspace."""

    cache: Cache
    console: Console
    source: Source
    sdk: WasiSdk
    workspace: Workspace
    run_wasi: Runner
    optimization: Optimization | None = None
    """Default: the best that there is for this Python and compiler."""
    test_modules: bool = False
    """Link in what CPython's own tests look into it with (scripts/cpython_tests.py)."""

    def __post_init__(self) -> None:
        """Lay out the folders as CPython's own script does."""
        self.sdk = replace(self.sdk, root=self.workspace.plain(self.sdk.root))
        self.tree = self.workspace.scratch / "cpython"
        self.short_version = ".".join(self.source.version.split(".")[:2])
        self._optimization = self.optimization or choose(self.short_version, self.sdk.llvm_major)
        self.version = versions.version(self.short_version)
        self._wasi = OnWasi(run_wasi=self.run_wasi, workspace=self.workspace, aot=self.cache.root / "aot")
        self._index = 0

    def run(self) -> dict[str, object]:
        """Build and install into the workspace's tree; give the manifest."""
        self._step("Unpacking CPython's sources", "unpack", self._unpack)
        names = libraries.wanted(self.version.libraries, self.tree)
        self._libraries = libraries.Libraries(self.cache, self.console, self.sdk, names, jobs())
        make = native.find_make(self.cache, self.console, self.workspace)
        self.folder = BuildFolder(
            version=self.version, source=self.tree, sdk=self.sdk, make_program=make, workspace=self.workspace
        )
        self._step(f"Configuring; compiling {', '.join(names) or 'nothing'}", "configure-wasi", self._begin)
        self._step("Compiling CPython for WASI", "compile", self._compile)
        self._step("Freezing the modules that every start imports", "freeze", self._freeze)
        self._step("Linking python.wasm", "link", self._link)
        self._step("Installing", "install", self._install)
        return self._manifest()

    def _step(self, text: str, name: str, work: Callable[[], object]) -> None:
        self._index += 1
        with self.console.step(f"{text}{' (done before)' * self.workspace.done(name)}", index=self._index, total=STEPS):
            self.workspace.once(name, work)

    def _unpack(self) -> None:
        self.source.unpack(self.tree)
        for edit in self.version.edits:
            path = self.tree / edit.file
            text = path.read_text(encoding="utf-8")
            if text.count(edit.old) != 1:
                message = f"CPython {self.source.version}: {edit.file} is not as expected, the edit does not fit"
                raise ToolchainError(message, hint="report it with the version, or use the pinned sources")
            path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
        for name, text in recipe.guest_files().items():
            if name.endswith(".h"):
                folder = "Include" if name in recipe.PUBLIC_HEADERS else "Include/internal"
                (self.tree / folder / name).write_text(text, encoding="utf-8")
        for name, text in recipe.guest_modules().items():
            (self.tree / "Lib" / name).write_text(text, encoding="utf-8")

    def _begin(self) -> None:
        """Configure, which is serial, and compile the libraries meanwhile."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            pending = pool.submit(self._libraries.ensure)
            self._configure()
            self._libraries.place(pending.result(), self.folder.path)

    def _configure(self) -> None:
        folder = self.folder
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
        answers = folder.path / "hatch_wasi.site"
        replace_file(answers, recipe.answers(self.sdk.wasi_libc))
        (folder.path / "Modules").mkdir()
        replace_file(folder.path / "Modules" / "Setup.local", recipe.SETUP_LOCAL.encode())
        # configure wants to know its version, and nothing else: see the module's docstring.
        python = self.workspace.scratch / "build-python"
        script = f'#!/bin/sh\ncase "$2" in *version_info*) echo {self.short_version} ;; *) exit 1 ;; esac\n'
        replace_file(python, script.encode(), mode=0o755)
        guess = process.run(["sh", self.tree / "config.guess"], what="asking for this machine's triple").strip()
        libraries.begin(folder.path)
        words = [*libraries.configure_words(self._libraries.names), *(["--enable-test-modules"] * self.test_modules)]
        argv = [*recipe.configure_wasi(self.version, "../../configure", build=guess, build_python=python), *words]
        folder.run(argv, what="configuring CPython for WASI", log="configure-wasi")

    def _compile(self) -> None:
        """Compile the interpreter but for its frozen modules; what is hot first, to be optimized beside the rest."""
        folder, how, once = self.folder, self._optimization, self.workspace.once
        what = "compiling CPython for WASI"
        for name, data in how.files.items():
            replace_file(folder.path / name, data)
        hot = self._hot()
        if hot:
            flags = f"EXTRA_CFLAGS={' '.join([*how.flags, *how.hot_flags])}"
            once("make-hot", partial(folder.make, *hot, what=what, variables=[flags]))
        rest = [*self._rest(), f"{FREEZER}.o", "Modules/getpath_noop.o", "Programs/python.o"]
        rest += static_archives(folder.makefile)
        optimize = [str(self.sdk.program("wasm-ld")), "-r", *how.link_flags, "-o", HOT, *hot]
        lanes = [partial(once, "make-rest", partial(folder.make, *rest, what=what, variables=[self._flags]))]
        if hot:
            run = partial(folder.run, optimize, what="optimizing what is hot", log="optimize")
            lanes.append(partial(once, "optimize", run))
        with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            pending = [pool.submit(lane) for lane in lanes]
        for lane in pending:
            lane.result()

    @property
    def _flags(self) -> str:
        return f"EXTRA_CFLAGS={' '.join(self._optimization.flags)}"

    def _hot(self) -> list[str]:
        return hot_objects(self.folder.makefile) if self._optimization.hot_flags else []

    def _rest(self) -> list[str]:
        hot = set(self._hot())
        return [name for name in self.folder.objects() if name not in hot]

    def _interpreter(self) -> str:
        """Name the interpreter's objects, ours included, as a variable for make: for every target that has them."""
        guest = [f"hatch_wasi_{name}.o" for name in recipe.guest_objects()]
        return f"{OBJECTS}={' '.join([*([HOT] if self._hot() else []), *self._rest(), *guest])}"

    def _compile_guest(self, name: str) -> str:
        """Compile one of our C files in the build folder; give its object's name."""
        source = self.folder.path / f"hatch_wasi_{name}.c"
        replace_file(source, recipe.guest_files()[f"{name}.c"].encode())
        options = ("-O3", "-I.", "-I../../Include", "-I../../Include/internal", "-D_WASI_EMULATED_SIGNAL")
        argv = [*self.sdk.cc, *options, "-c", source.name, "-o", source.with_suffix(".o").name]
        self.folder.run(argv, what=f"compiling {name}.c", log="guest")
        return source.with_suffix(".o").name

    def _freeze(self) -> None:
        """Link the program that freezes modules (Programs/_freeze_module.c) and let it freeze them."""
        folder, how = self.folder, self._optimization
        for name in recipe.guest_objects():
            self._compile_guest(name)
        (folder.path / FREEZER).unlink(missing_ok=True)
        replace_file(
            folder.path / "hatch_wasi_freezer.rsp", recipe.freezer_arguments(self.version, how.program_flags).encode()
        )
        variables = [self._interpreter(), "PY_CORE_LDFLAGS=@hatch_wasi_freezer.rsp"]
        folder.make(FREEZER, what="linking the program that freezes modules", variables=variables)
        ours = [FrozenModule(module, file, recipe.frozen_header(module)) for module, file in recipe.FROZEN.items()]
        for module in [*frozen_modules(folder.makefile), *ours]:
            (folder.path / module.header).parent.mkdir(parents=True, exist_ok=True)
            self._wasi.run(
                folder.path / FREEZER,
                [module.name, f"/source/{module.source}", f"/build/{module.header}"],
                folders={"/source": self.tree, "/build": folder.path},
                what=f"freezing {module.name}",
                code=self.workspace.scratch / "code",
            )

    def _link(self) -> None:
        """Compile what is frozen, plan which library members to pull in, and link."""
        folder, how = self.folder, self._optimization
        frozen = self._compile_guest(recipe.FROZEN_OBJECT)
        library = f"libpython{self.short_version}.a"
        variables = [self._interpreter(), self._flags]
        folder.make(
            library, "Modules/getpath.o", "Python/frozen.o", what="compiling what is frozen", variables=variables
        )
        program = [frozen, library, *static_archives(folder.makefile)]
        taken = {symbol for member in parse_nm(folder.symbols(program)).values() for symbol in member.defines}
        archives = [*libraries.archives(folder.path), *recipe.archives(self.sdk), self.sdk.builtins]
        members = parse_nm(folder.symbols([str(path) for path in archives]))
        symbols, more = pullable(members, taken), recipe.libraries(self.sdk)
        words = recipe.link_arguments(self.version, symbols, [frozen, self._note()], how.program_flags, more)
        replace_file(folder.path / "hatch_wasi.rsp", words.encode())
        (folder.path / "python.wasm").unlink(missing_ok=True)
        variables = [self._interpreter(), "LINKFORSHARED=@hatch_wasi.rsp"]
        folder.make("python.wasm", what="linking python.wasm", variables=variables)

    def _note(self) -> str:
        """Assemble what says in python.wasm itself what it was made with (PEP 816), as in side modules."""
        soabi = f"cpython-{self.short_version.replace('.', '')}-wasm32-wasi"
        source = self.folder.path / "hatch_wasi_abi.s"
        replace_file(source, abi.assembly(abi.describe(self.sdk, self.source.version, soabi)).encode())
        self.folder.run([*self.sdk.cc, "-c", source.name], what="assembling the ABI's note", log="guest")
        return source.with_suffix(".o").name

    def _install(self) -> None:
        entry, library = self.workspace.tree, f"{GUEST_HOME}/lib/python{self.short_version}"
        self._wasi.run(
            self.folder.path / "python.wasm",
            ["-S", "-c", layout.SYSCONFIG, str(self.folder.path)],
            folders={str(self.tree): self.tree},
            shown={library: self.tree / "Lib"},
            environment={
                "PYTHONHOME": GUEST_HOME,
                "_PYTHON_HOST_PLATFORM": "wasi-wasm32",
                "_PYTHON_PROJECT_BASE": str(self.folder.path),
            },
            what="writing sysconfig's data",
        )
        layout.install_wasi(self.tree, entry, self.short_version)
        layout.neutralize(
            entry,
            {
                f"{self.sdk.root}/bin/": "",
                str(self.sdk.root): "/opt/wasi-sdk",
                str(self.workspace.scratch): "/usr/src",
                str(entry): "/usr",
                str(self.cache.root): "/var/cache/hatch-wasi",
                str(self.cache.root.resolve()): "/var/cache/hatch-wasi",
                **({f"{home}/": "~/"} if (home := os.environ.get("HOME", "/").rstrip("/")) else {}),
            },
            private=(self.workspace.scratch, entry),
        )
        self._wasi.compile_stdlib(entry, library, self.workspace.scratch / "lists", jobs())

    def _manifest(self) -> dict[str, object]:
        how = self._optimization
        return {
            "schema": 1,
            "recipe": recipe.recipe_id(),
            "python": {
                "version": self.source.version,
                "sdk": self.sdk.id,
                "sdk_version": self.sdk.version,
                "wasi_libc": self.sdk.wasi_libc,
                "llvm": self.sdk.llvm,
            },
            "inputs": {
                "optimization": [*how.flags, *how.hot_flags],
                "libraries": self._libraries.manifest(self._libraries.ensure()),
                "source": {"origin": self.source.origin, "sha256": self.source.sha256},
            },
        }
