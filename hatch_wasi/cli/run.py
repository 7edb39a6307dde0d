"""`hatch-wasi run`: WASI Python as `python` would be."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hatch_wasi.runtime.capi import Api, find_library
from hatch_wasi.runtime.codecache import CodeCache
from hatch_wasi.runtime.engine import Engine
from hatch_wasi.runtime.guest import Guest, Mount

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from hatch_wasi.console import Console


def main(argv: Sequence[str]) -> int:
    from hatch_wasi import bootstrap
    from hatch_wasi.cache import Cache
    from hatch_wasi.console import Console

    cache = Cache()
    toolchain = bootstrap.ready(cache) or bootstrap.ensure(cache, Console())
    python = toolchain.python
    library, version = find_library()
    engine = Engine(Api(library))
    code = CodeCache(str(cache.root / "aot"), engine, version)
    data = python.wasm.read_bytes()

    def describe():
        from hatch_wasi.runtime.description import describe_main

        return describe_main(data)

    entry = code.load(data, describe)

    def load(space, struct):
        from hatch_wasi.runtime.loader import Loader

        abi = {"soabi": f"cpython-{python.short_version.replace('.', '')}-wasm32-wasi", "wasi_libc": python.wasi_libc}
        return Loader(space, code, entry.description, struct, abi)

    guest = Guest(engine, entry.module, load, cwd=os.getcwd())
    mounts = [Mount(str(python.library), "/usr/lib")]
    site = python.site_packages(cache.data)
    if site.is_dir():
        mounts.append(Mount(str(site), python.guest_site_packages))
    mounts.append(Mount(os.getcwd(), os.getcwd(), writable=True))
    guest.configure(["/usr/bin/python3.13", *argv], {"PYTHONHOME": "/usr"}, mounts)
    sys.stdout.flush()
    return guest.run()


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: "argparse.ArgumentParser"
) -> None:
    """List the command; its words are parsed by `main`, as python's own are among them."""
    commands.add_parser("run", parents=[common], add_help=False, help="run WASI Python as `python` would")


def execute(args: "argparse.Namespace", console: "Console") -> int:
    """Run with what is left of the command line."""
    return main([])
