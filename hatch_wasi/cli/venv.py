"""`hatch-wasi venv`: make a folder with a WASI Python and packages of its own."""

import argparse
import shlex
from pathlib import Path

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console
from hatch_wasi.virtual import create

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Make an environment: DIR/bin/python runs WASI Python with the packages that are installed in DIR. `install`, `list`,
`show`, `freeze`, `check`, `uninstall` and `run` use it while it is activated (`. DIR/bin/activate`) or the working folder
is in it."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser("venv", parents=[common], help="make an environment", description=DESCRIPTION)
    parser.add_argument("folders", nargs="+", metavar="DIR", type=Path, help="a new or empty folder, or an environment")
    parser.add_argument("--clear", action="store_true", help="remove the packages that are there")
    parser.add_argument("--prompt", metavar="TEXT", help="shown when it is activated (default: the folder's name)")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    chosen = options.toolchain(args)
    python = bootstrap.ensure(Cache(), console, python=chosen.python, sdk=chosen.sdk).python
    for folder in args.folders:
        create(folder, python, clear=args.clear, prompt=args.prompt)
        console.note(f"{folder}: an environment for Python {python.version} on WASI")
        programs = [shlex.quote(str(folder / "bin" / name)) for name in ("python", "activate")]
        console.note(f"  {programs[0]}, or: . {programs[1]}")
    return 0
