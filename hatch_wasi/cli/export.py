"""`hatch-wasi export`: pack the toolchain as one file, for other machines."""

import argparse
from pathlib import Path

from hatch_wasi import bootstrap, bundle
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console, output
from hatch_wasi.errors import UsageError

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Pack the SDK and the WASI Python as one file (a .tar.xz), for `hatch-wasi import` on machines of the same kind; print
its sha256. The toolchain is made first if it is not there."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "export", parents=[common], help="pack the toolchain as one file", description=DESCRIPTION
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="to write, for example hatch-wasi-toolchain.tar.xz")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Pack what a build would use."""
    if args.file.is_dir() or not args.file.absolute().parent.is_dir():
        message = f"{args.file} cannot be written: " + ("it is a folder" if args.file.is_dir() else "no such folder")
        raise UsageError(message)
    chosen, cache = options.toolchain(args), Cache()
    bootstrap.mend(cache, console, python=chosen.python, sdk=chosen.sdk)
    toolchain = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk)
    sha256 = bundle.pack(cache, console, toolchain, args.file)
    console.note(f"{args.file}: {args.file.stat().st_size / 1e6:.1f} MB; elsewhere:")
    console.note(f"  hatch-wasi import {args.file.name} --sha256 {sha256}")
    output(f"{sha256}  {args.file}\n")
    return 0
