"""`hatch-wasi install`: put packages where WASI Python imports them from, as pip does."""

import argparse

from hatch_wasi.cli import places
from hatch_wasi.cli.provided import NOTE, is_pip
from hatch_wasi.console import Console
from hatch_wasi.errors import UsageError

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Install requirements, wheel files and URLs for WASI Python, and what they need. pip resolves them, as for WASI Python.
All are checked before anything is written, and they appear at once or not at all. Scripts run on WASI: call
DIR/bin/NAME."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "install", parents=[common], help="install packages for WASI Python", description=DESCRIPTION
    )
    parser.add_argument("words", nargs="*", metavar="REQUIREMENT|WHEEL|URL|PROJECT", help="what to install")
    parser.add_argument("-e", "--editable", action="append", metavar="PROJECT", help=argparse.SUPPRESS)
    places.add_target(parser)
    group = parser.add_argument_group("which releases, as for pip")
    for names, value, text in (
        (("-r", "--requirement"), "FILE", "install what the file lists"),
        (("-c", "--constraint"), "FILE", "versions that may be taken"),
        (("--extra-index-url",), "URL", "another index"),
        (("-f", "--find-links"), "URL|DIR", "where else to look for wheels"),
        (("--trusted-host",), "HOST", "a server that may have no valid certificate"),
    ):
        group.add_argument(*names, action="append", default=[], metavar=value, help=text)
    group.add_argument("-i", "--index-url", metavar="URL", help="package index (default: pip's)")
    for names, text in (
        (("--no-index",), "ask no index, only --find-links"),
        (("--no-deps",), "install nothing that is only needed"),
        (("-U", "--upgrade"), "take the newest releases"),
        (("--force-reinstall",), "install again what is there"),
        (("--pre",), "take pre-releases, too"),
        (("--require-hashes",), "every requirement must have a hash"),
    ):
        group.add_argument(*names, action="store_true", help=text)
    parser.add_argument("--build", action="store_true", help="build what has no wheel, as `hatch-wasi wheel` does")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be installed")
    parser.add_argument(
        "--allow-abi-mismatch", action="store_true", help="accept side modules built with another wasi-libc"
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from hatch_wasi import bootstrap
    from hatch_wasi.audit import gate
    from hatch_wasi.audit.auditor import Auditor
    from hatch_wasi.cache import Cache
    from hatch_wasi.cli.gathering import Gathering
    from hatch_wasi.runtime.trial import run_command
    from hatch_wasi.wheels.install import Installation, open_wheels

    _check(args)
    if any(map(is_pip, args.words)):
        console.note(NOTE)
        args.words = [word for word in args.words if not is_pip(word)]
        if not args.words and not args.requirement:
            return 0
    chosen = places.toolchain(args)
    gathering = Gathering(args, console, chosen)
    cache = Cache()
    if bootstrap.ready_python(cache, python=chosen.python) is None:
        gathering.check()  # before a bootstrap that would be for nothing
    toolchain = bootstrap.ensure(cache, console, python=chosen.python, sdk=chosen.sdk)
    site = places.site_packages(args, cache, console)
    auditor = Auditor(toolchain.python, allow_abi_mismatch=args.allow_abi_mismatch)
    with gathering.gathered(toolchain, cache, site) as found, open_wheels([path for path, _ in found]) as wheels:
        if not wheels:
            console.note("all requirements are already installed")
        elif args.dry_run:
            console.note(f"would install {', '.join(wheel.label for wheel in wheels)} in {site}")
        else:
            Installation(
                site=site,
                python=toolchain.python,
                cache=cache,
                console=console,
                run_wasi=run_command,
                native_python=lambda: bootstrap.ready_build_python(cache, console, toolchain.python.short_version),
                allow_abi_mismatch=args.allow_abi_mismatch,
                judge=lambda wheel: gate.judge(auditor, wheel),
            ).install(wheels, {wheel.project: origin for wheel, (_, origin) in zip(wheels, found, strict=True)})
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise `UsageError` for what is not to be installed at all."""
    if args.editable:
        message = f"-e {args.editable[0]}: there are no editable installs for WASI"
        raise UsageError(message, hint="install it without -e, by --build, and again after changes")
    if not args.words and not args.requirement:
        message = "nothing to install is named"
        raise UsageError(message, hint="hatch-wasi install NAME, or a wheel file, or -r FILE")
