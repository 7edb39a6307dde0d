"""`hatch-wasi freeze`: what is installed for WASI Python, as requirements."""

import argparse

from hatch_wasi.cache import Cache
from hatch_wasi.cli import list_, places
from hatch_wasi.console import Console, output
from hatch_wasi.wheels.installed import scan

__all__ = ["add_parser", "execute"]


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    text = "print what is installed for WASI Python, for `install -r`"
    parser = commands.add_parser("freeze", parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
    places.add_target(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    site = places.site_packages(args, Cache(), console)
    output(list_.as_requirements(scan(site), site))
    return 0
