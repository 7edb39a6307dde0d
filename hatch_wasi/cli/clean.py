"""`hatch-wasi clean`: remove what can be made again. What people installed is theirs and stays."""

import argparse
import shutil
from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import CacheError

__all__ = ["KINDS", "add_parser", "execute"]

KINDS = {
    "aot": "compiled code",
    "apt": "package indexes",
    "build-python": "build pythons",
    "checks": "accepted SDKs",
    "clang": "links to installed compilers",
    "cxx": "C++ libraries for extension modules",
    "downloads": "archives",
    "exports": "what an export was packing",
    "imports": "what an import was unpacking",
    "libraries": "libraries of WASI Pythons",
    "logs": "build logs",
    "python": "WASI Pythons",
    "sdk": "SDKs",
    "wheels": "wheels of sdists",
}


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser("clean", parents=[common], help="remove cache entries")
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", type=_kind, help=f"what to remove: {', '.join(KINDS)} (default: all)"
    )


def _kind(word: str) -> str:
    # Not by argparse's `choices`: releases of it want the empty list, which is the default, to be one of them.
    if word not in KINDS:
        message = f"there is no {word!r} (choose from {', '.join(KINDS)})"
        raise argparse.ArgumentTypeError(message)
    return word


def _remove(cache: Cache, kind: str, folder: Path) -> set[Path]:
    """Remove what is in a folder of the cache; gives what is left, as others are at it."""
    busy = set()
    for path in [*cache.entries(kind), *folder.glob(".partial-*/")]:
        with cache.idle(kind, path.name.removeprefix(".partial-")) as idle:
            if idle:
                cache.discard(path)
            else:
                busy.add(path)
    for path in set(folder.iterdir()) - busy:  # the folder itself may be a link to another disk
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if not folder.is_symlink() and not busy:
        folder.rmdir()
    return busy


def execute(args: argparse.Namespace, console: Console) -> int:
    """Remove the chosen kinds, or all of them."""
    cache = Cache()
    if not cache.root.exists():
        console.note(f"{cache.root} does not exist: nothing to remove")
        return 0
    if not (cache.root / "CACHEDIR.TAG").is_file():
        message = f"{cache.root} has no CACHEDIR.TAG: it was not made by hatch-wasi, and is left alone"
        raise CacheError(message, hint="check HATCH_WASI_CACHE_DIR")
    for kind in args.kinds or KINDS:
        folder = cache.root / kind
        if folder.is_dir():
            try:
                busy = _remove(cache, kind, folder)
            except OSError as error:
                message = f"{folder} cannot be removed: {error}"
                raise CacheError(message) from error
            console.note(f"Removed {KINDS[kind]}: {folder}")
            for path in busy:
                console.warn(f"{path} is left: it is being made")
    return 0
