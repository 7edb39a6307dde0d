"""Which wheels a WASI Python takes, by their tags (PEP 425). Pure."""

import re
from collections.abc import Iterable

from packaging.tags import Tag, compatible_tags, cpython_tags

from hatch_wasi.target import WASI_PLATFORM

__all__ = ["PLATFORMS", "misfit", "supported"]

PLATFORMS = (
    WASI_PLATFORM.replace("-", "_"),
    # sysconfig.get_platform() in the guest is wasi-0.0.0-wasm32: uname's release stands between.
    "wasi_0_0_0_wasm32",
)
OTHER_SYSTEMS = re.compile(r"(many|musl)?linux|macosx|win|freebsd|android|ios|emscripten|pyodide|pyemscripten")


def supported(version: str) -> list[Tag]:
    """List the tags that CPython `version` (`3.13` or `3.13.5`) on WASI takes, the best first."""
    major, minor = (int(number) for number in version.split(".")[:2])
    interpreter = f"cp{major}{minor}"
    own = cpython_tags((major, minor), abis=[interpreter], platforms=PLATFORMS)
    return [*own, *compatible_tags((major, minor), interpreter=interpreter, platforms=PLATFORMS)]


def misfit(tags: Iterable[Tag], version: str) -> tuple[str, str] | None:
    """Say why none of a wheel's `tags` fits CPython `version` on WASI, and what to do about it; None if one does."""
    named = frozenset(tags)
    if not named.isdisjoint(supported(version)):
        return None
    short = ".".join(version.split(".")[:2])
    interpreter = "cp" + short.replace(".", "")
    shown = ", ".join(sorted(map(str, named))[:6])
    problem = (
        f"{shown} does not fit Python {short} on WASI, which takes {interpreter}-{interpreter}, "
        f"cp3X-abi3 up to {short} and py3-none for {' or '.join(PLATFORMS)}, and py3-none-any"
    )
    systems = {tag.platform for tag in named}
    if any(OTHER_SYSTEMS.match(platform) for platform in systems):
        return problem, "rebuild it for WASI: HATCH_WASI_TARGET=wasi hatch build -t wheel"
    if any(platform.startswith("wasi") for platform in systems):
        return problem, f"rebuild it for Python {short}, or choose another by --python"
    return problem, f"look for a wheel for Python {short}"
