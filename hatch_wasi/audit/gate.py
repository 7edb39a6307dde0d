"""Let a wheel that was just built pass, or remove it; and refuse to install what would not import.

What a build with nothing to do needs is imported at once, the rest when it is needed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hatch_wasi.audit.auditor import Auditor
    from hatch_wasi.console import Console
    from hatch_wasi.wheels.wheel import Wheel

__all__ = ["admit", "is_known", "judge"]


def is_known(path: Path, seen: Path, asked: object) -> bool:
    """Tell whether `admit` found the very wheel `path` good before, for what was asked for, and its Python is there."""
    try:
        known = json.loads(seen.read_text(encoding="utf-8"))
        return bool(known["is"] == _identity(path, asked) and Path(known["python"]).is_dir())
    except (OSError, ValueError, TypeError, KeyError):
        return False


def admit(path: Path, console: Console, *, python: str, sdk: str, seen: Path, asked: object = None) -> None:
    """Audit the wheel `path` for WASI Python `python`, an X.Y, built with `sdk`.

    The file `seen` remembers for `is_known` that it was good. Raises `BuildError` if it is not; then it is no longer there.
    """
    from hatch_wasi import bootstrap
    from hatch_wasi.audit.auditor import Auditor
    from hatch_wasi.cache import Cache, replace_file
    from hatch_wasi.errors import BuildError, WheelError

    found = bootstrap.ensure(Cache(), console, python=python, sdk=sdk).python
    identity = _identity(path, asked)
    try:
        report = Auditor(found).check(path)
    except WheelError as error:
        path.unlink()
        raise BuildError(error.message, hint=error.hint) from error
    for finding in report.warnings:
        console.warn(str(finding))
    if problem := report.problem:
        path.unlink()
        message = f"{path.name} was built and is not right: {problem}"
        raise BuildError(message, hint="it was removed; docs/audit.md explains the findings")
    if not report.warnings:  # else: say them again
        replace_file(seen, json.dumps({"is": identity, "python": str(found.root)}).encode())


def judge(auditor: Auditor, wheel: Wheel) -> None:
    """Refuse a wheel that would not import; what it gives away is its builder's affair. Raises `WheelError`."""
    from hatch_wasi.wasm.side_module import SHARED_OBJECT

    if not any(SHARED_OBJECT.search(name) for name in wheel.archive.members):
        return
    if problem := auditor.check_open(wheel, usable_only=True).problem:
        from hatch_wasi.errors import WheelError

        message = f"{wheel.path.name} cannot be used: {problem}"
        raise WheelError(message, hint="`hatch-wasi audit` says all that is wrong with it; nothing was changed")


def _identity(path: Path, asked: object) -> str:
    with path.open("rb") as file:
        wheel = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(json.dumps([wheel, asked], sort_keys=True, default=str).encode()).hexdigest()
