"""Which folder the commands about installed packages work on: `--target`, an environment, or the WASI site-packages."""

import argparse
import os
from pathlib import Path

from hatch_wasi import bootstrap, environment
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console
from hatch_wasi.environment import Environment
from hatch_wasi.errors import UsageError

__all__ = ["add_target", "current", "site_packages", "toolchain"]


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare `--target`."""
    parser.add_argument(
        "-t",
        "--target",
        "--path",
        metavar="DIR",
        type=Path,
        help="a folder of packages, or an environment (default: the environment that is active or that this folder is "
        "in, else the WASI site-packages)",
    )


def current(args: argparse.Namespace, console: Console | None = None) -> Environment | None:
    """Return the environment that a command is about, if it is about one; `console` warns of those that are ignored."""
    if args.target is not None:
        return environment.of_folder(str(args.target))
    found = environment.current(os.environ, console.warn if console and not args.quiet else None)
    asked = args.python or os.environ.get("HATCH_WASI_PYTHON")
    return found if found and asked in {None, "", found.version} else None


def toolchain(args: argparse.Namespace) -> options.Toolchain:
    """Give what was asked for; an environment knows its Python. Raises `UsageError` if another is asked for."""
    found = current(args)
    if found and args.python and args.python != found.version:
        message = f"{found.root} is an environment for Python {found.version}, not {args.python}"
        raise UsageError(message)
    if found:
        args.python = found.version
    return options.toolchain(args)


def site_packages(args: argparse.Namespace, cache: Cache, console: Console) -> Path:
    """Give the folder; only the WASI site-packages are not known before there is a Python."""
    if found := current(args, console):
        return Path(found.site_packages)
    if args.target is not None:
        if not args.target.exists() and args.command != "install":
            console.warn(f"there is no folder {args.target}")
        return Path(args.target)
    chosen = toolchain(args)
    python = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk).python
    return python.site_packages(cache.data)
