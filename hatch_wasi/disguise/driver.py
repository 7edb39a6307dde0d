"""The compiler driver: what a build calls as cc, c++, ar, …, told by its name.

Run by an isolated interpreter without `site` (`python -IS`), from a copy of this package: it imports nothing that takes
time. Its settings are a file in marshal's format, written by `toolset`.
"""

from __future__ import annotations

import marshal
import os
import sys

from hatch_wasi.side_modules import exports
from hatch_wasi.side_modules.arguments import CXX_SUFFIXES, Command, rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

__all__ = ["CXX", "Driver", "main"]

PASSED = ("ar", "ranlib", "nm", "strip", "objdump", "objcopy", "readelf", "ld")
ALIASES = {"cpp": ("cc", ["-E"]), "as": ("cc", ["-c", "-x", "assembler"])}
"""Programs that are a compiler with words of their own."""
PROGRAM_END = b"\x06_start\0"
"""The export of a command module."""
QUESTIONS = frozenset(
    {"--version", "-v", "-V", "-dumpversion", "-dumpmachine", "-###", "--help", "-print-search-dirs", "-print-sysroot",
     "-print-libgcc-file-name", "-print-resource-dir", "--print-search-dirs", "-print-multiarch", "-print-multi-os-directory"}
)  # fmt: skip
VERBOSE = frozenset({"-v", "-Wl,-v"})
BINARY_SUFFIXES = (".a", ".so", ".o", ".obj", ".lo")
INCLUDING = ("-include", "-imacros")
CXX = "c++"


class Missing(Exception):
    """Something for the target is used that is not there yet: files of a build requirement, or `CXX`, the C++ library."""


class Refused(Exception):
    """An option that cannot hold for WASI, and that code relies on."""


