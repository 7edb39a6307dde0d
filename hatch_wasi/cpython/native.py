"""make, and a compiler and libraries for the build python: the machine's, or the distribution's, unpacked privately."""

import os
import re
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Cache, Workspace
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ProcessFailed, ToolchainError
from hatch_wasi.fetch import is_offline
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.apt import Apt, installed
from hatch_wasi.sources.machine import Distribution

__all__ = ["NativeTools", "find_make", "from_packages", "own"]

PACKAGES = ("make", "libc6-dev", "zlib1g-dev", "libssl-dev")
# Linked by the build python and not sure to be on the machine that runs it: they travel with it.
TRAVELLING = ("libcrypto.so.*", "libssl.so.*", "libz.so.*", "libzstd.so.*")
PROBE = """\
#include <openssl/ssl.h>
#include <zlib.h>
int main(void) { return !(zlibVersion()[0] && OPENSSL_init_ssl(0, 0)); }
"""


@dataclass(frozen=True, kw_only=True)
class NativeTools:
    """What compiles for the machine itself."""

    cc: tuple[str, ...]
    make: str
    origin: str
    """For the manifest."""
    libraries: tuple[Path, ...] = ()
    """Shared libraries that must go beside the build python."""
    environment: dict[str, str] = field(default_factory=dict)
    configure_options: tuple[str, ...] = ()
    """For the build python."""

    @property
    def variables(self) -> dict[str, str]:
        """Give the environment variables for configure."""
        return {"CC": shlex.join(self.cc), "CPP": shlex.join([*self.cc, "-E"]), **self.environment}


def _own_make() -> str | None:
    return next((name for name in ("make", "gmake") if shutil.which(name)), None)


def find_make(cache: Cache, console: Console, workspace: Workspace) -> str:
    """Name a make: the machine's, or the distribution's package's. Raises `ToolchainError` if there is neither."""
    if make := _own_make():
        return make
    folder, log = workspace.scratch / "make", workspace.log("make")
    if is_offline():
        message = "no make on this machine, and packages cannot be fetched (offline)"
        raise ToolchainError(message, hint="install make")

    def fetch() -> None:
        with cache.lock("apt"):
            machine = Distribution.detect()
            apt = Apt(machine, cache.folder("apt") / machine.codename, log)
            apt.unpack_closure(["make"], folder / "root", without=installed() - {"make"})

    try:
        with console.step("Fetching make from the distribution"):
            workspace.once("fetch-make", fetch)
    except FetchError as error:
        message = f"no make on this machine, and none from the distribution: {error.message}"
        raise ToolchainError(message, hint="install make", log=error.log) from error
    return str(folder / "root" / "usr" / "bin" / "make")


def own() -> NativeTools | None:
    """Give the machine's own tools, if they compile, link and run a program with zlib and OpenSSL."""
    cc = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    make = _own_make()
    if cc is None or make is None:
        return None
    tools = NativeTools(cc=(cc,), make=make, origin="the machine's own compiler")
    return tools if _works(tools) else None


def _works(tools: NativeTools) -> bool:
    with tempfile.TemporaryDirectory(prefix="hatch-wasi-") as name:
        source, program = Path(name, "probe.c"), Path(name, "probe")
        source.write_text(PROBE, encoding="utf-8")
        env = process.base_environment(tools.environment)
        try:
            process.run([*tools.cc, source, "-o", program, "-lssl", "-lcrypto", "-lz"], what="probing cc", env=env)
            search = os.pathsep.join({str(library.parent) for library in tools.libraries})
            process.run([program], what="running a program", env=env | ({"LD_LIBRARY_PATH": search} if search else {}))
        except ProcessFailed:
            return False
    return True


def from_packages(cache: Cache, sdk: WasiSdk, folder: Path, log: Path) -> NativeTools:
    """Unpack make, libc's headers and the libraries below `folder`, to be used by the SDK's own clang and lld.

    No gcc is needed: every clang compiles for its own machine too. Raises `ToolchainError` where there is no apt or
    the SDK's clang is not the distribution's.
    """
    if is_offline() or sys.platform != "linux":
        message = "no C compiler with zlib and OpenSSL headers on this machine, and packages cannot be fetched"
        raise ToolchainError(message, hint="install a C compiler, make and the -dev packages of zlib and OpenSSL")
    root = folder / "root"
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _fetch(cache, folder, log)
        except FetchError as error:
            message = f"no C compiler on this machine, and none from the distribution: {error.message}"
            raise ToolchainError(message, log=error.log) from error
        (folder / "complete").touch()
    triple = next(root.glob("usr/lib/*/crt1.o")).parent.name
    tools = NativeTools(
        cc=(str(sdk.program("clang")), f"--target={triple}", f"--sysroot={root}", "-fuse-ld=lld"),
        make=str(root / "usr" / "bin" / "make"),
        origin="the distribution's packages",
        environment={"AR": str(sdk.program("llvm-ar")), "RANLIB": str(sdk.program("llvm-ranlib"))},
        # configure looks for OpenSSL's headers in the system's folders, whatever the compiler is told.
        configure_options=(f"--with-openssl={root}/usr",),
        libraries=tuple(sorted(path for name in TRAVELLING for path in root.glob(f"**/{triple}/{name}"))),
    )
    if not _works(tools):
        message = "the native compiler of the distribution's packages does not work"
        raise ToolchainError(message, log=log)
    return tools


def _fetch(cache: Cache, folder: Path, log: Path) -> None:
    with cache.lock("apt"):
        machine = Distribution.detect()
        apt = Apt(machine, cache.folder("apt") / machine.codename, log)
        runtimes = [
            name for name in apt.names("libgcc-") if re.fullmatch(r"libgcc-\d+-dev", name) and apt.versions(name)
        ]
        libgcc = max(runtimes, key=lambda name: int(name.split("-")[1]))
        apt.unpack_closure([*PACKAGES, libgcc], folder / "root")
