"""The command line: one module a command, each with `add_parser` and `execute`; this one parses and reports.

`run` starts in the time of a few imports, so everything that it does not need is imported where it is used.
"""

from __future__ import annotations

import os
import sys

from hatch_wasi.errors import BuildError, HatchWasiError, UsageError
from hatch_wasi.text import printable, relayed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main"]

INTERRUPTED = -2
"""Status of what SIGINT ended, as subprocess has it."""

COMMANDS = (
    "bootstrap", "info", "run", "install", "list", "freeze", "show", "check", "uninstall", "venv", "wheel", "audit", "index",
    "export", "import", "clean",
)  # fmt: skip

GENERAL = ("--help", "--version", "-h", "-V")
"""Options without a command."""


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line, with the parsers that it needs: to have all of them means to import all that they use."""
    import re

    named = words[0] if words and words[0] in COMMANDS else None
    if words and named is None and not words[0].startswith("-"):
        raise UsageError(f"there is no command {words[0]}", hint=_meant(words[0], COMMANDS) or _all_commands())
    if words and set(COMMANDS).isdisjoint(words) and words[0] not in GENERAL:
        raise UsageError(f"there is no option {words[0]}", hint=_meant(words[0], GENERAL) or "see hatch-wasi --help")
    parser, commands = _parsers([named] if named else COMMANDS)
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(2)
    args, unknown = parser.parse_known_args(words)
    if unknown and named is None:
        parser.error(f"{' '.join(unknown)}: options go after the command")
    if unknown:
        # argparse would have the parser above the command's say so, whose usage is of no help.
        command = commands.choices[args.command]
        known = re.findall(r"--[a-z][a-z-]*", command.format_help())
        hints = filter(None, (_meant(word.partition("=")[0], known) for word in unknown if word.startswith("--")))
        command.error(f"unrecognized arguments: {' '.join(unknown)}{''.join(f'; {hint}' for hint in hints)}")
    return args


def _meant(word: str, known: Sequence[str]) -> str:
    """Ask whether a word like `word` was meant; empty if there is none like it."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(dict.fromkeys(known)), n=1)
    return f"did you mean {close[0]}?" if close else ""


def _all_commands() -> str:
    return f"commands are {', '.join(COMMANDS)}"


def _parsers(
    names: Sequence[str],
) -> tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]:
    import argparse
    import importlib

    from hatch_wasi import __version__

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--python", metavar="X.Y", help="WASI Python to use (HATCH_WASI_PYTHON; default 3.13)")
    common.add_argument("--sdk", metavar="NAME|DIR", help="SDK provider or folder (HATCH_WASI_SDK; default auto)")
    common.add_argument("--offline", action="store_true", help="never use the network (HATCH_WASI_OFFLINE)")
    common.add_argument("-v", "--verbose", action="count", default=0, help="say more; twice: everything")
    common.add_argument("-q", "--quiet", action="store_true", help="say only what is wrong")

    class Parser(argparse.ArgumentParser):
        """Reports mistakes so that the words of a command line, names of files among them, do not steer the terminal."""

        def error(self, message: str) -> NoReturn:
            super().error(printable(message))

    parser: argparse.ArgumentParser = Parser(prog="hatch-wasi", description="Python C extensions on WASI.")
    parser.add_argument("-V", "--version", action="version", version=f"hatch-wasi {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        importlib.import_module(f"hatch_wasi.cli.{_module(name)}").add_parser(commands, common)
    return parser, commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: this process's) and give the exit status: 0 done, 1 failed, 2 usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    is_run = words[:1] == ["run"]
    _put_last(os.environ.get("PYTHONPATH", ""))
    try:
        if is_run:
            from hatch_wasi.cli import run

            status = run.main(words[1:])
        else:
            status = _execute(words)
    except HatchWasiError as error:
        output = f"{relayed(error.output)}\n" if isinstance(error, BuildError) and error.output else ""
        _report(error.render(), before=output)
        return error.exit_code
    except KeyboardInterrupt:
        _report("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough, as `head` has. What is left of it is not tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141  # what a shell gives for a process that SIGPIPE ended; `signal` imports enum
    except OSError as error:
        _report(f"{error.filename or 'the output'}: {error.strerror or error}")
        return 1
    if argv is not None:
        return status if status >= 0 else 128 - status
    if status < 0:
        from hatch_wasi.runtime.ending import die_by

        die_by(-status)
    if is_run:
        # The guest is gone and nothing is left to do: taking this interpreter down in order costs 10 ms.
        os._exit(status)
    return status


def _put_last(path: str) -> None:
    """Look for this program's own modules elsewhere before PYTHONPATH, which may be meant for the guest."""
    if path:
        given = {os.path.abspath(entry) for entry in path.split(os.pathsep)}
        sys.path.sort(key=given.__contains__)


def _execute(words: list[str]) -> int:
    import importlib
    from pathlib import Path

    from hatch_wasi import environment
    from hatch_wasi.console import Console

    if "PATH" in os.environ:  # what is looked for is for this machine
        os.environ["PATH"] = environment.search_path(os.environ["PATH"])
    if sys.stdout is None:  # closed, by `>&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    args = _parsed(words)
    console = Console(verbosity=-1 if args.quiet else args.verbose)
    status = int(importlib.import_module(f"hatch_wasi.cli.{_module(args.command)}").execute(args, console))
    sys.stdout.flush()  # while what goes wrong with it can be told
    return status


def _module(command: str) -> str:
    # `import` cannot name a module that is imported, and `list` should not.
    return f"{command}_" if command in {"import", "list"} else command


def _report(text: str, *, before: str = "") -> None:
    from hatch_wasi.console import Console

    sys.stderr.write(before)
    Console().error(text)