class Driver:
    """One call."""

    def __init__(self, settings: dict[str, Any], name: str) -> None:
        """Work by `settings` (see `toolset`) as the program `name`."""
        self.settings = settings
        self._listed: str | None = None
        self.unit: tuple[str, str] | None = None
        """The source and the object, where `arguments` compiles one of C++."""
        self.program = ""
        """The file of a program that is linked."""
        self.is_cxx = name in ("c++", "g++", "clang++")

    def arguments(self, argv: list[str]) -> list[str]:
        """Return the command that stands for the compiler call `argv`. Raises `Missing` and `Refused`."""
        settings = self.settings
        compiler = settings["cxx" if self.is_cxx else "cc"]
        words = list(expand(argv))
        if not words or _asks(words):
            return [*compiler, *words]
        command = rewrite(words, self.place)
        for word, reason in command.refused:
            raise Refused(f"{word} cannot be used for WASI: {reason}")
        command.words = [
            self.file(word, is_compiled=before not in INCLUDING) if word[:1] == "/" else word
            for before, word in zip(("", *command.words), command.words, strict=False)
        ]
        is_cxx = self.is_cxx or any(word.endswith(CXX_SUFFIXES) for word in command.words)
        if is_cxx and not settings["has_cxx"]:
            raise Missing(CXX)
        compile_words = (
            [*settings["compile"], *settings["cxx_compile" if is_cxx else "c_compile"]] if command.sources else []
        )
        compile_words += self.inlining(command) if command.sources else []
        if command.compile_only:
            self.unit = _unit(command) if is_cxx and "-c" in command.words else None
            return [*compiler, *compile_words, *command.words, *settings["include"]]
        if command.shared:
            return [
                *compiler,
                *compile_words,
                *self.link(command, is_cxx=is_cxx),
                *settings["include"] * command.sources,
            ]
        # A program, by which a build system finds out what there is: the SDK's own C++ library may not be there.
        runtime = ["-nostdlib++", *settings["cxx_runtime"]] if is_cxx else []
        search = ["-L" + settings["provided_in"]]
        start = settings["program_start"] if self.starts(command) else []
        self.program = command.output or "a.out"
        return [*compiler, *compile_words, *command.words, *start, *search, *runtime, *settings["program_link"]]

    def starts(self, command: Command) -> bool:
        """Tell whether a whole program is linked, with the C library."""
        return not {"-nostdlib", "-r", "-Wl,-r", "-Wl,--relocatable", "-Wl,--no-entry"} & set(command.words)

    def inlining(self, command: Command) -> list[str]:
        """Give what is to be inlined, as `flags.inlining` does: this process has no time to import that."""
        levels = [word for word in command.words if word.startswith("-O")]
        is_said = any("-inline-threshold" in word for word in command.words)
        is_fast = bool(levels) and levels[-1] in self.settings["optimized"]
        return list(self.settings["inline"]) if is_fast and not is_said else []

    def link(self, command: Command, *, is_cxx: bool) -> list[str]:
        """Return the words that link a side module."""
        settings = self.settings
        kind = "cxx" if is_cxx or self.has_cxx(command) else "c"
        words = self.without_provided(command.words)
        exported = [*_exports(command), *settings[f"{kind}_objects"]]
        return [*settings["link"], *exported, *words, *settings[f"{kind}_link"]]

    def without_provided(self, words: list[str]) -> list[str]:
        """Leave out libraries that python.wasm has, if the build does not bring its own of that name."""
        settings = self.settings
        own = f"{settings['provided_in']}/"
        folders = [word[2:] for word in words if word[:2] == "-L" and f"{os.path.normpath(word[2:])}/" != own]
        theirs = {
            name
            for name in settings["provided"]
            if any(os.path.exists(f"{folder}/lib{name}{suffix}") for folder in folders for suffix in (".so", ".a"))
        }
        left_out = {f"-l{name}" for name in settings["provided"] if name not in theirs}
        return [word for word in words if word not in left_out and not word.startswith(own)]

    def _symbols(self, command: Command) -> str:
        """List the symbols of the objects and archives that are linked, by the SDK's nm."""
        if self._listed is None:
            files = [
                word for word in command.words if word.endswith((".o", ".obj", ".a", ".lo")) and os.path.isfile(word)
            ]
            self._listed = _output([*self.settings["nm"], "--format=just-symbols", *files]) if files else ""
        return self._listed

    def has_cxx(self, command: Command) -> bool:
        """Tell whether C++ is linked by the C compiler: its objects refer to mangled names of the runtime."""
        listed = self._symbols(command)
        return any(
            mark in listed for mark in ("\n__gxx_", "\n__cxa_", "\n_Zn", "\n_Zd", "\n_ZNSt", "\n_ZNKSt", "\n_ZSt")
        )

    def place(self, option: str, folder: str) -> str | None:
        """Give what stands for a folder that is searched: see `arguments.rewrite`. Raises `Missing`."""
        settings = self.settings
        path = os.path.normpath(os.path.join(os.getcwd(), folder)) + "/" if not folder.startswith("=") else folder
        if (found := self._of_package(path)) is not None:
            return found or folder
        if path.startswith(tuple(settings["machine"])) and not path.startswith(tuple(settings["own"])):
            return None
        if option != "-L" and os.path.isfile(path + "Python.h"):
            return str(settings["python_include"])
        return folder

    def file(self, path: str, *, is_compiled: bool) -> str:
        """Give what stands for a file that is compiled or linked, named by its whole path. Raises `Missing`.

        What is compiled itself is nobody's in particular: CMake's package has files by which it tries compilers.
        """
        try:
            return self._of_package(os.path.normpath(path)) or path
        except Missing:
            if is_compiled and not path.endswith(BINARY_SUFFIXES):
                return path
            raise

    def _of_package(self, path: str) -> str | None:
        """Give the target's copy of a path in a package; empty: it is nobody's in particular; None: in no package."""
        for prefix, target, impure in self.settings["packages"]:
            if path.startswith(prefix + "/"):
                other = target + path[len(prefix) :]
                if os.path.exists(other):
                    return str(other)
                top = path[len(prefix) :].lstrip("/").partition("/")[0]
                if top in impure:
                    raise Missing(impure[top])
                return ""
        return None


def _exports(command: Command) -> list[str]:
    """Return the words that export what a library on Linux would.

    Archives are a module's own affair if an object has a function by which Python imports it; what is linked as a whole
    counts as objects do.
    """
    leaf = command.output.rpartition("/")[2].partition(".")[0]
    package = os.path.basename(os.path.dirname(os.path.abspath(command.output)))
    named = exports.init_functions(f"{package}.{leaf}")
    if command.sources:  # they are compiled by this very call
        return [*exports.words(named), "-Wl,--export-dynamic"]
    objects: list[str] = []
    archives: list[str] = []
    folders = [word[2:] for word in command.words if word.startswith("-L")]
    is_whole = False
    for word in command.words:
        if word.endswith("-whole-archive"):
            is_whole = not word.endswith("-no-whole-archive")
        elif word.startswith("-l"):
            paths = (f"{folder}/lib{word[2:]}.a" for folder in folders)
            (objects if is_whole else archives).extend([path for path in paths if os.path.isfile(path)][:1])
        elif not word.startswith("-"):
            (archives if word.endswith(".a") and not is_whole else objects).append(word)
    found = exports.symbols(objects)
    if not exports.has_init(found):
        found += exports.symbols(archives)
    return [*exports.words([*named, *found]), *([] if found else ["-Wl,--export-dynamic"])]


