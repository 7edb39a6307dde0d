"""Let a wheel that was just built pass, or remove it."""

import hashlib
from pathlib import Path

from hatch_wasi import bootstrap
from hatch_wasi.audit.auditor import Auditor
from hatch_wasi.cache import Cache, digest, replace_file
from hatch_wasi.console import Console
from hatch_wasi.errors import BuildError, WheelError
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["admit", "judge"]


def admit(path: Path, console: Console, *, python: str, sdk: str, seen: Path) -> None:
    """Audit the wheel `path` for WASI Python `python`, an X.Y, built with `sdk`.

    The file `seen` remembers the last that was found good: the same wheel is not looked at again. Raises `BuildError`
    if it is not good; then it is no longer there.
    """
    cache = Cache()
    found = bootstrap.ensure(cache, console, python=python, sdk=sdk).python
    with path.open("rb") as file:
        identity = digest([hashlib.file_digest(file, "sha256").hexdigest(), found.root.name])
    if seen.is_file() and seen.read_text(encoding="utf-8") == identity:
        return
    try:
        report = Auditor(found).check(path)
    except WheelError as error:
        path.unlink()
        raise BuildError(error.message, hint=error.hint) from error
    for finding in report.warnings:
        console.warn(str(finding))
    if report.errors:
        path.unlink()
        more = f" (and {len(report.errors) - 1} more)" if len(report.errors) > 1 else ""
        message = f"{path.name} was built and is not right: {report.errors[0]}{more}"
        raise BuildError(message, hint="it was removed; docs/audit.md explains the findings")
    replace_file(seen, identity.encode())


def judge(auditor: Auditor, wheel: Wheel) -> None:
    """Refuse a wheel that would not import; what it gives away is its builder's affair. Raises `WheelError`."""
    if not any(name.endswith(".so") for name in wheel.archive.members):
        return
    if found := auditor.check_open(wheel, usable_only=True).errors:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = f"{wheel.path.name} cannot be used: {found[0]}{more}"
        raise WheelError(message, hint="`hatch-wasi audit` says all that is wrong with it; nothing was changed")
