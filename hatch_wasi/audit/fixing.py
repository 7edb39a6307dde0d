"""Mend what can be mended in a finished wheel: debug sections are stripped, a tag that says too little is made right."""

import email.policy
import os
import tempfile
from contextlib import suppress
from email.parser import BytesParser
from itertools import product
from pathlib import Path

from hatch_wasi.cache import replace_file
from hatch_wasi.epoch import source_date
from hatch_wasi.errors import MalformedWasm, WheelError
from hatch_wasi.side_modules import exports
from hatch_wasi.target import Target
from hatch_wasi.wasm.sections import without_custom
from hatch_wasi.wasm.side_module import SHARED_OBJECT, SIZE_LIMIT, SideModule
from hatch_wasi.wheels.rewrite import rewrite
from hatch_wasi.wheels.tags import misfit
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["fix"]

DEBUG = ".debug_"
Modules = dict[str, SideModule]


def fix(wheel: Wheel, target: Target, folder: Path) -> Path | None:
    """Write a mended copy of `wheel` into `folder`, which must be there; None if there is nothing to mend.

    What cannot be mended stays as it is. Raises `WheelError`.
    """
    modules: Modules = {}
    changed: dict[str, bytes] = {}
    whole = True
    for name, entry in wheel.archive.members.items():
        if SHARED_OBJECT.search(name) and entry.file_size <= SIZE_LIMIT:
            data = wheel.archive.read(name)
            try:
                modules[name] = SideModule.parse(data, name)
            except MalformedWasm:
                whole = False  # it is for the audit to say
                continue
            stripped = without_custom(data, name, lambda section: section.startswith(DEBUG))
            if len(stripped) != len(data):
                changed[name] = stripped
    tag = _tag(wheel, modules, target) if whole and modules else None
    if not changed and tag is None:
        return None
    if tag is not None:
        changed[f"{wheel.dist_info_dir}/WHEEL"] = _wheel_file(wheel, tag)
    return _write(wheel, changed, tag, folder)


def _tag(wheel: Wheel, modules: Modules, target: Target) -> str | None:
    """Give the tag that the wheel should have, if its own does not fit `target` and what is in it tells."""
    version = target.python_version
    fits = not misfit(wheel.tags, version) and not misfit(wheel.inner_tags or wheel.tags, version)
    if fits and any(tag.platform != "any" for tag in wheel.tags):
        return None
    own, platform = target.interpreter_tag, target.platform.replace("-", "_")
    importable = {name: module for name, module in modules.items() if exports.has_init(module.exports)}
    if not importable:
        return f"py3-none-{platform}"
    if all(name.endswith(".abi3.so") for name in importable):
        stable = [tag.interpreter for tag in wheel.tags if tag.abi == "abi3" and tag.interpreter[2:].isdecimal()]
        return f"{min(stable, key=lambda interpreter: int(interpreter[3:] or 0), default=own)}-abi3-{platform}"
    if any(_is_for(name, module, target) for name, module in importable.items()):
        return f"{own}-{own}-{platform}"
    return None


def _is_for(name: str, module: SideModule, target: Target) -> bool:
    """Tell whether a module says, by its name or in itself, that it was built for `target`."""
    if name.endswith(target.ext_suffix):
        return True
    with suppress(MalformedWasm):
        return (module.abi_note() or {}).get("soabi") == target.soabi
    return False


def _wheel_file(wheel: Wheel, tag: str) -> bytes:
    """Write WHEEL with other tags, and as a wheel of one platform (PEP 427)."""
    content = BytesParser(policy=email.policy.compat32).parsebytes(wheel.read_dist_info("WHEEL").encode())
    del content["Tag"], content["Root-Is-Purelib"]
    content["Root-Is-Purelib"] = "false"
    for parts in product(*(part.split(".") for part in tag.split("-"))):
        content["Tag"] = "-".join(parts)
    return content.as_bytes(policy=email.policy.compat32)


def _write(wheel: Wheel, changed: dict[str, bytes], tag: str | None, folder: Path) -> Path:
    path = folder / (f"{wheel.path.stem.rsplit('-', 3)[0]}-{tag}.whl" if tag else wheel.path.name)
    if path.exists() and path.name != wheel.path.name and path.parent.samefile(wheel.path.parent):
        message = f"{wheel.path.name}: it should be named {path.name}, which is there already"
        raise WheelError(message, hint="remove one of them, or name another folder by -w")
    try:
        with tempfile.TemporaryDirectory(prefix="hatch-wasi-fix-") as name:
            draft = Path(name) / path.name
            rewrite(wheel, draft, changed=changed, source_date=source_date(os.environ))
            replace_file(path, draft.read_bytes())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise WheelError(message, hint="name another folder by -w") from error
    return path
