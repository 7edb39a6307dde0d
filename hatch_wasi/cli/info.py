"""`hatch-wasi info`: what is there, what a build would use and why, where things are, and what to do next."""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import __version__, bootstrap, contents, pins
from hatch_wasi.cache import Cache
from hatch_wasi.cli import options
from hatch_wasi.console import Console, output
from hatch_wasi.contents import Damage
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.chain import Outlook

__all__ = ["NEXT_STEPS", "add_parser", "execute"]

NEXT_STEPS = """\
Next:  hatch-wasi run -c "print('hello from WASI')"
       HATCH_WASI_TARGET=wasi hatch build -t wheel     in a project with the hook
       hatch-wasi install dist/NAME.whl
"""
DESCRIPTION = """\
Show what is installed, what a build would use and why, where things are and what to do next. Nothing is run, fetched or
changed."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What there is to say."""

    cache: Cache
    request: options.Toolchain
    outlooks: list[Outlook]
    found: bootstrap.Toolchain | None
    problem: str
    """Why the toolchain cannot be read, if so."""
    damages: dict[Path, list[Damage] | None] | None
    """What `--verify` found of each entry; None stands for an entry without a list."""

    @property
    def entries(self) -> dict[str, list[Path]]:
        """The complete entries of each kind."""
        return {kind: self.cache.entries(kind) for kind in bootstrap.KINDS}


def add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "info", parents=[common], help="show what is installed and what would be used", description=DESCRIPTION
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--verify", action="store_true", help="check every file of what was made; status 1 if any is damaged"
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print what is there and what this request would get; with `--verify`, what is damaged."""
    del console
    facts = _gather(Cache(), options.toolchain(args), verify=args.verify)
    output(json.dumps(_object(facts), indent=2) + "\n" if args.json else _text(facts))
    return 1 if facts.damages and any(facts.damages.values()) else 0


def _gather(cache: Cache, request: options.Toolchain, *, verify: bool) -> Facts:
    found, problem = None, ""
    outlooks: list[Outlook] = []
    try:
        outlooks = bootstrap.outlooks(cache, python=request.python, sdk=request.sdk)
        found = bootstrap.ready(cache, python=request.python, sdk=request.sdk)
    except ToolchainError as error:
        problem = error.message
    damages = None
    if verify:
        every = [entry for kind in bootstrap.KINDS for entry in {*cache.entries(kind), *cache.remains(kind)}]
        damages = {entry: cache.damages(entry) for entry in sorted(every)}
    return Facts(cache=cache, request=request, outlooks=outlooks, found=found, problem=problem, damages=damages)


def _object(facts: Facts) -> dict[str, object]:
    cache, found = facts.cache, facts.found
    shown: dict[str, object] = {
        "hatch_wasi": __version__,
        "pythons": list(pins.supported_pythons()),
        "cache": str(cache.root),
        "data": str(cache.data),
        "request": {"python": facts.request.python, "sdk": facts.request.sdk},
        "ready": found
        and {
            "sdk": str(found.sdk.root),
            "python": str(found.python.root),
            "site_packages": str(found.python.site_packages(cache.data)),
        },
        "entries": {
            kind: {entry.name: cache.manifest(entry) for entry in entries} for kind, entries in facts.entries.items()
        },
        "sizes": {kind: {entry.name: _size(entry) for entry in entries} for kind, entries in facts.entries.items()},
        "providers": [
            {"name": item.provider, "ready": item.sdk and str(item.sdk.root), "used": item.serves, "outlook": item.text}
            for item in facts.outlooks
        ],
    }
    if facts.damages is not None:
        shown["damage"] = {
            entry.relative_to(cache.root).as_posix(): None if damages is None else list(map(str, damages))
            for entry, damages in facts.damages.items()
        }
    return shown


def _text(facts: Facts) -> str:
    lines = [f"hatch-wasi {__version__}", "", *_toolchain(facts), "", *_choice(facts), "", *_places(facts)]
    if facts.damages is not None:
        lines += ["", *_verification(facts.cache, facts.damages)]
    return "\n".join(lines) + "\n\n" + (NEXT_STEPS if facts.found else "Next:  hatch-wasi bootstrap\n")


def _toolchain(facts: Facts) -> list[str]:
    head = f"Toolchain for Python {facts.request.python}, sdk = {facts.request.sdk}"
    if facts.found is None:
        return [f"{head}: not ready; `hatch-wasi bootstrap` makes it" + (f" ({facts.problem})" * bool(facts.problem))]
    sdk, python = facts.found.sdk, facts.found.python
    release = f", wasi-sdk {sdk.version}'s" if sdk.version else ""
    return [
        f"{head}: ready",
        f"  SDK            {sdk.id}: clang {sdk.llvm}, wasi-libc {sdk.wasi_libc}{release}",
        f"                 {sdk.root}",
        f"  Python         {python.version}",
        f"                 {python.root}",
        f"  C++ library    {_library(facts.cache, sdk)}",
        f"  site-packages  {python.site_packages(facts.cache.data)}",
    ]


def _library(cache: Cache, sdk: WasiSdk) -> str:
    found = bootstrap.ready_cxx(cache, sdk)
    return f"LLVM {found.llvm}, {found.root}" if found else "none yet: the first C++ extension has it built"


def _choice(facts: Facts) -> list[str]:
    lines = [
        f"Where sdk = {facts.request.sdk} looks for an SDK: what is ready serves, else the first that can be made:"
    ]
    for index, item in enumerate(facts.outlooks, 1):
        lines.append(f"  {index}. {item.provider:9} {item.text}" + " <- used" * item.serves)
    return lines


def _places(facts: Facts) -> list[str]:
    cache = facts.cache
    used = [entry for _, entry in bootstrap.belongings(cache, facts.found)] if facts.found else []
    lines = [f"Cache: {cache.root}" + ("" if cache.root.exists() else " (not there yet)")]
    for kind, entries in facts.entries.items():
        for entry in entries:
            mark = " <- used" if entry in used else ""
            lines.append(f"  {_megabytes(_size(entry))}  {kind}/{entry.name}{mark}")
    folders = sorted(path for path in cache.root.glob("*/") if path.name not in bootstrap.KINDS)
    lines += [f"  {_megabytes(size)}  {path.name}/" for path in folders if (size := _walk(path)) >= 1 << 20]
    return [*lines, f"Data:  {cache.data} (what you installed)"]


def _verification(cache: Cache, damages: dict[Path, list[Damage] | None]) -> list[str]:
    lines = []
    for entry, found in damages.items():
        name = entry.relative_to(cache.root).as_posix()
        if found is None:
            lines.append(f"{name}: cannot be checked, an earlier hatch-wasi made it without a list of its contents")
        else:
            lines.append(f"{name}: {'DAMAGED' if found else 'whole'}")
            lines += [f"  {damage}" for damage in found]
    if any(damages.values()):
        lines.append(
            "`hatch-wasi bootstrap` makes damaged entries again that it would use; `hatch-wasi clean` removes all."
        )
    return lines or ["Nothing to check."]


def _size(entry: Path) -> int:
    try:
        return contents.size(contents.read(entry))
    except (OSError, ValueError):
        return _walk(entry)


def _walk(folder: Path) -> int:
    """Add up the sizes of the files below `folder`; what vanishes or is closed to us counts for nothing."""
    paths = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    total = 0
    for path in paths:
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total


def _megabytes(size: int) -> str:
    return f"{size / 1e6:7.1f} MB"
