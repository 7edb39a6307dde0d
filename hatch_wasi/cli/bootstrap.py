"""`hatch-wasi bootstrap`: make the toolchain ready, and say what it is."""

import argparse

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console

__all__ = ["add_parser", "execute"]


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    commands.add_parser("bootstrap", parents=[common], help="make the SDK and the WASI Python ready")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Find or make what is missing."""
    chosen = options.toolchain(args)
    ready = bootstrap.ensure(Cache(), console, python=chosen.python, sdk=chosen.sdk)
    sdk, python = ready.sdk, ready.python
    console.note(f"SDK: {sdk.provider}, clang {sdk.llvm}, wasi-libc {sdk.wasi_libc} in {sdk.root}")
    console.note(f"Python: {python.version} in {python.root}")
    return 0
