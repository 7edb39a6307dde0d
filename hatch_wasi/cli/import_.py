"""`hatch-wasi import`: take in a toolchain that was exported elsewhere."""

import argparse
import re
from pathlib import Path

from hatch_wasi import bootstrap, bundle
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.cli.info import NEXT_STEPS
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, UsageError
from hatch_wasi.fetch import download, sha256_of

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Put a toolchain that `hatch-wasi export` packed into this machine's cache. All of it is checked first; what is there
already stays."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "import", parents=[common], help="take in a toolchain that was exported", description=DESCRIPTION
    )
    parser.add_argument("source", metavar="FILE|URL", help="what `hatch-wasi export` wrote")
    parser.add_argument("--sha256", metavar="HEX", help="what it must hash to; of a URL, it must be given")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Fetch it if need be, check it and put its entries into the cache."""
    options.toolchain(args)
    cache = Cache()
    header = bundle.unpack(cache, console, _file(cache, console, args.source, args.sha256))
    ready = bootstrap.ready(cache, python=header.python, sdk=header.provider)
    if ready is not None:
        console.note(f"SDK: {ready.sdk.provider}, clang {ready.sdk.llvm}, wasi-libc {ready.sdk.wasi_libc}")
        console.note(f"Python: {ready.python.version} in {ready.python.root}")
        console.note(NEXT_STEPS.rstrip())
    return 0


def _file(cache: Cache, console: Console, source: str, sha256: str | None) -> Path:
    """Give the bundle as a file that has the promised hash."""
    if sha256 is not None and not re.fullmatch(r"[0-9A-Fa-f]{64}", sha256):
        message = f"--sha256 {sha256} is no sha256: 64 hex digits"
        raise UsageError(message)
    if re.match(r"https?://", source):
        if sha256 is None:
            message = f"{source}: what comes from the network must be known by its sha256"
            raise UsageError(message, hint="add --sha256 HEX: `hatch-wasi export` printed it")
        with console.step(f"Downloading {source}"):
            return download(cache, [source], sha256=sha256.lower(), console=console)
    path = Path(source)
    if not path.is_file():
        message = f"{source} is not a file, nor an address that begins with http:// or https://"
        raise UsageError(message)
    if sha256 is not None and (found := sha256_of(path)) != sha256.lower():
        message = f"{path} is not what it should be: its sha256 is {found}, not {sha256.lower()}"
        raise FetchError(message, hint="copy it again")
    return path
