"""Makes the native interpreter that imports it answer as WASI Python: `sys`, `os`, `platform` and `sysconfig`.

Copied into a build environment, where a `.pth` file imports it before anything else (Doc/library/site.rst). It does
nothing unless HATCH_WASI_DISGUISE names its data, so that pip runs undisguised there. It runs on the build python, and
knows nothing of hatch_wasi.
"""

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.machinery import ExtensionFileLoader, ModuleSpec
    from types import ModuleType
    from typing import Any

BACKEND = "_in_process.py"
"""The script in which a build backend runs (pyproject_hooks)."""
MACHINE = sys.maxsize, sys.platform
WASI = 2**31 - 1, "wasi"


def _preload() -> None:
    """Import what chooses its implementation by sys.platform, while that is still the machine's."""
    import asyncio
    import concurrent.futures
    import getpass
    import locale
    import mimetypes
    import multiprocessing.util
    import selectors
    import shutil
    import subprocess
    import tempfile
    import urllib.request
    import uuid
    import venv
    import webbrowser
    import zipfile

    del asyncio, concurrent, getpass, locale, mimetypes, multiprocessing, selectors, shutil, subprocess, tempfile
    del urllib, uuid, venv, webbrowser, zipfile
    with contextlib.suppress(ImportError):  # a lean build python has no libffi
        import ctypes.util

        del ctypes


def _sysconfig(data: "dict[str, object]") -> None:
    import sysconfig

    sysconfig.get_config_vars().update(data["variables"])  # type: ignore[call-overload]
    include = str(data["include"]).replace("{", "{{").replace("}", "}}")
    for scheme in sysconfig._INSTALL_SCHEMES.values():  # type: ignore[attr-defined]
        scheme["include"] = scheme["platinclude"] = include
    sysconfig.get_platform = lambda: data["platform"]  # type: ignore[assignment, return-value]
    sysconfig.get_makefile_filename = lambda: data["makefile"]  # type: ignore[assignment, return-value]
    sysconfig.get_config_h_filename = lambda: f"{data['include']}/pyconfig.h"


def _platform() -> None:
    import platform

    uname = ("wasi", "(none)", "0.0.0", "0.0.0", "wasm32")
    os.uname = lambda: os.uname_result(uname)
    platform._uname_cache = platform.uname_result(*uname[:4], uname[4])  # type: ignore[attr-defined]
    platform._platform_cache.clear()  # type: ignore[attr-defined]
    platform.libc_ver = lambda *_args, **_named: ("", "")
    platform.architecture = lambda *_args, **_named: ("32bit", "")
    sys.implementation._multiarch = "wasm32-wasi"  # type: ignore[attr-defined]
    sys.maxsize, sys.platform = WASI


def _host_tools() -> None:
    """Show the machine as it is to its own extension modules while they are imported.

    mypyc compiles the branch of `if sys.platform == …` that is taken where it runs, and that alone: compiled tools (mypy)
    fail if they meet another platform. Modules in Python that they import meanwhile are disguised again.
    """
    from importlib.machinery import ExtensionFileLoader, SourceFileLoader

    def answering(method: "Callable[..., Any]", said: "tuple[int, str]") -> "Callable[..., Any]":
        def loading(self: "Any", *words: "Any") -> "Any":
            before = sys.maxsize, sys.platform
            sys.maxsize, sys.platform = said
            try:
                return method(self, *words)
            finally:
                sys.maxsize, sys.platform = before

        return loading

    for loader, name, said in (
        (ExtensionFileLoader, "create_module", MACHINE),
        (ExtensionFileLoader, "exec_module", MACHINE),
        (SourceFileLoader, "exec_module", WASI),
    ):
        setattr(loader, name, answering(getattr(loader, name), said))


class _Elsewhere:
    """The last finder of modules: where one is there, built for WASI, the command begins again on WASI Python.

    Builds run what they have built: to write its stubs, say. A backend itself is not run elsewhere.
    """

    def __init__(self, command: "list[str]", suffix: str) -> None:
        """Run `command` with the words of this one; modules' names end in `suffix`."""
        self.command = command
        self.suffix = suffix

    def find_spec(self, name: str, path: "Iterable[str] | None" = None, _target: object = None) -> None:
        """Find nothing here (importlib.abc.MetaPathFinder)."""
        leaf = name.rpartition(".")[2] + self.suffix
        if any(os.path.isfile(os.path.join(folder, leaf)) for folder in (sys.path if path is None else path)):
            self.begin_again(name)

    def watch_loader(self) -> None:
        """Do the same for modules whose names do not tell what they were built for: `.abi3.so`, `.so`."""
        from importlib.machinery import ExtensionFileLoader

        create = ExtensionFileLoader.create_module

        def create_module(loader: "ExtensionFileLoader", spec: "ModuleSpec") -> "ModuleType":
            with open(loader.path, "rb") as file:
                is_wasm = file.read(4) == b"\0asm"
            if is_wasm:
                self.begin_again(spec.name)
            return create(loader, spec)

        ExtensionFileLoader.create_module = create_module  # type: ignore[assignment, method-assign]

    def begin_again(self, name: str) -> None:
        """Become WASI Python, with the words and variables of this process; not if it is the backend's."""
        if os.path.basename(getattr(sys, "argv", [""])[0]) == BACKEND:
            return
        sys.stderr.write(f"hatch-wasi: {name} was built for WASI: this command begins again there\n")
        sys.stdout.flush()
        sys.stderr.flush()
        given = [f"--env={key}={value}" for key, value in os.environ.items() if not key.startswith("HATCH_WASI_")]
        mine = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        there = [word for word in self.command if not word.startswith("--site=") or os.path.isdir(word[7:])]
        os.execve(there[0], [*there, *given, *sys.orig_argv[1:]], mine)


def disguise(folder: str) -> None:
    """Answer by the data in `folder`, which `toolset` wrote."""
    import marshal

    import _hatch_wasi_sizes  # type: ignore[import-not-found]  # sizes.py, by its name there

    with open(os.path.join(folder, "sysconfig"), "rb") as file:
        data = marshal.load(file)
    _preload()
    _sysconfig(data)
    _platform()
    _hatch_wasi_sizes.answer_as_wasi()
    _host_tools()
    elsewhere = _Elsewhere(data["run"], data["suffix"])
    elsewhere.watch_loader()
    sys.meta_path.append(elsewhere)


if folder := os.environ.get("HATCH_WASI_DISGUISE"):
    disguise(folder)
