"""Where CPython's sources come from: a local archive or tree, a mirror or python.org, the distribution's package."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import download, is_offline, sha256_of
from hatch_wasi.pins import CPythonPin
from hatch_wasi.sources import archive
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution

__all__ = ["Source", "find", "version_of"]

VARIABLE = "HATCH_WASI_CPYTHON_SOURCE"
PATCHLEVEL = "Include/patchlevel.h"


@dataclass(frozen=True, kw_only=True)
class Source:
    """CPython's sources, verified."""

    path: Path
    """An archive, or a source tree."""
    version: str
    """Full version, `3.13.5`."""
    origin: str
    """Where it came from, for the manifest; never a path of this machine."""
    sha256: str | None
    """Of the archive; None for a tree."""

    def unpack(self, folder: Path) -> None:
        """Put a fresh copy of the tree at `folder`."""
        if self.path.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            ignored = shutil.ignore_patterns(".git", "cross-build", "__pycache__")
            shutil.copytree(self.path, folder, symlinks=True, ignore=ignored)
        else:
            archive.unpack(self.path, folder)


def version_of(patchlevel: str) -> str:
    """Read the version from the text of Include/patchlevel.h."""
    found = re.search(r'^#define\s+PY_VERSION\s+"([^"+]+)\+?"', patchlevel, flags=re.MULTILINE)
    if not found:
        message = f"{PATCHLEVEL} does not name a version: not CPython's sources"
        raise FetchError(message)
    return found[1]


def find(cache: Cache, console: Console, pin: CPythonPin) -> Source:
    """Give sources for the pinned version, or the distribution's release of the same X.Y.

    Raises `ToolchainError` with every source's reason.
    """
    short = ".".join(pin.version.split(".")[:2])
    if local := os.environ.get(VARIABLE):
        return _local(Path(local).expanduser().absolute(), short)
    reasons = []
    try:
        with console.step(f"Fetching CPython {pin.version}"):
            path = download(cache, [pin.url], sha256=pin.sha256, console=console)
        return Source(path=path, version=pin.version, origin=pin.url, sha256=pin.sha256)
    except FetchError as error:
        console.detail(f"CPython from upstream: {error.message}")
        reasons.append(f"upstream: {error.message}")
    try:
        return _distribution(cache, console, short)
    except (FetchError, ToolchainError) as error:
        reasons.append(f"distribution: {error.message}")
    message = f"no source of CPython {short}: " + "; ".join(reasons)
    raise ToolchainError(
        message, hint=f"download {pin.url} and set {VARIABLE} to the file, or HATCH_WASI_MIRROR to its folder"
    )


def _local(path: Path, short: str) -> Source:
    try:
        if path.is_dir():
            text = (path / PATCHLEVEL).read_text(encoding="utf-8")
        else:
            text = archive.read_member(path, PATCHLEVEL).decode("utf-8", "replace")
        version = version_of(text)
    except (OSError, FetchError) as error:
        message = f"{VARIABLE}={path} is not a CPython source archive or tree: {error}"
        raise ToolchainError(message) from error
    if not version.startswith(f"{short}."):
        message = f"{VARIABLE}={path} is CPython {version}, not {short}"
        raise ToolchainError(message)
    return Source(
        path=path,
        version=version,
        origin="local tree" if path.is_dir() else f"local archive {path.name}",
        sha256=None if path.is_dir() else sha256_of(path),
    )


def _distribution(cache: Cache, console: Console, short: str) -> Source:
    """Ask the machine's suites for a source package, then newer ones; the package's .orig archive is upstream's."""
    if is_offline():
        message = "offline: packages cannot be fetched"
        raise FetchError(message)
    machine = Distribution.detect()
    reasons = []
    with cache.lock("apt"), console.step(f"Fetching the distribution's source of CPython {short}"):
        for suites in (machine, *machine.newer()):
            apt = Apt(suites, cache.folder("apt") / suites.codename, cache.folder("logs") / "apt.log")
            with tempfile.TemporaryDirectory(prefix=".partial-", dir=cache.folder("downloads")) as name:
                try:
                    files = apt.source(f"python{short}", Path(name))
                    original = next(path for path in files if re.search(r"\.orig\.tar\.\w+$", path.name))
                except FetchError as error:
                    reasons.append(f"{suites.codename}: {error.message}")
                    continue
                return _keep(cache, original, suites)
    message = "; ".join(reasons)
    raise FetchError(message)


def _keep(cache: Cache, original: Path, suites: Distribution) -> Source:
    digest = sha256_of(original)
    kept = cache.folder("downloads") / f"{digest}-{original.name}"
    original.replace(kept)
    version = version_of(archive.read_member(kept, PATCHLEVEL).decode("utf-8", "replace"))
    return Source(path=kept, version=version, origin=f"{suites.id} {suites.codename}: {original.name}", sha256=digest)
