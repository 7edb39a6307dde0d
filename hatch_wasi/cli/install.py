"""`hatch-wasi install`: put wheels where WASI Python imports from."""

import argparse
import re
from pathlib import Path

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console
from hatch_wasi.errors import UsageError
from hatch_wasi.runtime.trial import run_command
from hatch_wasi.wheels.install import Installation, check_tags, open_wheels

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Install wheel files for WASI Python. All are checked before anything is written, and they appear at once or not at
all. Another version that is installed is replaced. Scripts go to DIR/bin and run on WASI: call them, or use
`hatch-wasi run DIR/bin/NAME`."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "install", parents=[common], help="install wheels for WASI Python", description=DESCRIPTION
    )
    parser.add_argument("wheels", nargs="+", metavar="WHEEL", help="wheel file")
    parser.add_argument(
        "--target", metavar="DIR", type=Path, help="install there, for `run --site DIR` (default: WASI site-packages)"
    )
    parser.add_argument(
        "--allow-abi-mismatch", action="store_true", help="accept side modules built with another wasi-libc"
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    with open_wheels([_wheel_path(word) for word in args.wheels]) as wheels:
        chosen = options.toolchain(args)
        if re.fullmatch(r"\d+\.\d+", chosen.python):
            check_tags(wheels, chosen.python)  # before a bootstrap that would be for nothing
        cache = Cache()
        python = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk).python
        Installation(
            site=args.target or python.site_packages(cache.data),
            python=python,
            cache=cache,
            console=console,
            run_wasi=run_command,
            allow_abi_mismatch=args.allow_abi_mismatch,
        ).install(wheels)
    return 0


def _wheel_path(word: str) -> Path:
    path = Path(word)
    if path.suffix == ".whl":
        return path
    if path.exists():
        message = f"{word} is not a wheel file"
        raise UsageError(message, hint="build a wheel of it: HATCH_WASI_TARGET=wasi hatch build -t wheel")
    message = f"{word} is not a wheel file; only wheel files can be installed yet, not requirements"
    raise UsageError(message, hint="name the file of a wheel: NAME-VERSION-PYTHON-ABI-PLATFORM.whl")
