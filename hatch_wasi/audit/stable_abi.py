"""The stable ABI of CPython (PEP 384, PEP 652): what an extension with the limited API may use, and since when."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

__all__ = ["added", "violations"]


@cache
def added() -> Mapping[str, tuple[int, int]]:
    """Give for each function and variable the Python X.Y that has it first."""
    text = files("hatch_wasi.audit").joinpath("stable_abi.toml").read_text(encoding="utf-8")
    found = {}
    for version, names in tomllib.loads(text).items():
        major, minor = map(int, version.split("."))
        found.update(dict.fromkeys(names.split(), (major, minor)))
    return found


def violations(names: Iterable[str], version: tuple[int, int]) -> list[str]:
    """List what of Python's own among `names` is not in the stable ABI of Python `version`.

    Each with since when it is, if it ever came in. What is not Python's (libc's functions) does not count; nor does what
    is public and not known, if `version` is newer than what is known here.
    """
    known = added()
    is_newer = version > max(known.values())
    found = []
    for name in sorted({name for name in names if name.startswith(("Py", "_Py"))}):
        since = known.get(name)
        if since is None:
            if name.startswith("_") or not is_newer:
                found.append(name)
        elif since > version:
            found.append(f"{name} (since {since[0]}.{since[1]})")
    return found
