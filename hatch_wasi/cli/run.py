"""`hatch-wasi run`: WASI Python, used as `python` is.

The command line is ours up to the first word that is not one of our (long) options; the rest is python's.
"""

from __future__ import annotations

import os
import sys

from hatch_wasi import environment
from hatch_wasi.cli.run_arguments import Options, Program, unknown_option
from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.engine import Engine, Rejected
from hatch_wasi.runtime.prepared import Prepared, recall, remember
from hatch_wasi.runtime.private import Private
from hatch_wasi.runtime.variables import ignored
from hatch_wasi.runtime.view import HOME, View

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from hatch_wasi.cache import Cache
    from hatch_wasi.console import Console
    from hatch_wasi.environment import Environment
    from hatch_wasi.runtime.codecache import CodeCache
    from hatch_wasi.runtime.guest import Guest
    from hatch_wasi.runtime.loader import Loader
    from hatch_wasi.runtime.space import Space
    from hatch_wasi.wasi_python import WasiPython

__all__ = ["add_parser", "execute", "main"]

HELP = """\
usage: hatch-wasi run [our options] [python's options] [-c CODE | -m MODULE | SCRIPT | -] [ARGUMENTS]

Run WASI Python as `python` would. The guest sees the standard library and what was installed, read-only, the working
directory at its own path, the script's folder and those of PYTHONPATH, read-only, an empty /tmp of its own, /dev/null,
and the time zone. Nothing else of this machine; of its environment, only what says how Python should behave
(PYTHONWARNINGS, PYTHONOPTIMIZE, TERM, NO_COLOR, …).

In an environment that `hatch-wasi venv` made (activated, or around the working directory), its packages are those that
are installed.

our options, which come first:
  --site DIR           look for modules in DIR before the installed ones (repeatable; read-only); DIR may be an environment
  --dir HOST::GUEST    show the folder HOST as GUEST, read-write; HOST alone: at its own path (repeatable)
  --env NAME=VALUE     set a variable; NAME alone: pass it on (repeatable)
  --isolated           do not show the working directory, pass on no variables, know no time zone but UTC
  --max-memory SIZE    limit the guest's memory, such as 512M or 2G; Python raises MemoryError there (default: 4G, all
                       that WebAssembly has)
  --max-table N        limit the number of functions that code may take the address of (default 10,000,000)
  --timeout SECONDS    end the guest after that time, with status 124
  --allow-abi-mismatch load extension modules that were built with another wasi-libc
  --python X.Y|DIR     WASI Python to use (HATCH_WASI_PYTHON; default 3.13)
  --sdk NAME|DIR       SDK to build it with, if it is not there yet (HATCH_WASI_SDK; default auto)
  --offline            never use the network (HATCH_WASI_OFFLINE)
  --verbose, --quiet   say more, or only what is wrong
  --help               this text; for python's own: -h
"""
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWN = ("__init__.py", "cpython/recipe.py", "cpython/guest")
"""Parts of this package: another version of it may want another python.wasm, and begins anew."""
REPLACED = {
    "ensurepip": "there is no pip in WASI Python: install packages by `hatch-wasi install NAME`",
    "pip": "install packages by `hatch-wasi install NAME`; `hatch-wasi --help` lists what stands for pip's other commands",
    "venv": "make an environment by `hatch-wasi venv FOLDER`",
}
"""Modules that cannot work in WASI, and what does their work."""
STARTUP = "PYTHONSTARTUP"


def main(argv: Sequence[str]) -> int:
    """Run python with `argv` (ours and its own arguments); returns its exit status, negative if a signal ended it."""
    options = Options(argv)
    if "--help" in options.flags:
        sys.stdout.write(HELP)
        return 0
    program = Program(options.rest)
    if (wrong := unknown_option(program)) is not None:
        raise wrong
    _fill_streams()
    place = _environment(options)
    folder = os.path.join(_cache_root(), "aot")
    request = (PACKAGE, sys.prefix, _python(options, place), options.setting("--sdk", "HATCH_WASI_SDK", "auto"))
    limits, seconds = options.limits()
    prepared = recall(folder, request)
    started = _resume(prepared, limits) if prepared else None
    if prepared is None or started is None:
        prepared, started = _prepare(options, request, limits)
    engine, module = started
    guest = _guest(engine, module, prepared, folder, options)
    view = View()
    site = os.path.join(_data_root(), "site", f"{prepared.short_version}-{prepared.wasi_libc}")
    if place is not None:
        site = place.site_packages
    view.python(prepared.root, site, f"{HOME}/lib/python{prepared.short_version}/site-packages")
    words = _show(view, options, program)
    _refuse(program, view, site)
    if program.is_prompt:
        guest.history = os.path.join(_data_root(), "history")
    with Private() as private:
        if program.is_prompt and not program.ignores_environment and "--isolated" not in options.flags:
            _start_up(private, view)
        private.show(view)
        guest.configure([f"{HOME}/bin/python{prepared.short_version}", *words], view)
        return guest.run(private.remove, seconds=seconds)


