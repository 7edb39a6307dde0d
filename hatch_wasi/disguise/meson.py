"""What Meson is told of the target: its cross file (https://mesonbuild.com/Cross-compilation.html)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["cross_file"]


def cross_file(binaries: Mapping[str, str], *, pkgconfig: Sequence[Path]) -> str:
    """Write it: `binaries` are programs by Meson's names for them, `pkgconfig` is where pkg-config looks, and only there.

    There is no `sys_root`: pkg-config would put it before what packages say of their own folders.
    """
    lines = ["[binaries]", *(f"{name} = {_quoted(value)}" for name, value in binaries.items())]
    lines += ["pkg-config = 'pkg-config'", "cmake = 'cmake'", "", "[properties]", "needs_exe_wrapper = true"]
    lines += ["skip_sanity_check = true", "longdouble_format = 'IEEE_QUAD_LE'"]
    lines += [f"pkg_config_libdir = [{', '.join(map(_quoted, pkgconfig))}]", "", "[host_machine]", "system = 'wasi'"]
    return "\n".join([*lines, "cpu_family = 'wasm32'", "cpu = 'wasm32'", "endian = 'little'", ""])


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
