"""`hatch-wasi list`: what is installed for WASI Python."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.cli import places
from hatch_wasi.console import Console, output
from hatch_wasi.wheels.installed import Distribution, scan

__all__ = ["add_parser", "as_requirements", "execute"]


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    text = "list what is installed for WASI Python"
    parser = commands.add_parser("list", parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
    places.add_target(parser)
    parser.add_argument("--format", choices=("columns", "freeze", "json"), default="columns", help="how to print it")
    parser.add_argument("--not-required", action="store_true", help="leave out what others need")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    site = places.site_packages(args, Cache(), console)
    found = scan(site)
    if args.not_required:
        needed = {name for dist in found for name in dist.needs(site)}
        found = [dist for dist in found if dist.project not in needed]
    if args.format == "json":
        output(json.dumps([{"name": dist.name, "version": dist.version} for dist in found]) + "\n")
    elif args.format == "freeze":
        output("".join(f"{dist.name}=={dist.version}\n" for dist in found))  # as pip: never by their place
    elif found:
        rows = [("Package", "Version"), *((dist.name, dist.version) for dist in found)]
        width, other = (max(len(row[column]) for row in rows) for column in (0, 1))
        rows.insert(1, ("-" * width, "-" * other))
        output("".join(f"{name:<{width}} {version}\n" for name, version in rows))
    return 0


def as_requirements(found: Sequence[Distribution], site: Path) -> str:
    """Write distributions as requirements, a line each: by their place if they came from one (PEP 610), else by version."""
    places = ((dist, dist.direct_url(site)) for dist in found)
    return "".join(f"{dist.name} @ {url}\n" if url else f"{dist.name}=={dist.version}\n" for dist, url in places)