def _fill_streams() -> None:
    """Open what was closed of standard input, output and error: nothing else may get their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _environment(options: Options) -> Environment | None:
    """Give the environment whose packages are to be seen: one that is named, else the one that is active or around."""
    for folder in options.values["--site"]:
        if found := environment.of_folder(folder):
            options.values["--site"].remove(folder)
            return found
    given = options.setting("--python", "HATCH_WASI_PYTHON", "")
    found = environment.current(os.environ, None if "--quiet" in options.flags else _warn)
    return found if found and given in {"", found.version} else None


def _warn(text: str) -> None:
    from hatch_wasi.console import Console

    Console().warn(text)


def _python(options: Options, place: Environment | None) -> str:
    given = options.setting("--python", "HATCH_WASI_PYTHON", place.version if place else "3.13")
    return os.path.abspath(given) if "/" in given else given


def _show(view: View, options: Options, program: Program) -> list[str]:
    """Show the guest what the command line says; returns python's arguments as the guest is to read them."""
    isolated, ignore = "--isolated" in options.flags, program.ignores_environment
    if not isolated:
        view.working_directory()
    for folder in options.values["--site"]:
        view.site(folder)
    for word in options.values["--dir"]:
        view.folder(word)
    words = list(options.rest)
    if program.script is not None:
        words[program.script] = view.script(words[program.script])
    if not isolated:
        view.zone(os.environ)
    if not isolated and not ignore:
        path = os.environ.get("PYTHONPATH")
        _remark(options, [*(view.path(path) if path else ()), *ignored(os.environ)])
    view.variables(os.environ, options.values["--env"], isolated=isolated, ignore_python=ignore)
    return words


def _remark(options: Options, remarks: list[str]) -> None:
    if remarks and "--quiet" not in options.flags:
        from hatch_wasi.console import Console

        console = Console()
        for remark in remarks:
            console.note(f"Note: {remark}")


def _refuse(program: Program, view: View, site: str) -> None:
    """Say what does the work of a module that is missing, or cannot work; not if the guest is shown one of that name."""
    name = (program.module or "").partition(".")[0]
    if name not in REPLACED:
        return
    safe = "I" in program.letters or "P" in program.letters
    here = [] if safe or view.cwd == "/" else [view.cwd]
    for folder in (*here, *view.sites, site):
        if any(os.path.isfile(f"{folder}/{name}{end}") for end in (".py", "/__init__.py", "/__main__.py")):
            return
    raise HatchWasiError(f"there is no module {name} in WASI Python", hint=REPLACED[name])


def _start_up(private: Private, view: View) -> None:
    """Let the prompt begin with the file that PYTHONSTARTUP names, of which the guest sees a copy."""
    path = os.environ.get(STARTUP)
    if path and STARTUP not in view.environment:
        view.environment[STARTUP] = private.copy(path, view) or path


def _cache_root() -> str:
    return _root("HATCH_WASI_CACHE_DIR", "XDG_CACHE_HOME", "~/.cache")


def _data_root() -> str:
    return _root("HATCH_WASI_DATA_DIR", "XDG_DATA_HOME", "~/.local/share")


def _root(variable: str, xdg: str, default: str) -> str:
    """Give the folder that `hatch_wasi.cache.Cache` has, without importing what that imports (platformdirs, …)."""
    chosen = os.environ.get(variable)
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    if sys.platform == "linux" and not os.environ.get(xdg):
        return os.path.join(os.path.expanduser(default), "hatch-wasi")
    from hatch_wasi.cache import Cache

    cache = Cache()
    return str(cache.root if xdg == "XDG_CACHE_HOME" else cache.data)


