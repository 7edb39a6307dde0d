"""Where CPython's sources come from: a local archive or tree, a mirror or python.org, the distribution's package."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import download, sha256_of
from hatch_wasi.pins import CPythonPin
from hatch_wasi.sources import archive
from hatch_wasi.sources.original import Originals

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
    short = pin.short_version
    if local := os.environ.get(VARIABLE):
        return _local(Path(local).expanduser().absolute(), short)
    reasons = []
    for name, ask in (("upstream", _upstream), ("distribution", _distribution)):
        try:
            return ask(cache, console, pin)
        except (FetchError, ToolchainError) as error:
            console.detail(f"CPython from {name}: {error.message}")
            reasons.append(f"{name}: {error.message}")
    message = f"no source of CPython {short}: " + "; ".join(reasons)
    hint = f"download Python-{short}.x.tar.xz from python.org and set {VARIABLE} to the file"
    if pin.url:
        hint = f"download {pin.url} and set {VARIABLE} to the file, or HATCH_WASI_MIRROR to its folder"
    raise ToolchainError(message, hint=hint)


def _upstream(cache: Cache, console: Console, pin: CPythonPin) -> Source:
    if not pin.url:
        message = f"no release of {pin.short_version} is pinned"
        raise FetchError(message)
    with console.step(f"Fetching CPython {pin.version}"):
        path = download(cache, [pin.url], sha256=pin.sha256, console=console)
    return Source(path=path, version=pin.version, origin=pin.url, sha256=pin.sha256)


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


def _distribution(cache: Cache, console: Console, pin: CPythonPin) -> Source:
    """Ask for a source package; its original archive is upstream's."""

    def accept(path: Path, sha256: str, origin: str) -> Source:
        version = version_of(archive.read_member(path, PATCHLEVEL).decode("utf-8", "replace"))
        return Source(path=path, version=version, origin=origin, sha256=sha256)

    with console.step(f"Fetching the distribution's source of CPython {pin.short_version}"):
        return Originals(cache).find(f"python{pin.short_version}", accept)
