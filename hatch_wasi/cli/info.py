"""`hatch-wasi info`: what is installed, from what, and what a build would use."""

import argparse
import json
import sys
from collections.abc import Mapping

from hatch_wasi import __version__, bootstrap, pins
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console

__all__ = ["add_parser", "execute"]


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser("info", parents=[common], help="show what is installed and what would be used")
    parser.add_argument("--json", action="store_true", help="for programs")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print the cache's entries and the toolchain that this request would get without building anything."""
    del console
    cache, chosen = Cache(), options.toolchain(args)
    found = bootstrap.ready(cache, python=chosen.python, sdk=chosen.sdk)
    facts = {
        "hatch_wasi": __version__,
        "pythons": list(pins.supported_pythons()),
        "cache": str(cache.root),
        "data": str(cache.data),
        "request": {"python": chosen.python, "sdk": chosen.sdk},
        "ready": None
        if found is None
        else {
            "sdk": str(found.sdk.root),
            "python": str(found.python.root),
            "site_packages": str(found.python.site_packages(cache.data)),
        },
        "entries": {
            kind: {entry.name: cache.manifest(entry) for entry in cache.entries(kind)} for kind in ("sdk", "python")
        },
    }
    sys.stdout.write(json.dumps(facts, indent=2) + "\n" if args.json else _text(facts, found))
    return 0


def _text(facts: Mapping[str, object], found: bootstrap.Toolchain | None) -> str:
    lines = [f"hatch-wasi {facts['hatch_wasi']}", f"cache: {facts['cache']}", f"data: {facts['data']}"]
    if found is None:
        lines.append("toolchain: not ready; `hatch-wasi bootstrap` makes it")
    else:
        sdk, python = found.sdk, found.python
        lines += [
            f"SDK: {sdk.id} (clang {sdk.llvm}, wasi-libc {sdk.wasi_libc}) in {sdk.root}",
            f"Python: {python.version} in {python.root}",
        ]
        lines.append(f"site-packages: {python.site_packages(Cache().data)}")
    return "\n".join(lines) + "\n"
