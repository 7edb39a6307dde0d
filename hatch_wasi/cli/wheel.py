"""`hatch-wasi wheel`: make WASI wheels of any project, and of what it depends on."""

import argparse
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console
from hatch_wasi.errors import UsageError

if TYPE_CHECKING:
    from hatch_wasi.pep517.collect import Options

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Make wheels for WASI Python of projects, whatever builds them (PEP 517): folders, sdists, or requirements that are
looked up where pip looks. What they depend on is collected too. A release that has a WASI wheel, or is pure Python, is
taken as it is. The result is checked before it appears in the output folder."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "wheel",
        # A copy: to resolve a conflict, argparse changes the option that is given up, and commands share it.
        parents=[deepcopy(common)],
        help="make WASI wheels of any project",
        description=DESCRIPTION,
        conflict_handler="resolve",
    )
    parser.add_argument(
        "--python", action="append", metavar="X.Y", help="WASI Python to build for (HATCH_WASI_PYTHON; repeatable)"
    )
    parser.add_argument("projects", nargs="+", metavar="PROJECT|SDIST|REQUIREMENT")
    parser.add_argument(
        "-w", "--wheel-dir", type=Path, default=Path(), metavar="DIR", help="where wheels go (default: .)"
    )
    parser.add_argument("--no-deps", action="store_true", help="do not collect dependencies")
    parser.add_argument(
        "-C", "--config-settings", action="append", default=[], metavar="KEY=VALUE", help="for the backend"
    )
    parser.add_argument(
        "-c", "--constraint", action="append", default=[], metavar="FILE", help="for build requirements"
    )
    parser.add_argument(
        "--no-binary", action="append", default=[], metavar="NAME", help="build it even if a wheel would do; :all:"
    )
    parser.add_argument("-i", "--index-url", metavar="URL", help="package index (default: pip's)")
    parser.add_argument("--extra-index-url", action="append", default=[], metavar="URL", help="another one")
    parser.add_argument("-f", "--find-links", action="append", default=[], metavar="URL|DIR", help="where else to look")
    parser.add_argument("--allow-pure", action="store_true", help="accept a pure wheel of a project with extensions")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Build everything that is named."""
    try:
        from hatch_wasi.pep517.candidates import Finder
        from hatch_wasi.pep517.collect import Collector, Options
    except ImportError as error:
        message = f"`hatch-wasi wheel` needs {error.name}"
        raise UsageError(message, hint="pip install 'hatch-wasi[run,wheel]'") from error
    for python in args.python or [None]:
        chosen = options.toolchain(argparse.Namespace(**{**vars(args), "python": python}))
        cache = Cache()
        toolchain = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk)
        finder = Finder(
            toolchain.python.short_version,
            index_url=args.index_url,
            extra=args.extra_index_url,
            find_links=args.find_links,
        )
        Collector(
            cache=cache,
            console=console,
            sdk=toolchain.sdk,
            python=toolchain.python,
            cxx=bootstrap.ready_cxx(cache, toolchain.sdk),
            ensure_cxx=partial(bootstrap.ensure_cxx, cache, console, toolchain.sdk),
            build_python=bootstrap.ensure_build_python(cache, console, toolchain),
            finder=finder,
            options=_options(args, chosen, Options),
        ).collect(args.projects)
    return 0


def _options(args: argparse.Namespace, chosen: options.Toolchain, kind: "type[Options]") -> "Options":
    return kind(
        wheel_dir=args.wheel_dir.absolute(),
        dependencies=not args.no_deps,
        allow_pure=args.allow_pure,
        config_settings=_config_settings(args.config_settings),
        pip_options=_pip_options(args),
        no_binary=frozenset(name if name == ":all:" else canonicalize_name(name) for name in args.no_binary),
        variables={"HATCH_WASI_TARGET": "wasi", "HATCH_WASI_PYTHON": chosen.python, "HATCH_WASI_SDK": chosen.sdk},
    )


def _pip_options(args: argparse.Namespace) -> list[str]:
    pairs = [("--constraint", name) for name in args.constraint]
    pairs += [("--index-url", args.index_url)] if args.index_url else []
    pairs += [("--extra-index-url", url) for url in args.extra_index_url]
    pairs += [("--find-links", link) for link in args.find_links]
    return [word for pair in pairs for word in pair]


def _config_settings(words: Sequence[str]) -> dict[str, str | list[str]]:
    """Read `KEY=VALUE` words as pip and build do: a key that comes again makes a list."""
    found: dict[str, str | list[str]] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key in found:
            before = found[key]
            found[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[key] = value
    return found
