"""`hatch-wasi uninstall`: remove what is installed for WASI Python."""

import argparse
import sys
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from hatch_wasi.cache import Cache
from hatch_wasi.cli import places
from hatch_wasi.cli.provided import NOTE, is_pip
from hatch_wasi.console import Console, output
from hatch_wasi.errors import UsageError
from hatch_wasi.wheels.removal import Removal

__all__ = ["add_parser", "execute"]

SHOWN = 10


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    text = "remove what is installed for WASI Python"
    parser = commands.add_parser("uninstall", parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a package")
    parser.add_argument(
        "-r", "--requirement", action="append", default=[], type=Path, metavar="FILE", help="remove what it lists"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    places.add_target(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    names = [_name(word) for word in args.names] + [name for file in args.requirement for name in _names(file)]
    if not names:
        message = "nothing to remove is named"
        raise UsageError(message, hint="hatch-wasi uninstall NAME")
    cache = Cache()
    removal = Removal(site=places.site_packages(args, cache, console), cache=cache)
    found, missing = removal.find(names)
    for name in missing:
        if is_pip(name):
            console.note(NOTE)
        else:
            console.warn(f"{name} is not installed")
    if not found:
        return 0
    labels = ", ".join(dist.label for dist in found)
    if not args.yes and not _agreed(removal.files(found), removal.site, labels):
        return 1
    removal.remove(found)
    console.note(f"removed {labels} from {removal.site}")
    return 0


def _agreed(files: list[str], site: Path, labels: str) -> bool:
    """Ask for confirmation. Raises `UsageError` if standard input is not a terminal."""
    if not sys.stdin.isatty():
        message = f"cannot ask whether to remove {labels}: standard input is not a terminal"
        raise UsageError(message, hint="pass --yes")
    rest = [f"  … and {len(files) - SHOWN} more"] if len(files) > SHOWN else []
    shown = [f"  {site / name}" for name in files[:SHOWN]]
    output("\n".join([f"Would remove {labels}:", *shown, *rest]) + "\nProceed (Y/n)? ")
    return sys.stdin.readline().strip().lower() in {"", "y", "yes"}


def _name(word: str) -> str:
    try:
        return Requirement(word).name
    except InvalidRequirement as error:
        message = f"{word} is not the name of a package"
        raise UsageError(message) from error


def _names(file: Path) -> list[str]:
    from hatch_wasi.pep517 import requirements

    return requirements.names(file)
