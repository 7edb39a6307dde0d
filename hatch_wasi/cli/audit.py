"""`hatch-wasi audit`: say whether wheels will import and run on WASI, and what they give away."""

import argparse
import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from hatch_wasi import bootstrap
from hatch_wasi.audit.auditor import Auditor
from hatch_wasi.audit.finding import Finding, Level, Report
from hatch_wasi.audit.fixing import fix
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console, counted, output
from hatch_wasi.errors import UsageError, WheelError
from hatch_wasi.text import one_line
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["add_parser", "execute"]

DESCRIPTION = """\
Check wheels against a WASI Python without running them: the form of each side module, that everything it imports is
there with the same signature, names and suffixes, tags, the ABI (PEP 816), the limited API of abi3 wheels, and what they
give away of the machine that built them. Exit status 1 if a wheel has an error. Codes are listed in docs/audit.md."""
FORMAT = 1
"""Of the JSON output; goes up when something in it changes its meaning."""


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser("audit", parents=[common], help="check wheels for WASI", description=DESCRIPTION)
    parser.add_argument("wheels", nargs="+", metavar="WHEEL", type=Path, help="wheel file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--strict", action="store_true", help="warnings fail, too")
    parser.add_argument("--fix", action="store_true", help="strip debug sections and put tags right; then check again")
    parser.add_argument(
        "-w", "--wheel-dir", metavar="DIR", type=Path, help="with --fix: write there and leave WHEEL as it is"
    )
    parser.add_argument(
        "--allow-abi-mismatch", action="store_true", help="accept side modules built with another wasi-libc"
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    if args.wheel_dir and not args.fix:
        message = "--wheel-dir is for --fix"
        raise UsageError(message)
    chosen = options.toolchain(args)
    python = bootstrap.ensure(Cache(), console, python=chosen.python, sdk=chosen.sdk).python
    auditor = Auditor(python, allow_abi_mismatch=args.allow_abi_mismatch)
    reports = []
    for path in args.wheels:
        wheel = _fixed(path, args.wheel_dir, auditor, console) if args.fix else path
        reports.append(_report(wheel, auditor))
    _print_json(reports, python.version) if args.json else _print_text(reports)
    return int(any(report.errors or (args.strict and report.warnings) for report in reports))


def _report(path: Path, auditor: Auditor) -> Report:
    try:
        return auditor.check(path)
    except WheelError as error:
        name = one_line(path.name)
        what = one_line(error.message.removeprefix(f"{path}: ").removeprefix(f"{path.name}: "))
        return Report(wheel=name, findings=[Finding(level=Level.ERROR, code="malformed", where=name, what=what)])


def _fixed(path: Path, folder: Path | None, auditor: Auditor, console: Console) -> Path:
    """Mend a wheel and give the file to be judged; one that cannot even be opened is left for the audit to say so."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made: {error.strerror}"
        raise UsageError(message) from error
    with ExitStack() as stack:
        try:
            wheel = stack.enter_context(Wheel.open(path))
        except WheelError:
            return path
        made = fix(wheel, auditor.python.target(), folder or path.absolute().parent)
    if made is None:
        return path
    if folder is None and made.name != path.name:
        path.unlink()
    console.note(f"mended: {made}")
    return made


def _print_json(reports: list[Report], python: str) -> None:
    content = {"format": FORMAT, "python": python, "wheels": [asdict(report) for report in reports]}
    output(json.dumps(content, indent=2) + "\n")


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _print_text(reports: list[Report]) -> None:
    lines = []
    for report in reports:
        size = sum(module.size for module in report.modules)
        modules = f"{counted(len(report.modules), 'side module')}, {_size(size)}"
        verdict = "cannot be used" if report.errors else "can be used, but" if report.warnings else "fine"
        closed = not report.modules and any(finding.code == "malformed" for finding in report.findings)
        lines.append(f"{report.wheel}: {verdict}\n" if closed else f"{report.wheel}: {verdict} ({modules})\n")
        for finding in [*report.errors, *report.warnings]:
            where = "" if finding.where == report.wheel else f"{finding.where}: "
            lines.append(f"  {finding.level} [{finding.code}] {where}{finding.what}\n")
    output("".join(lines))
