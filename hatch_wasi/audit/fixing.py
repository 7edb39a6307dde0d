"""Mend what can be mended in a finished wheel: debug sections are stripped, a tag that says too little is made right."""

import email.policy
import tempfile
from email.parser import BytesParser
from itertools import product
from pathlib import Path

from hatch_wasi.cache import replace_file
from hatch_wasi.errors import WheelError
from hatch_wasi.target import Target
from hatch_wasi.wasm.sections import without_custom
from hatch_wasi.wheels.side_modules import MAGIC
from hatch_wasi.wheels.tags import misfit
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["fix"]

DEBUG = ".debug_"


def fix(wheel: Wheel, target: Target, folder: Path) -> Path | None:
    """Write a mended copy of `wheel` into `folder`, which must be there; None if there is nothing to mend.

    What cannot be mended stays as it is. Raises `WheelError`, also if the `wheel` library is not there.
    """
    stripped = {
        name: without_custom(data, name, lambda section: section.startswith(DEBUG))
        for name in wheel.archive.members
        if name.endswith(".so") and (data := wheel.archive.read(name)).startswith(MAGIC)
    }
    changed = {name: data for name, data in stripped.items() if len(data) != wheel.archive.members[name].file_size}
    tag = _tag(wheel, list(stripped), target)
    if not changed and tag is None:
        return None
    if tag is not None:
        changed[f"{wheel.dist_info_dir}/WHEEL"] = _wheel_file(wheel, tag)
    return _write(wheel, changed, tag or wheel.path.stem.split("-", 2)[2], folder)


def _tag(wheel: Wheel, modules: list[str], target: Target) -> str | None:
    """Give the tag that the wheel should have, if it has side modules for `target` and its own does not fit."""
    if not modules or (not misfit(wheel.tags, target.python_version) and any(t.platform != "any" for t in wheel.tags)):
        return None
    own = target.interpreter_tag
    if any(name.endswith(target.ext_suffix) for name in modules):
        return f"{own}-{own}-{target.platform.replace('-', '_')}"
    stable = sorted(tag.interpreter for tag in wheel.tags if tag.abi == "abi3")
    if stable and all(name.endswith(".abi3.so") for name in modules):
        return f"{stable[0]}-abi3-{target.platform.replace('-', '_')}"
    return None


def _wheel_file(wheel: Wheel, tag: str) -> bytes:
    """Write WHEEL with other tags, and as a wheel of one platform (PEP 427)."""
    content = BytesParser(policy=email.policy.compat32).parsebytes(wheel.read_dist_info("WHEEL").encode())
    del content["Tag"], content["Root-Is-Purelib"]
    content["Root-Is-Purelib"] = "false"
    for parts in product(*(part.split(".") for part in tag.split("-"))):
        content["Tag"] = "-".join(parts)
    return content.as_bytes(policy=email.policy.compat32)


def _write(wheel: Wheel, changed: dict[str, bytes], tag: str, folder: Path) -> Path:
    try:
        from wheel.wheelfile import WheelFile
    except ImportError as error:
        message = "a wheel cannot be mended: the wheel library is not installed"
        raise WheelError(message, hint="pip install 'hatch-wasi[wheel]'") from error
    path = folder / f"{'-'.join(wheel.path.name.split('-')[:2])}-{tag}.whl"
    record = f"{wheel.dist_info_dir}/RECORD"
    try:
        with tempfile.TemporaryDirectory(prefix="hatch-wasi-fix-") as name:
            draft = Path(name) / path.name
            with WheelFile(draft, "w") as file:
                for member, entry in wheel.archive.members.items():
                    if member != record:
                        file.writestr(entry, changed.get(member) or wheel.archive.read(member))
            replace_file(path, draft.read_bytes())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise WheelError(message, hint="name another folder by -w") from error
    return path
