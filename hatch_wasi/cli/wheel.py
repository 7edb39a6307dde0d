"""`hatch-wasi wheel`: make WASI wheels of any project, and of what it depends on."""

import argparse
import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from hatch_wasi import bootstrap, epoch
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console
from hatch_wasi.errors import UsageError

if TYPE_CHECKING:
    from hatch_wasi.pep517.builder import BuildOptions
    from hatch_wasi.pep517.candidates import Finder
    from hatch_wasi.pep517.collect import Collector, Options
    from hatch_wasi.pep517.requirements import Sources

__all__ = ["add_parser", "collector", "execute", "require", "variables"]

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
    parser.add_argument("projects", nargs="*", metavar="PROJECT|SDIST|REQUIREMENT")
    parser.add_argument(
        "-r", "--requirement", action="append", default=[], type=Path, metavar="FILE", help="make what the file lists"
    )
    parser.add_argument(
        "-w", "--wheel-dir", type=Path, default=Path(), metavar="DIR", help="where wheels go (default: .)"
    )
    _add_collecting(parser.add_argument_group("what is collected"))
    _add_building(parser.add_argument_group("how it is built"))
    _add_testing(parser.add_argument_group("tests, as in cibuildwheel"))


def _add_collecting(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--no-deps", action="store_true", help="do not collect dependencies")
    group.add_argument(
        "-c",
        "--constraint",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="versions that may be taken, also of build requirements",
    )
    group.add_argument(
        "--no-binary", action="append", default=[], metavar="NAME", help="build it even if a wheel would do; :all:"
    )
    group.add_argument(
        "--only-binary", action="append", default=[], metavar="NAME", help="take a pure wheel, build nothing; :all:"
    )
    group.add_argument("-i", "--index-url", metavar="URL", help="package index (default: pip's)")
    group.add_argument("--extra-index-url", action="append", default=[], metavar="URL", help="another one")
    group.add_argument("--no-index", action="store_true", help="ask no index, only --find-links")
    group.add_argument("-f", "--find-links", action="append", default=[], metavar="URL|DIR", help="where else to look")


def _add_building(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "-C", "--config-settings", action="append", default=[], metavar="KEY=VALUE", help="for the backend"
    )
    group.add_argument("--allow-pure", action="store_true", help="accept a pure wheel of a project with extensions")
    group.add_argument(
        "--no-isolation",
        "--no-build-isolation",
        action="store_true",
        help="find build requirements in this environment, which must be of the same Python X.Y",
    )
    group.add_argument(
        "--target-requires",
        action="append",
        default=[],
        metavar="REQUIREMENT",
        help="let builds find the files of its wheel for WASI, beyond what they are seen to use",
    )
    group.add_argument("--no-sbom", action="store_true", help="give wheels no bill of materials (PEP 770)")
    group.add_argument("--rebuild", action="store_true", help="build again what was built before and kept")


def _add_testing(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--test-command",
        metavar="COMMAND",
        help="what a wheel must pass to be kept; `python` in it is WASI Python, {project} the sources",
    )
    group.add_argument(
        "--test-requires", action="append", default=[], metavar="REQUIREMENT", help="what the tests need installed"
    )
    group.add_argument(
        "--test-extras", action="append", default=[], metavar="NAME", help="extras of the wheel that they need"
    )
    group.add_argument(
        "--test-sources", action="append", default=[], metavar="PATH", help="what of the project they are run from"
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Build everything that is named."""
    require()
    from hatch_wasi.pep517 import requirements
    from hatch_wasi.pep517.candidates import Finder

    listed = [line for file in args.requirement for line in requirements.lines(file)]
    words = [*args.projects, *(line.word for line in listed)]
    if not words:
        message = "nothing to make a wheel of is named"
        raise UsageError(message, hint="hatch-wasi wheel PROJECT, or NAME, or -r FILE")
    sources = requirements.Sources.of_arguments(args, args.requirement)
    choice = _options(args, requirements.hashes(listed))
    for python in args.python or [None]:
        chosen = options.toolchain(argparse.Namespace(**{**vars(args), "python": python}))
        cache = Cache()
        toolchain = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk)
        short = toolchain.python.short_version
        finder = Finder(short, sources)
        building = _build_options(args, chosen, short, sources)
        collector(toolchain, cache, console, finder=finder, choice=choice, building=building).collect(words)
    return 0


def require() -> None:
    """Raise `UsageError` if what builds need is not installed."""
    try:
        import hatch_wasi.pep517.collect  # noqa: F401 - imports all of it
    except ImportError as error:
        message = f"building needs {error.name}"
        raise UsageError(message, hint="pip install 'hatch-wasi[run,wheel]'") from error


def collector(
    toolchain: bootstrap.Toolchain,
    cache: Cache,
    console: Console,
    *,
    finder: "Finder",
    choice: "Options",
    building: "BuildOptions",
) -> "Collector":
    """Give what makes wheels with a toolchain; what is missing of it (a build python, a C++ library) is made."""
    from hatch_wasi.pep517.builder import Builder
    from hatch_wasi.pep517.collect import Collector

    builder = Builder(
        cache=cache,
        console=console,
        sdk=toolchain.sdk,
        python=toolchain.python,
        cxx=bootstrap.ready_cxx(cache, toolchain.sdk),
        ensure_cxx=partial(bootstrap.ensure_cxx, cache, console, toolchain.sdk),
        options=building,
        build_python=bootstrap.ensure_build_python(cache, console, toolchain),
    )
    return Collector(builder, finder, choice)


def _options(args: argparse.Namespace, hashes: Mapping[str, Sequence[tuple[str, str]]]) -> "Options":
    from hatch_wasi.pep517 import requirements
    from hatch_wasi.pep517.collect import Options
    from hatch_wasi.pep517.testing import Tests
    from hatch_wasi.runtime.trial import run_command

    if not args.test_command and (args.test_requires or args.test_extras or args.test_sources):
        message = "--test-requires, --test-extras and --test-sources are for --test-command"
        raise UsageError(message, hint="name the command that runs the tests: --test-command 'python -m pytest'")
    tests = None
    if args.test_command:
        tests = Tests(
            command=args.test_command,
            requires=args.test_requires,
            extras=sorted(_names(args.test_extras)),
            sources=args.test_sources,
            run_wasi=run_command,
        )
    return Options(
        wheel_dir=args.wheel_dir.absolute(),
        dependencies=not args.no_deps,
        no_binary=_names(args.no_binary),
        only_binary=_names(args.only_binary),
        constraints=[line for file in args.constraint for line in requirements.read(file)],
        hashes=hashes,
        target_requires=args.target_requires,
        tests=tests,
    )


def _build_options(
    args: argparse.Namespace, chosen: options.Toolchain, python: str, sources: "Sources"
) -> "BuildOptions":
    from hatch_wasi.pep517.builder import BuildOptions
    from hatch_wasi.pep517.environment import Surroundings

    return BuildOptions(
        allow_pure=args.allow_pure,
        config_settings=_config_settings(args.config_settings),
        pip_options=[*(word for file in args.constraint for word in ("--constraint", str(file))), *sources.options()],
        surroundings=Surroundings.current(python) if args.no_isolation else None,
        variables=variables(chosen),
        sbom=not args.no_sbom,
        source_date=epoch.source_date(os.environ),
        rebuild=args.rebuild,
    )


def variables(chosen: options.Toolchain) -> dict[str, str]:
    """Give the variables by which our own hook, in a project that is built, has the same target."""
    return {"HATCH_WASI_TARGET": "wasi", "HATCH_WASI_PYTHON": chosen.python, "HATCH_WASI_SDK": chosen.sdk}


def _names(words: Sequence[str]) -> frozenset[str]:
    """Read project names, one or several (`a,b`) a word, as pip does."""
    names = (name.strip() for word in words for name in word.split(","))
    return frozenset(name if name == ":all:" else canonicalize_name(name) for name in names if name)


def _config_settings(words: Sequence[str]) -> dict[str, str | list[str]]:
    """Read `KEY=VALUE` words as pip does: a key that comes again makes a list. Raises `UsageError`."""
    found: dict[str, str | list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            message = f"-C {word} is not KEY=VALUE"
            raise UsageError(message)
        if key in found:
            before = found[key]
            found[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[key] = value
    return found
