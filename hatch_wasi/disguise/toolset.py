"""Write the folder that a disguised build uses: programs, sysconfig's data, what CMake and Meson are told."""

import marshal
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.disguise import libraries, pkgconfig, programs
from hatch_wasi.disguise.meson import cross_file
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import flags
from hatch_wasi.side_modules.arguments import MACHINE
from hatch_wasi.side_modules.libraries import provided
from hatch_wasi.wasi_python import WasiPython

__all__ = ["Toolset"]

COMPILERS = ("cc", "c++")
# For the programs by which build systems find out what there is.
EMULATIONS = (
    "-lwasi-emulated-signal",
    "-lwasi-emulated-getpid",
    "-lwasi-emulated-process-clocks",
    "-lwasi-emulated-mman",
)
LLVM = {"ar": "llvm-ar", "ranlib": "llvm-ranlib", "nm": "llvm-nm", "strip": "llvm-strip", "objdump": "llvm-objdump",
        "objcopy": "llvm-objcopy", "readelf": "llvm-readobj", "ld": "wasm-ld"}  # fmt: skip
PACKAGE = (
    "disguise/__init__.py", "disguise/driver.py", "side_modules/__init__.py", "side_modules/arguments.py",
    "side_modules/exports.py", "side_modules/longjmp.py",
)  # fmt: skip
# A wheel does not need `make check` of a library that a project brings along (automake's names).
NO_TESTS = "-- TESTS= check_PROGRAMS="
SHIM = {"shim.py": "_hatch_wasi_disguise", "sizes.py": "_hatch_wasi_sizes"}
"""What disguises the interpreter, and its name in a build environment."""
# sysconfig's variables that say where the interpreter is which runs: those stay its own.
PLACES = frozenset(
    {"base", "exec_prefix", "installed_base", "installed_platbase", "platbase", "platlibdir", "prefix", "projectbase",
     "py_version", "py_version_nodot", "py_version_nodot_plat", "py_version_short", "srcdir", "userbase", "BINDIR",
     "BINLIBDEST", "DESTLIB", "DESTSHARED", "LIBDEST", "LIBDIR", "LIBPL", "SCRIPTDIR", "MACHDESTLIB"}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Toolset:
    """A folder of programs and files for one build."""

    folder: Path
    sdk: WasiSdk
    python: WasiPython
    cxx: CxxLibrary | None
    """What C++ is compiled and linked with; None: it was not needed yet."""
    hidden: Sequence[Path]
    """Folders of the build that must not show in what is made."""
    site_packages: Path
    """Of the build environment: what is there is the build machine's."""
    writable: Sequence[Path] = ()
    """Folders that programs which the build makes may write."""
    more_packages: Sequence[Path] = ()
    """Other folders of packages that it sees."""
    target_packages: Path
    """The same for the target, as far as it was needed; may not exist."""
    impure: Mapping[str, str] = field(default_factory=dict)
    """Top-level names in `site_packages` that come from platform wheels, and their distributions."""

    @property
    def calls(self) -> Path:
        """A log of what the compilers were asked, and did; not there if nobody called them."""
        return self.folder / "calls"

    @property
    def missing(self) -> Path:
        """A file that lists distributions whose files for the target were wanted and not there."""
        return self.folder / "missing"

    def program(self, name: str) -> Path:
        """Name one of its programs: `cc`, `c++`, `ar`, …."""
        return self.folder / "bin" / name

    def write(self) -> None:
        """Make everything in the folder anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        package = self.folder / "lib" / "hatch_wasi"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        for name in PACKAGE:
            (package / name).parent.mkdir(exist_ok=True)
            (package / name).write_bytes(files("hatch_wasi").joinpath(name).read_bytes())
        process.run_python(
            ["-m", "compileall", "-q", self.folder / "lib"], isolated=True, what="compiling the compiler driver"
        )
        self._write_headers()
        self._compile_support()
        (self.folder / "settings").write_bytes(marshal.dumps(self._settings()))
        (self.folder / "sysconfig").write_bytes(marshal.dumps(self._sysconfig(), 4))
        (self.folder / "bin").mkdir()
        for name in programs.ALIASES:
            self._write_program(name)
        for name, program in programs.aliases().items():
            self.program(name).symlink_to(program)
        self.runner.write()
        self._write_python_config()
        libraries.write(self.python, self.folder)
        self._write_cmake()
        (self.folder / "meson.cross").write_text(self._meson(), encoding="utf-8")
        (self.folder / "config.site").write_bytes(files("hatch_wasi.disguise").joinpath("config.site").read_bytes())

    @property
    def runner(self) -> programs.Runner:
        """What runs programs that the build makes."""
        return programs.Runner(
            folder=self.folder,
            writable=self.writable,
            shown=self.hidden,
            environment=self.environment(),
        )

    def _write_program(self, name: str) -> None:
        lib, settings = str(self.folder / "lib"), str(self.folder / "settings")
        start = (
            f"import sys; sys.path.insert(0, {lib!r}); from hatch_wasi.disguise.driver import main; "
            f"main({settings!r}, {name!r}, sys.argv[1:])"
        )
        script = "#!/bin/sh\n"
        if name not in COMPILERS:  # the machine's gcc looks for its assembler and linker on the PATH
            native = process.quote([os.environ.get("PATH", os.defpath)])
            script += f'if [ "${{COLLECT_GCC-}}" ]; then PATH={native}; exec {name} "$@"; fi\n'
        script += f'exec {process.quote([*process.python(isolated=True), "-SB", "-c", start])} "$@"\n'
        path = self.program(name)
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def _write_headers(self) -> None:
        """Write headers that declare what python.wasm has and wasi-libc's do not."""
        for name, content in flags.headers().items():
            path = self.folder / "include" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    @property
    def _pkgconfig(self) -> list[Path]:
        return pkgconfig.folders(self.folder / "pkgconfig", (self.site_packages, *self.more_packages))

    def _write_python_config(self) -> None:
        """Write what stands for `pythonX.Y-config`: CMake asks it, and not the interpreter, when it cross-compiles."""
        target, include = self.python.target(), self.python.include
        answers = {
            "--help": "--prefix|--includes|--libs|--cflags|--ldflags|--extension-suffix|--abiflags|--configdir",
            "--prefix": str(self.python.root),
            "--exec-prefix": str(self.python.root),
            "--includes": f"-I{include}",
            "--cflags": f"-I{include}",
            "--extension-suffix": target.ext_suffix,
            "--configdir": str(self.python.root / "static"),
        }
        cases = "\n".join(f"    {name}) echo {process.quote([text])} ;;" for name, text in answers.items())
        script = f"#!/bin/sh\nfor word; do\n    case $word in\n{cases}\n    *) echo ;;\n    esac\ndone\n"
        path = self.program(f"python{self.python.short_version}-config")
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def _common(self) -> list[str]:
        maps = [f"-ffile-prefix-map={path}=." for path in self.hidden]
        return ["-fPIC", *flags.EMULATED, *maps, *flags.hide(self.sdk, self.python.root, self.cxx)]

    def _compile_support(self) -> None:
        """Compile what every side module gets: an object with the note, and archives of what it may refer to."""
        soabi, folder = self.python.target().soabi, self.folder / "support"
        folder.mkdir()
        for kind, cxx in (("c", None), *([("cxx", self.cxx)] if self.cxx else [])):
            sources = flags.support(self.sdk, self.python.version, soabi, cxx, exceptions=True)
            for name, text in sources.items():
                source = folder / name
                source.write_text(text, encoding="utf-8")
                is_cxx = name.endswith(".cpp")
                options = [*self._common(), *flags.language(self.sdk, cxx if is_cxx else None, exceptions=True), "-Os"]
                compiler = [*(self.sdk.cxx if is_cxx else self.sdk.cc), *([] if name.endswith(".s") else options)]
                target = folder / (f"{kind}-note.o" if name.endswith(".s") else f"{kind}-{name}.o")
                process.run(
                    [*compiler, "-c", source, "-o", target], what=f"compiling {name}", env=process.base_environment()
                )

        programs.compile_start(self.sdk, self._common(), folder)

    def _support(self, kind: str) -> list[str]:
        return sorted(str(path) for path in (self.folder / "support").glob(f"{kind}-*.o"))

    def _settings(self) -> dict[str, object]:
        sdk, cxx = self.sdk, self.cxx
        builtins = [str(sdk.builtins)] if sdk.builtins else []
        settings: dict[str, object] = {name: [str(sdk.program(program))] for name, program in LLVM.items()}
        runtime = list(cxx.link_words(exceptions=True)) if cxx else []
        prefix = self.folder / libraries.FOLDER
        return settings | {
            "cc": list(sdk.cc),
            "cxx": list(sdk.cxx),
            "has_cxx": cxx is not None,
            "compile": [*self._common(), "-isystem", str(self.folder / "include"), "-isystem", f"{prefix}/include"],
            "c_compile": [*flags.VISIBLE, *flags.language(sdk, None, exceptions=True)],
            "cxx_compile": [*flags.VISIBLE, *flags.language(sdk, cxx, exceptions=True)] if cxx else [],
            "inline": list(flags.INLINE),
            "optimized": sorted(flags.OPTIMIZED),
            "link": list(flags.LINK),
            "c_objects": self._support("c"),
            "cxx_objects": self._support("cxx"),
            "c_link": builtins,
            "cxx_link": [*runtime, *builtins],
            "cxx_runtime": runtime,
            "provided": sorted(provided(self.python)),
            "provided_in": f"{prefix}/lib",
            "program_start": [str(self.folder / "support" / "program-start.o"), *programs.LINK],
            "launcher": self.runner.launcher,
            "program_link": [word for word in EMULATIONS if (sdk.library_dir / f"lib{word[2:]}.a").is_file()],
            "include": [f"-isystem{self.python.include}"],
            "python_include": str(self.python.include),
            "packages": [
                [str(folder), str(self.target_packages), dict(self.impure)]
                for folder in (self.site_packages, *self.more_packages)
            ],
            "machine": [f"{folder}/" for folder in MACHINE],
            "own": [f"{folder}/" for folder in (*self.hidden, self.folder, sdk.root, self.python.root)],
            "missing": str(self.missing),
            "log": str(self.calls),
        }

    def variables(self) -> dict[str, str]:
        """Give what sysconfig and the environment say about compilers, quoted as who splits it into words expects."""
        cc, cxx = self._word("cc"), self._word("c++")
        others = ("ar", "ld", "nm", "ranlib", "strip", "objcopy")
        return {
            "CC": cc,
            "CXX": cxx,
            "CPP": f"{cc} -E",
            **{name.upper(): self._word(name) for name in others},
            # setuptools drops the first word of LDSHARED for C++: the rest must still say what is linked.
            "LDSHARED": f"{cc} -shared",
            "LDCXXSHARED": f"{cxx} -shared",
        }

    def _word(self, name: str) -> str:
        return process.quote([self.program(name)])

    def environment(self) -> dict[str, str]:
        """Give the variables of a disguised process."""
        return {
            **programs.native_compilers(),
            **self.variables(),
            "HATCH_WASI_DISGUISE": str(self.folder),
            "HATCH_WASI_TARGET_PACKAGES": str(self.target_packages),
            "HATCH_WASI_MISSING": str(self.missing),
            "CMAKE_TOOLCHAIN_FILE": str(self.folder / "toolchain.cmake"),
            "CONFIG_SITE": str(self.folder / "config.site"),
            "MAKEFLAGS": NO_TESTS,
            "PKG_CONFIG_PATH": "",
            "PKG_CONFIG_LIBDIR": ":".join(map(str, self._pkgconfig)),
        }

    def install_shim(self) -> None:
        """Put what disguises the interpreter into the build environment; it sleeps until the environment wakes it."""
        for name, module in SHIM.items():
            text = files("hatch_wasi.disguise").joinpath(name).read_bytes()
            (self.site_packages / f"{module}.py").write_bytes(text)
        # The name comes first among .pth files: others may import sysconfig.
        (self.site_packages / "00_hatch_wasi.pth").write_text(f"import {SHIM['shim.py']}\n", encoding="utf-8")

    def _sysconfig(self) -> dict[str, object]:
        target = self.python.target()
        told = {name: value for name, value in target.variables.items() if name not in PLACES}
        include = str(self.python.include)
        told |= {**self.variables(), "INCLUDEPY": include, "CONFINCLUDEPY": include, "CCSHARED": "", "ARFLAGS": "rcs"}
        told |= {
            "CFLAGS": "-O2 -DNDEBUG -fno-strict-overflow -Wall",
            "OPT": "-O2 -DNDEBUG",
            "LDFLAGS": "",
            "CPPFLAGS": "",
        }
        told |= {"BLDSHARED": told["LDSHARED"], "SHLIB_SUFFIX": ".so", "MULTIARCH": "wasm32-wasi", "HOSTRUNNER": ""}
        return {
            "variables": told,
            "include": include,
            "platform": target.platform,
            "makefile": str(self.folder / "Makefile"),
            "suffix": target.ext_suffix,
            "run": self._run_words(),
        }

    def _run_words(self) -> list[str]:
        """Give the command that is WASI Python for what a build runs of what it built: it sees what the build sees."""
        sites = [f"--site={folder}" for folder in (self.target_packages, self.site_packages, *self.more_packages)]
        shown = [f"--dir={folder}" for folder in self.hidden]
        return [*process.python(), "-m", "hatch_wasi", "run", f"--python={self.python.root}", *shown, *sites]

    def _write_cmake(self) -> None:
        target = self.python.target()
        text = files("hatch_wasi.disguise").joinpath("toolchain.cmake.in").read_text(encoding="utf-8")
        names = {
            "FOLDER": str(self.folder),
            "RUN": str(self.runner.program),
            "CC": str(self.program("cc")),
            "CXX": str(self.program("c++")),
            "SYSROOT": str(self.sdk.sysroot),
            "PACKAGES": str(self.target_packages),
            "INCLUDE": str(self.python.include),
            "SOABI": target.soabi,
            "SUFFIX": target.ext_suffix,
            "CONFIG": str(self.program(f"python{self.python.short_version}-config")),
            "PYTHON": str(self.site_packages.parents[2] / "bin" / "python"),
        }
        for name, value in names.items():
            text = text.replace(f"@{name}@", value)
        (self.folder / "toolchain.cmake").write_text(text, encoding="utf-8")
        platform = self.folder / "cmake" / "Platform" / "WASI.cmake"
        platform.parent.mkdir(parents=True)
        platform.write_bytes(files("hatch_wasi.disguise").joinpath("WASI.cmake").read_bytes())

    def _meson(self) -> str:
        binaries = {name: str(self.program(name)) for name in ("ar", "ranlib", "strip", "nm", "objcopy")}
        binaries |= {"c": str(self.program("cc")), "cpp": str(self.program("c++"))}
        binaries |= {"python": str(self.site_packages.parents[2] / "bin" / "python")}
        binaries |= {"exe_wrapper": str(self.runner.program)}
        return cross_file(binaries, pkgconfig=self._pkgconfig)
