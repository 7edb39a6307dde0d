"""Install what was built: the tree of a cache entry, with nothing in it that names the build machine."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from hatch_wasi.cpython import libraries
from hatch_wasi.errors import ToolchainError

__all__ = ["LEFT_OUT", "SYSCONFIG", "install_wasi", "list_sources", "neutralize", "wrapper"]

# What cannot work on WASI or is not for users: tests, Tk, and what bundles wheels.
LEFT_OUT = ("__pycache__", "README.txt", "*.pyc", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py", "lib2to3", "_ios_support.py", "_android_support.py")  # fmt: skip
GUEST_LEFT_OUT = (*LEFT_OUT, "ensurepip", "venv")
DEVICES = ("null", "random", "urandom", "zero")
SYSCONFIG = """\
import os, runpy, sys
os.chdir(sys.argv.pop(1))
sys.argv[1:] = ["--generate-posix-vars"]
runpy.run_module("sysconfig", run_name="__main__")
"""
"""What the Makefile's rule for pybuilddir.txt runs, as a program for the guest: its argument is the build folder."""


def wrapper(short_version: str) -> str:
    """Write `bin/pythonX.Y`: WASI Python as a command, with its library path computed from where the script is."""
    return f"""#!/bin/sh
# Runs WASI Python {short_version}: through hatch-wasi, which loads extension modules, else through the wasmtime command.
case $0 in */*) root=${{0%/*}}/.. ;; *) root=.. ;; esac
root=$(cd "$root" && pwd -P) || exit 1
if command -v hatch-wasi >/dev/null 2>&1; then
    exec hatch-wasi run --python "$root" "$@"
elif command -v wasmtime >/dev/null 2>&1; then
    # Arguments of the runtime go before the module. Python recurses deeper than engines allow by default.
    exec wasmtime run -W max-wasm-stack=16777216 --dir "$root/lib::/usr/lib" --dir "$root/dev::/dev" --dir . --env PYTHONHOME=/usr \\
        "$root/python.wasm" "$@"
fi
echo "$0: neither hatch-wasi nor wasmtime is on the PATH; install one: pip install 'hatch-wasi[run]'" >&2
exit 127
"""


def install_wasi(source: Path, tree: Path, short_version: str) -> None:
    """Copy python.wasm, its stdlib, headers, sysconfig data and static archives into `tree`."""
    build = source / "cross-build" / "wasm32-wasip1"
    library = tree / "lib" / f"python{short_version}"
    include = tree / "include" / f"python{short_version}"
    for folder in (tree / "lib", tree / "include", tree / "static", tree / "bin", tree / "dev"):
        shutil.rmtree(folder, ignore_errors=True)
    # Shown to the guest as /dev: see guest/files.c.
    (tree / "dev").mkdir()
    for device in DEVICES:
        (tree / "dev" / device).touch()
    shutil.copy(build / "python.wasm", tree)
    shutil.copytree(source / "Lib", library, ignore=shutil.ignore_patterns(*GUEST_LEFT_OUT))
    # Both are on sys.path; getpath complains when lib-dynload is missing (Modules/getpath.py).
    for name in ("lib-dynload", "site-packages"):
        (library / name).mkdir(exist_ok=True)
    platform_dir = (build / "pybuilddir.txt").read_text(encoding="utf-8").strip()
    for data in (build / platform_dir).glob("_sysconfig*"):
        shutil.copy(data, library)
    shutil.copytree(source / "Include", include, ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(build / "pyconfig.h", include)
    (tree / "static").mkdir()
    for archive in [*build.glob("libpython*.a"), *build.glob("Modules/**/*.a"), *build.glob("hatch_wasi_*.o")]:
        shutil.copy(archive, tree / "static")
    for library in libraries.archives(build):
        shutil.copy(library, tree / "static")
    for part in ("include", "licenses"):
        if (build / libraries.FOLDER / part).is_dir():
            shutil.copytree(build / libraries.FOLDER / part, tree / "static" / part)
    shutil.copy(build / "Modules" / "config.c", tree / "static")
    shutil.copy(source / "LICENSE", tree / "LICENSE")
    script = tree / "bin" / f"python{short_version}"
    script.parent.mkdir()
    script.write_text(wrapper(short_version), encoding="utf-8")
    script.chmod(0o755)


def neutralize(tree: Path, names: Mapping[str, str], private: Sequence[Path]) -> None:
    """Replace paths of the build machine in the files that the build generated: `names` maps each to what stands there
    instead; the longest first, so that a folder's name is replaced before its parent's.

    Raises `ToolchainError` if one of the `private` folders, which no one else can know, is named anywhere in `tree`:
    such an entry must not be published.
    """
    ordered = sorted(names.items(), key=lambda item: len(item[0]), reverse=True)
    for path in [*tree.rglob("_sysconfigdata_*.py"), *tree.rglob("_sysconfig_vars_*.json"), *tree.rglob("pyconfig.h")]:
        text = path.read_text(encoding="utf-8")
        for name, neutral in ordered:
            text = text.replace(name, neutral)
        path.write_text(text, encoding="utf-8")
    marks = [os.fsencode(path) for path in private]
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and any(mark in path.read_bytes() for mark in marks):
            message = f"{path} names a folder of this machine"
            raise ToolchainError(message, hint="this is a bug in hatch-wasi: please report it")


def list_sources(library: Path, seen_as: str, folder: Path, parts: int) -> int:
    """Write lists of the Python files below `library` to files `0`, `1`, … in `folder`, a name in a line.

    The first list is short; about `parts` others share the rest. `seen_as` is what the guest calls `library`. Gives
    how many lists there are.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = sorted(f"{seen_as}/{path.relative_to(library).as_posix()}" for path in library.rglob("*.py"))
    lists = [names[:1], *(names[1 + index :: parts] for index in range(parts))]
    for index, part in enumerate(lists):
        (folder / str(index)).write_text("\n".join(part) + "\n", encoding="utf-8")
    return len(lists)
