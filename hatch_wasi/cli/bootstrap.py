"""`hatch-wasi bootstrap`: make the toolchain ready, and say what it is."""

import argparse

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.cli.info import NEXT_STEPS
from hatch_wasi.console import Console

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Make the SDK and the WASI Python ready. What is there already is checked, file by file, and made again if it is damaged.
"""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    commands.add_parser(
        "bootstrap", parents=[common], help="make the SDK and the WASI Python ready", description=DESCRIPTION
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Find or make what is missing, and what is damaged."""
    chosen, cache = options.toolchain(args), Cache()
    bootstrap.mend(cache, console, python=chosen.python, sdk=chosen.sdk)
    ready = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk)
    sdk, python = ready.sdk, ready.python
    console.note(f"SDK: {sdk.provider}, clang {sdk.llvm}, wasi-libc {sdk.wasi_libc} in {sdk.root}")
    console.note(f"Python: {python.version} in {python.root}")
    console.note(f"Installed packages go to {python.site_packages(cache.data)}")
    console.note(NEXT_STEPS.rstrip())
    return 0
