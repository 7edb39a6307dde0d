"""`hatch-wasi index`: make a folder of wheels a package index of plain files."""

import argparse
from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console, counted
from hatch_wasi.errors import UsageError
from hatch_wasi.redaction import stripped

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Make DIR, a folder that holds wheels (at any depth), a package index that any web server can serve: pages for pip and
other installers (PEP 503, 691, 658, 700) that people can read too. Run it again after wheels came or went: what did
not change is not read again. DIR/yanked.toml says what is out of use: "demo==1.0" = "the reason". All wheels are
verified before anything is written."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "index", parents=[common], help="make a folder of wheels a package index", description=DESCRIPTION
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="holds the wheels")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        help="the folder to serve (default: DIR); wheels that are not below it are copied into it",
    )
    parser.add_argument("--title", metavar="TEXT", help="heading of the pages")
    parser.add_argument("--url", metavar="URL", help="where the folder is served, for the commands that pages show")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Make the index, or bring it up to date."""
    from hatch_wasi.index.pages import Look
    from hatch_wasi.index.site import Site

    if args.url is not None and not args.url.startswith(("http://", "https://")):
        message = f"--url {args.url} is not an address of the web"
        raise UsageError(message, hint="it is https://HOST/PATH, where PATH/simple/ is the index")
    if args.url is not None and args.url != stripped(args.url):
        message = f"--url {args.url} has a login or a token, and every page would show it"
        raise UsageError(message, hint="name the address that others use")
    look = Look(**{name: value for name in ("title", "url") if (value := getattr(args, name)) is not None})
    root = args.output or args.folder
    report = Site(source=args.folder, root=root, look=look, cache=Cache(), console=console).update()
    console.note(
        f"{root / 'simple'}: {counted(report.wheels, 'wheel')} of {counted(report.projects, 'project')} "
        f"({report.read} read, {counted(report.made, 'file')} written)"
    )
    return 0
