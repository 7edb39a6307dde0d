"""`hatch-wasi show`: what a package says of itself that is installed for WASI Python, as `pip show` prints it."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import places
from hatch_wasi.console import Console, output
from hatch_wasi.wheels.installed import Distribution, scan

__all__ = ["add_parser", "execute"]

FIELDS = ("Name", "Version", "Summary", "Home-page", "Author", "Author-email", "License-Expression", "License")
"""Of METADATA, in pip's order."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    text = "show the metadata of packages that are installed for WASI Python"
    description = f"{text[0].upper()}{text[1:]}, and which packages need them."
    parser = commands.add_parser("show", parents=[common], help=text, description=description)
    parser.add_argument("names", nargs="+", metavar="NAME", help="a package")
    parser.add_argument("-f", "--files", action="store_true", help="list the files, too")
    places.add_target(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    chosen = places.toolchain(args)
    cache = Cache()
    python = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk).python
    site, markers = places.site_packages(args, cache, console), python.target().markers()
    installed = scan(site)
    wanted = {canonicalize_name(name): name for name in args.names}
    found = [dist for dist in installed if dist.project in wanted]
    for project in wanted.keys() - {dist.project for dist in found}:
        console.warn(f"{wanted[project]} is not installed")
    texts = (
        "".join(f"{line}\n" for line in _lines(dist, site, installed, markers, files=args.files)) for dist in found
    )
    output("---\n".join(texts))
    return int(not found)


def _lines(
    dist: Distribution, site: Path, installed: Sequence[Distribution], markers: Mapping[str, str], *, files: bool
) -> Iterator[str]:
    for field in FIELDS:
        if values := dist.metadata(site, field):
            yield f"{field}: {values[0].partition(chr(10))[0]}"
    needs = {
        other.name: {canonicalize_name(need.name) for need in other.requires(site, markers)} for other in installed
    }
    yield f"Location: {site}"
    yield f"Tags: {', '.join(dist.tags(site))}"
    yield f"Requires: {', '.join(sorted(needs[dist.name]))}"
    yield f"Required-by: {', '.join(name for name, others in needs.items() if dist.project in others)}"
    if files:
        yield "Files:"
        yield from (f"  {name}" for name in sorted(dist.files or ()))