def _resume(prepared: Prepared, limits: dict[str, int]) -> tuple[Engine, int] | None:
    """Map the compiled code of last time; None if wasmtime does not take it (any more)."""
    from hatch_wasi.runtime.capi import Api

    engine = Engine(Api(prepared.library), **limits)
    try:
        return engine, engine.map(prepared.code)
    except Rejected:
        return None


def _prepare(options: Options, request: tuple[str, ...], limits: dict[str, int]) -> tuple[Prepared, tuple[Engine, int]]:
    """Find python.wasm, or build it, and compile it for this machine, or find that done."""
    from hatch_wasi.cache import Cache
    from hatch_wasi.console import Console
    from hatch_wasi.runtime.capi import Api, find_library
    from hatch_wasi.runtime.codecache import CodeCache

    console = Console(verbosity=-1 if "--quiet" in options.flags else int("--verbose" in options.flags))
    cache = Cache()
    library, version = find_library()
    python = _find(cache, console, options, request)
    engine = Engine(Api(library), **limits)
    code = CodeCache(str(cache.root / "aot"), engine, version)
    data = python.wasm.read_bytes()

    def describe() -> object:
        from hatch_wasi.runtime.description import describe_main

        if console.interactive:
            console.note(f"Compiling Python {python.version} for this machine, once …")
        return describe_main(data)

    entry = code.load(data, describe)
    if code.problem:
        console.warn(f"compiled code is not kept: {code.problem}")
    fields = (library, version, str(python.root), python.version, python.wasi_libc, entry.key, entry.code or "")
    prepared = Prepared(*fields)
    if entry.code:
        watched = [
            code.facts(entry.key),
            str(python.wasm),
            str(python.root / "manifest.json"),
            str(cache.root / "python"),
            *(os.path.join(PACKAGE, part) for part in OWN),
        ]
        remember(str(cache.root / "aot"), request, prepared, watched)
    return prepared, (engine, entry.module)


def _find(cache: Cache, console: Console, options: Options, request: tuple[str, ...]) -> WasiPython:
    """Find the WASI Python that is asked for; build it if it is not there."""
    from hatch_wasi import bootstrap

    *_, python, sdk = request
    if sdk == "auto" and (found := bootstrap.ready_python(cache, python=python)):
        return found
    if "--offline" in options.flags:
        os.environ["HATCH_WASI_OFFLINE"] = "1"
    return bootstrap.ensure(cache, console, python=python, sdk=sdk).python


def _guest(engine: Engine, module: int, prepared: Prepared, folder: str, options: Options) -> Guest:
    """Set up the guest, with a loader that is only made when the first side module is opened."""
    from hatch_wasi.runtime.guest import Guest

    strict = "--allow-abi-mismatch" not in options.flags

    def load(space: Space, struct: int) -> Loader:
        from hatch_wasi.runtime.codecache import CodeCache
        from hatch_wasi.runtime.loader import Loader
        from hatch_wasi.runtime.progress import compiling

        tell = None if "--quiet" in options.flags else compiling
        code = CodeCache(folder, engine, prepared.wasmtime, tell=tell)
        abi = {"soabi": prepared.soabi, **({"wasi_libc": prepared.wasi_libc} if strict else {})}
        return Loader(space, code, _description(code, prepared), struct, abi)

    return Guest(engine, module, load)


def _description(code: CodeCache, prepared: Prepared) -> dict[str, object]:
    """Give what is known about python.wasm; read it again if that was not kept."""
    found: dict[str, object] | None = code.description(prepared.key, checked=bool(prepared.code))
    if found is None:
        from hatch_wasi.runtime.description import describe_main

        with open(f"{prepared.root}/python.wasm", "rb") as file:
            found = describe_main(file.read())
    return found


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
) -> None:
    """List the command among the others; its words are parsed by `main`."""
    commands.add_parser("run", parents=[common], add_help=False, help="run WASI Python as `python` would")


def execute(args: argparse.Namespace, console: Console) -> int:  # noqa: ARG001 - as every command's
    """Run a REPL: `main` gets every other command line."""
    return main([])
