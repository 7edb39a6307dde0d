"""Build CPython for WASI: two stages, as CPython's own script does it, and then the layout that is installed.

Every step can be killed and is then done again; a finished one is not. Nothing is run that was built for WASI.
"""

import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Cache, Workspace, replace_file
from hatch_wasi.console import Console
from hatch_wasi.cpython import build_python, layout, native, recipe
from hatch_wasi.cpython.exports import parse_nm, pullable
from hatch_wasi.cpython.makefile import static_archives, variable
from hatch_wasi.cpython.optimization import HOT_OBJECTS, HOT_VARIABLES, Optimization, choose
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.cpython import Source
from hatch_wasi.wasi_python import GUEST_HOME

__all__ = ["Build", "entry_name", "jobs"]

STEPS = 5


def jobs() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    optimization: Optimization | None = None
    """Default: the best that there is for this Python and compiler."""

    def __post_init__(self) -> None:
        """Lay out the folders as CPython's own script does."""
        self.sdk = replace(self.sdk, root=self.workspace.plain(self.sdk.root))
        self.tree = self.workspace.scratch / "cpython"
        self.native_dir = self.tree / "cross-build" / "build"
        self.wasi_dir = self.tree / "cross-build" / "wasm32-wasip1"
        self.short_version = ".".join(self.source.version.split(".")[:2])
        self._optimization = self.optimization or choose(self.short_version, self.sdk.llvm_major)
        self._index = 0

    def run(self) -> dict[str, object]:
        """Build and install into the workspace's tree; give the manifest."""
        self._step("Unpacking CPython's sources", "unpack", self._unpack)
        found = build_python.find(self.short_version, self.tree / "Lib", self.console)
        self.python = found or self.native_dir / "python"
        tools = self._native_tools()
        text = "Making a build python, and what needs none" if found is None else f"Configuring for WASI, with {found}"
        self._step(text, "begin", lambda: self._begin(tools, found))
        self._step("Compiling CPython for WASI", "make-wasi", lambda: self._make_wasi(tools))
        self._step("Linking python.wasm", "link", lambda: self._link(tools))
        self._step("Installing", "install", lambda: self._install(found))
        return self._manifest(tools, found)

    def _step(self, text: str, name: str, work: Callable[[], object]) -> None:
        self._index += 1
        with self.console.step(f"{text}{' (done before)' * self.workspace.done(name)}", index=self._index, total=STEPS):
            self.workspace.once(name, work)

    def _native_tools(self) -> native.NativeTools:
        """Find make (and a native compiler); where the machine has none, the distribution's packages serve."""
        tools = native.own()
        if tools is None:
            with self.console.step("Fetching make and a native sysroot from the distribution"):
                folder, log = self.workspace.scratch / "native", self.workspace.log("native")
                tools = native.from_packages(self.cache, self.sdk, folder, log)
        return tools

    def _unpack(self) -> None:
        self.source.unpack(self.tree)
        for edit in recipe.EDITS:
            path = self.tree / edit.file
            text = path.read_text(encoding="utf-8")
            if text.count(edit.old) != 1:
                message = f"CPython {self.source.version}: {edit.file} is not as expected, the edit does not fit"
                raise ToolchainError(message, hint="report it with the version, or use the pinned sources")
            path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
        for name, text in recipe.guest_files().items():
            if name.endswith(".h"):
                (self.tree / "Include" / "internal" / name).write_text(text, encoding="utf-8")

    def _begin(self, tools: native.NativeTools, found: Path | None) -> None:
        """Make the build python, and meanwhile as much for WASI as can be done without it: configure is serial.

        The WASI configure only asks the build python for its version; until that is there, a script answers for it.
        """
        once, python = self.workspace.once, found
        if python is None:
            python = self.workspace.scratch / "build-python"
            target = shlex.quote(str(self.python))
            question = f'case "$2" in *version_info*) echo {self.short_version} ;; *) exit 1 ;; esac'
            script = f'#!/bin/sh\ntest -x {target} && exec {target} "$@"\n{question}\n'
            replace_file(python, script.encode(), mode=0o755)

        def native_lane() -> None:
            if found is None:
                configure = partial(build_python.configure, self.tree, tools, self.workspace)
                once("configure-build-python", configure)
                once("make-build-python", lambda: self._make_build_python(tools))
            else:
                self._keep(found)

        def wasi_lane() -> None:
            once("configure-wasi", lambda: self._configure_wasi(python))
            once("make-hot", lambda: self._make_hot(tools))

        with ThreadPoolExecutor(max_workers=2) as pool:
            lanes = [pool.submit(native_lane), pool.submit(wasi_lane)]
        for lane in lanes:
            lane.result()

    def _keep(self, found: Path) -> None:
        """Remember the machine's own interpreter outside the entry, which must name nothing of this machine."""
        link = self.cache.folder("build-python") / self.source.version
        link.unlink(missing_ok=True)
        link.symlink_to(found)

    def _configure_wasi(self, python: Path) -> None:
        shutil.rmtree(self.wasi_dir, ignore_errors=True)
        self.wasi_dir.mkdir(parents=True)
        guess = process.run(["sh", self.tree / "config.guess"], what="asking for this machine's triple").strip()
        process.run(
            recipe.configure_wasi("../../configure", build=guess, build_python=python),
            what="configuring CPython for WASI",
            cwd=self.wasi_dir,
            env=process.base_environment(recipe.wasi_environment(self.sdk, self.tree)),
            log=self.workspace.log("configure-wasi"),
            hold=self.workspace.hold,
        )

    def _make_build_python(self, tools: native.NativeTools) -> None:
        python = build_python.make(self.tree, tools, self.workspace, jobs())
        process.run([python, "-c", build_python.PROBE], what="running the build python", env=self._native_env())

    def _native_env(self) -> dict[str, str]:
        env = process.base_environment({"PYTHONDONTWRITEBYTECODE": "1"})
        travelling = self.native_dir / "travelling"
        if travelling.is_dir() and any(travelling.iterdir()):
            env["LD_LIBRARY_PATH"] = str(travelling)
        return env

    def _make(self, tools: native.NativeTools, *targets: str, what: str) -> None:
        # The interpreter tells when it was compiled (Modules/getbuildinfo.c): say when its sources were released.
        released = int((self.tree / "Include" / "patchlevel.h").stat().st_mtime)
        env = {
            **self._native_env(),
            **recipe.wasi_environment(self.sdk, self.tree),
            "SOURCE_DATE_EPOCH": str(released),
        }
        process.run(
            [tools.make, f"-j{jobs()}", *targets],
            what=what,
            cwd=self.wasi_dir,
            env=env,
            log=self.workspace.log("make-wasi"),
            hold=self.workspace.hold,
        )

    def _make_hot(self, tools: native.NativeTools) -> None:
        """Compile what is hot with flags of its own; make will leave it alone when it compiles the rest."""
        how = self._optimization
        for name, data in how.files.items():
            replace_file(self.wasi_dir / name, data)
        text = (self.wasi_dir / "Makefile").read_text(encoding="utf-8")
        if how.hot_flags:
            hot = [*HOT_OBJECTS, *(name for names in HOT_VARIABLES for name in variable(text, names))]
            flags = " ".join([*how.flags, *how.hot_flags])
            self._make(tools, *hot, f"EXTRA_CFLAGS={flags}", what="compiling CPython for WASI")

    def _make_wasi(self, tools: native.NativeTools) -> None:
        text = (self.wasi_dir / "Makefile").read_text(encoding="utf-8")
        rest = [f"libpython{self.short_version}.a", "Programs/python.o", *static_archives(text)]
        self._make(
            tools, *rest, f"EXTRA_CFLAGS={' '.join(self._optimization.flags)}", what="compiling CPython for WASI"
        )

    def _link(self, tools: native.NativeTools) -> None:
        """Compile our part of the guest, plan which library members to pull in, and link."""
        objects = self._compile_guest()
        program = [*objects, *(str(path) for path in sorted(self.wasi_dir.rglob("*.a")))]
        archives = [str(path) for path in recipe.archives(self.sdk)]
        taken = {symbol for member in parse_nm(self._nm(program)).values() for symbol in member.defines}
        members = parse_nm(self._nm([*archives, str(self.sdk.builtins)]))
        flags, libraries = self._optimization.link_flags, recipe.libraries(self.sdk)
        words = recipe.link_arguments(pullable(members, taken), objects, flags, libraries)
        (self.wasi_dir / "hatch_wasi.rsp").write_text(words, encoding="utf-8")
        (self.wasi_dir / "python.wasm").unlink(missing_ok=True)
        self._make(tools, "python.wasm", "pybuilddir.txt", "LINKFORSHARED=@hatch_wasi.rsp", what="linking python.wasm")

    def _compile_guest(self) -> list[str]:
        """Compile our C files in the build folder; give their objects' names."""
        for module, file in recipe.FROZEN.items():
            header = f"hatch_wasi_frozen_{module.replace('.', '_')}.h"
            freeze = ["../../Programs/_freeze_module.py", module, f"../../{file}", header]
            self._run_guest_step([self.python, *freeze], f"freezing {module}")
        objects = []
        for name, text in recipe.guest_files().items():
            if name.endswith(".c"):
                source = self.wasi_dir / f"hatch_wasi_{name}"
                source.write_text(text, encoding="utf-8")
                objects.append(source.with_suffix(".o").name)
                options = ("-O3", "-I.", "-I../../Include", "-I../../Include/internal", "-D_WASI_EMULATED_SIGNAL")
                self._run_guest_step(
                    [*self.sdk.cc, *options, "-c", source.name, "-o", objects[-1]], f"compiling {name}"
                )
        return objects

    def _run_guest_step(self, argv: Sequence[str | Path], what: str) -> None:
        log = self.workspace.log("guest")
        process.run(argv, what=what, cwd=self.wasi_dir, env=self._native_env(), log=log, hold=self.workspace.hold)

    def _nm(self, files: list[str]) -> str:
        return process.run(
            [self.sdk.program("llvm-nm"), "--print-file-name", "--format=posix", "--extern-only", *files],
            what="listing symbols",
            cwd=self.wasi_dir,
            env=process.base_environment(),
        )

    def _install(self, found: Path | None) -> None:
        entry = self.workspace.tree
        layout.install_wasi(self.tree, entry, self.short_version)
        python = found
        if python is None:
            layout.install_build_python(self.tree, entry, self.short_version)
            python = entry / "build-python" / "bin" / f"python{self.short_version}"
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
        library = f"lib/python{self.short_version}"
        homes = {entry: GUEST_HOME} | ({} if found else {entry / "build-python": "/usr"})
        for folder, seen_as in homes.items():
            layout.compile_stdlib(
                python,
                folder / library,
                f"{seen_as}/{library}",
                # What compileall itself imports must not be written by its own path.
                env=process.base_environment({"PYTHONDONTWRITEBYTECODE": "1"}),
                jobs=jobs(),
                log=self.workspace.log("compileall"),
            )

    def _manifest(self, tools: native.NativeTools, found: Path | None) -> dict[str, object]:
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
                "optimization": [*self._optimization.flags, *self._optimization.hot_flags],
                "source": {"origin": self.source.origin, "sha256": self.source.sha256},
                "native_tools": tools.origin,
                "build_python": "built from the same sources" if found is None else "the machine's own",
            },
        }
