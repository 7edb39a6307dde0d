"""LLVM's C++ library as extension modules link it: position-independent, with and without exceptions.

A folder with `include/c++/v1`, `lib/eh` and `lib/noeh`; or an SDK's own, where it serves.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk

__all__ = ["EXCEPTION_FLAGS", "FIRST_WITH_EXCEPTIONS", "LIBRARIES", "CxxLibrary", "serves"]

FIRST_WITH_EXCEPTIONS = 20
"""The first LLVM that emits exceptions as the standard has them, with `exnref`; engines refuse the older encoding."""
EXCEPTION_FLAGS = ("-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=false")
LIBRARIES = {"eh": ("libc++.a", "libc++abi.a", "libunwind.a"), "noeh": ("libc++.a", "libc++abi.a")}
"""What is linked, in that order, by the name of the variant."""


@dataclass(frozen=True, kw_only=True)
class CxxLibrary:
    """Headers and archives; what they say to compiler and linker."""

    root: Path
    """Nothing else is read below it: its path is hidden from what is made."""
    id: str
    """Names it, for what was built with it."""
    llvm: str
    """Its version, `22.1.8`."""
    include: Path
    """The folder of the headers, `c++/v1`."""
    lib: Path
    """Has the folders `eh` and `noeh`."""

    @classmethod
    def from_tree(cls, root: Path) -> "CxxLibrary":
        """Read one in the cache by its manifest. Raises `ToolchainError` if it is none."""
        try:
            llvm = str(json.loads((root / "manifest.json").read_text(encoding="utf-8"))["cxx"]["llvm"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{root} is not a C++ library for WASI: {error!r}"
            raise ToolchainError(message, hint="remove it and build again") from error
        include = root / "include" / "c++" / "v1"
        return cls(root=root, id=root.name, llvm=llvm, include=include, lib=root / "lib")

    @classmethod
    def of_sdk(cls, sdk: WasiSdk) -> "CxxLibrary | None":
        """Give the SDK's own, laid out as in wasi-sdk 33, if extension modules can be linked with it."""
        include = sdk.sysroot / "include" / sdk.triple / "c++" / "v1"
        found = cls(root=sdk.root, id=sdk.id, llvm=sdk.llvm, include=include, lib=sdk.library_dir)
        try:
            site = (include / "__config_site").read_text(encoding="utf-8")
        except OSError:
            return None
        complete = all(path.is_file() for exceptions in (True, False) for path in found.archives(exceptions=exceptions))
        return found if complete and serves(site) else None

    @property
    def has_exceptions(self) -> bool:
        """Tell whether code that throws can be linked: not if it was built by an old compiler."""
        return all(path.is_file() for path in self.archives(exceptions=True))

    def archives(self, *, exceptions: bool) -> tuple[Path, ...]:
        """Name the archives of a variant, in link order."""
        variant = "eh" if exceptions else "noeh"
        return tuple(self.lib / variant / name for name in LIBRARIES[variant])

    def compile_flags(self, *, exceptions: bool) -> tuple[str, ...]:
        """Give what a C++ compiler is to be told."""
        switch = EXCEPTION_FLAGS if exceptions else ("-fno-exceptions",)
        return ("-nostdinc++", "-isystem", str(self.include), *switch)

    def link_words(self, *, exceptions: bool) -> tuple[str, ...]:
        """Give what is linked after the objects."""
        return tuple(map(str, self.archives(exceptions=exceptions)))


def serves(config_site: str) -> bool:
    """Tell whether the library whose `__config_site` this is will do for extension modules.

    Each module has its own copy of the typeinfo of what modules throw to each other, so types must be compared by name;
    and `std::mutex` must exist. wasi-sdk's own library does not serve: from 33 on it has a variant with exceptions, which is
    not position-independent, and the headers of each variant are in a folder of their own (`include/<triple>/eh`).
    """
    by_name = re.search(r"^#define _LIBCPP_TYPEINFO_COMPARISON_IMPLEMENTATION 2$", config_site, flags=re.MULTILINE)
    threads = re.search(r"^#define _LIBCPP_HAS_THREADS 1$", config_site, flags=re.MULTILINE)
    return bool(by_name and threads)
