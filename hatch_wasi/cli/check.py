"""`hatch-wasi check`: whether what is installed for WASI Python has what it needs, as `pip check` tells."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import places
from hatch_wasi.console import Console, output
from hatch_wasi.wheels.installed import Distribution, scan

__all__ = ["add_parser", "execute"]


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    text = "check that packages for WASI Python have their dependencies"
    description = (
        f"{text[0].upper()}{text[1:]}, with markers as WASI Python reads them. Exit status 1 if one is missing."
    )
    parser = commands.add_parser("check", parents=[common], help=text, description=description)
    places.add_target(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    chosen = places.toolchain(args)
    cache = Cache()
    python = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk).python
    site = places.site_packages(args, cache, console)
    problems = list(_problems(site, python.target().markers()))
    output("".join(f"{problem}\n" for problem in problems))
    if not problems:
        console.note("no dependency is missing")
    return int(bool(problems))


def _problems(site: Path, markers: Mapping[str, str]) -> Iterator[str]:
    found = {dist.project: dist for dist in scan(site)}
    for dist in found.values():
        for need in dist.requires(site, markers):
            if not any(other.provides(need) for other in found.values()):
                yield f"{dist.label} needs {_written(need)}, {_instead(need, found)}"


def _written(need: Requirement) -> str:
    return f"{need.name} @ {need.url}" if need.url else f"{need.name}{need.specifier}"


def _instead(need: Requirement, found: Mapping[str, Distribution]) -> str:
    same = next((dist for dist in found.values() if dist.provides(Requirement(need.name))), None)
    return f"and {same.label} is installed" if same else "which is not installed"