def _unit(command: Command) -> tuple[str, str] | None:
    """Return the one source that is compiled and its object; None if there are several."""
    sources = [word for word in command.words if word.endswith((".c", *CXX_SUFFIXES)) and word[:1] != "-"]
    if len(sources) != 1:
        return None
    return sources[0], command.output or os.path.basename(sources[0]).rpartition(".")[0] + ".o"


def _compile(argv: list[str], source: str, output: str) -> int:
    """Compile C++, in another way if it calls setjmp; return the exit status."""
    status = os.spawnv(os.P_WAIT, argv[0], argv)
    try:
        with open(output, "rb") as file:
            content = b"" if status else file.read()
    except OSError:
        content = b""
    if not content:
        return status
    from hatch_wasi.side_modules import longjmp

    if not longjmp.is_concerned(content):
        return status
    first, second = longjmp.steps(argv, source, output)
    status = os.spawnv(os.P_WAIT, first[0], first)
    if status:
        return status
    text = f"{output}.ll"
    with open(text, encoding="utf-8") as file:
        changed = longjmp.rewrite(file.read())
    with open(text, "w", encoding="utf-8") as file:
        file.write(changed)
    status = os.spawnv(os.P_WAIT, second[0], second)
    os.unlink(text)
    return status


def _asks(words: list[str]) -> bool:
    """Tell whether a call asks about the compiler; `-v`, where something is compiled or linked, only has that shown."""
    asked = {word for word in words if _is_question(word)} | {
        word for word in (words[0], words[-1]) if word in QUESTIONS
    }
    if asked <= VERBOSE:
        return bool(asked) and not any(word[:1] != "-" and os.path.isfile(word) for word in words)
    return True


def _is_question(word: str) -> bool:
    return word.startswith(("-print-", "--print-", "-Wl,--version", "-Wl,-v")) or word == "-Wl,--help"


def _output(argv: list[str]) -> str:
    import subprocess

    return subprocess.run(
        argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
    ).stdout


def expand(argv: Iterable[str]) -> Iterator[str]:
    """Give the words with response files (`@FILE`) read in."""
    for word in argv:
        if word.startswith("@") and os.path.isfile(word[1:]):
            import shlex

            with open(word[1:], encoding="utf-8") as file:
                yield from expand(shlex.split(file.read()))
        else:
            yield word


def main(settings_file: str, name: str, argv: list[str]) -> None:
    """Do what the program `name` is for."""
    with open(settings_file, "rb") as file:
        settings = marshal.load(file)
    unit = None
    name, words = ALIASES.get(name, (name, []))
    argv = [*words, *argv]
    programs: list[str] = []
    if name in PASSED:
        command = [*settings[name], *argv]
        programs = [word for word in argv if unlaunch(word, settings["launcher"])]
    else:
        driver = Driver(settings, name)
        try:
            command = driver.arguments(argv)
        except Refused as refused:
            sys.stderr.write(f"hatch-wasi: error: {refused}\n")
            sys.exit(1)
        except Missing as missing:
            with open(settings["missing"], "a", encoding="utf-8") as file:
                file.write(f"{missing}\n")
            sys.stderr.write(
                f"hatch-wasi: headers or libraries of {missing} are needed for WASI: building again with them\n"
            )
            sys.exit(1)
        unit = driver.unit
        programs = [driver.program] if driver.program else []
    if log := settings["log"]:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{os.getcwd()}$ {name} {argv}\n  {command}\n")
    if unit:
        status = _compile(command, *unit)
        sys.exit(status if status >= 0 else 1)
    if not programs:
        os.execv(command[0], command)
    status = os.spawnv(os.P_WAIT, command[0], command)
    for program in programs if name not in PASSED else {*programs, *argv}:
        launch(program, settings["launcher"])
    sys.exit(status)


def launch(program: str, launcher: str) -> None:
    """Write the launcher before a command module, so that a build can call it; leave anything else alone."""
    try:
        with open(program, "rb") as file:
            data = file.read() if os.path.isfile(program) and file.peek(4)[:4] == b"\0asm" else b""
        if PROGRAM_END in data:
            with open(program, "wb") as file:
                file.write(launcher.encode() + data)
    except OSError:  # not a file, or a word that names none
        return


def unlaunch(program: str, launcher: str) -> bool:
    """Take the launcher off a program, for tools that read modules, and tell whether there was one."""
    mark = launcher.encode()
    try:
        with open(program, "rb") as file:
            if file.read(len(mark)) != mark:
                return False
            data = file.read()
        with open(program, "wb") as file:
            file.write(data)
    except OSError:
        return False
    return True
