"""What code is built for: pure data, read from a `_sysconfigdata` module that is parsed and never executed."""

import ast
import platform
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hatch_wasi.errors import ToolchainError

__all__ = ["WASI_PLATFORM", "Target", "read_sysconfigdata"]

WASI_PLATFORM = "wasi-wasm32"
# A target triple that every clang since 18 and every wasi-sdk since 22 knows; PEP 11 names it for CPython since 3.13.
WASI_TRIPLE = "wasm32-wasip1"


def read_sysconfigdata(path: Path) -> dict[str, str | int]:
    """Give `build_time_vars` of a `_sysconfigdata_*.py` file.

    The file is data from a build (Lib/sysconfig/__init__.py writes it by pprint): it is read as a literal, not run.
    Raises `ToolchainError` if it is not of that form.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for node in tree.body:
            if isinstance(node, ast.Assign) and [ast.unparse(name) for name in node.targets] == ["build_time_vars"]:
                return {str(name): value for name, value in ast.literal_eval(node.value).items()}
    except (OSError, SyntaxError, ValueError, AttributeError) as error:
        message = f"{path} cannot be read as sysconfig data: {error}"
        raise ToolchainError(message) from error
    message = f"{path} does not assign build_time_vars"
    raise ToolchainError(message)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Python and its platform, as a compiler and a wheel's file name need to know them."""

    python_version: str
    """Full version, `3.13.5`."""
    soabi: str
    """`cpython-313-wasm32-wasi`: names the ABI in file names of extension modules (PEP 3149)."""
    ext_suffix: str
    """`.cpython-313-wasm32-wasi.so`."""
    platform: str
    """`wasi-wasm32`: `sysconfig.get_platform()` of a cross build, before normalization to a wheel's platform tag."""
    triple: str
    """`wasm32-wasip1` for the compiler; empty for the native interpreter."""
    include_dirs: tuple[Path, ...]
    """Where Python.h and pyconfig.h are."""
    variables: Mapping[str, str | int]
    """The rest of sysconfig's variables."""

    @classmethod
    @cache
    def from_sysconfigdata(cls, path: Path, *, python_version: str, include_dir: Path) -> "Target":
        """Read the WASI target from an installed CPython's `_sysconfigdata` at `path`."""
        variables = read_sysconfigdata(path)
        return cls(
            python_version=python_version,
            soabi=str(variables["SOABI"]),
            ext_suffix=str(variables["EXT_SUFFIX"]),
            platform=WASI_PLATFORM,
            triple=WASI_TRIPLE,
            include_dirs=(include_dir,),
            variables=variables,
        )

    @classmethod
    def native(cls) -> "Target":
        """Describe the interpreter that runs this."""
        variables = {name: value for name, value in sysconfig.get_config_vars().items() if isinstance(value, str | int)}
        includes = dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("include", "platinclude"))
        return cls(
            python_version=platform.python_version(),
            soabi=str(variables.get("SOABI", "")),
            ext_suffix=str(variables["EXT_SUFFIX"]),
            platform=sysconfig.get_platform(),
            triple="",
            include_dirs=tuple(includes),
            variables=variables,
        )

    @property
    def is_wasi(self) -> bool:
        """Tell WASI from the native interpreter."""
        return bool(self.triple)

    @property
    def short_version(self) -> str:
        """`3.13`."""
        return ".".join(self.python_version.split(".")[:2])

    @property
    def interpreter_tag(self) -> str:
        """`cp313` (PEP 425)."""
        return "cp" + self.short_version.replace(".", "")

    def markers(self) -> dict[str, str]:
        """Give the PEP 508 environment of this target, to evaluate markers for it."""
        if not self.is_wasi:
            return {}
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python_version,
            "os_name": "posix",
            # os.uname() in wasi-libc (libc-bottom-half/sources/uname.c): sysname "wasi", release "0.0.0".
            "platform_machine": "wasm32",
            "platform_release": "0.0.0",
            "platform_system": "wasi",
            "platform_version": "0.0.0",
            "python_full_version": self.python_version,
            "platform_python_implementation": "CPython",
            "python_version": self.short_version,
            "sys_platform": "wasi",
        }

    @property
    def is_running(self) -> bool:
        """Tell whether this is the very interpreter that runs this code."""
        return not self.is_wasi and self.python_version == ".".join(map(str, sys.version_info[:3]))
