"""Where the sources of python.wasm's libraries come from: upstream or a mirror, else the distribution."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import download
from hatch_wasi.sources import archive
from hatch_wasi.sources.original import Originals

__all__ = ["LibrarySource", "find", "version_of"]

# The header that tells a library's version, and how.
VERSIONS = {
    "zlib": ("zlib.h", r'^#define ZLIB_VERSION "([\d.]+)'),
    "bz2": ("bzlib_private.h", r'^#define BZ_VERSION  "([\d.]+)'),
    "lzma": ("src/liblzma/api/lzma/version.h", r"^#define LZMA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)"),
    "sqlite3": ("sqlite3.h", r'^#define SQLITE_VERSION  +"([\d.]+)"'),
    "zstd": ("lib/zstd.h", r"^#define ZSTD_VERSION_(?:MAJOR|MINOR|RELEASE) +(\d+)"),
}


@dataclass(frozen=True, kw_only=True)
class LibrarySource:
    """A library's sources, verified."""

    path: Path
    """An archive with one top folder."""
    version: str
    origin: str
    """Where it came from, for the manifest; never a path of this machine."""
    sha256: str

    def unpack(self, folder: Path) -> None:
        """Put a fresh copy of the tree at `folder`."""
        archive.unpack(self.path, folder)


def version_of(name: str, archived: Path) -> str:
    """Read the version of the library `name` in its source archive. Raises `FetchError` if it tells none."""
    header, pattern = VERSIONS[name]
    text = archive.read_member(archived, header).decode("utf-8", "replace")
    found = re.findall(pattern, text, flags=re.MULTILINE)
    if not found:
        message = f"{archived}: {header} tells no version of {name}"
        raise FetchError(message)
    return ".".join(found)


def find(cache: Cache, console: Console, name: str, originals: Originals) -> LibrarySource:
    """Give the sources of the library `name`, a table of pins.toml.

    Raises `ToolchainError` with every source's reason.
    """
    pin = pins.table("library")[name]
    try:
        path = download(cache, pin["urls"], sha256=pin["sha256"])
        return LibrarySource(path=path, version=pin["version"], origin=pin["urls"][0], sha256=pin["sha256"])
    except FetchError as error:
        console.detail(f"{name} from upstream: {error.message}")
        upstream = error.message

    def accept(path: Path, sha256: str, origin: str) -> LibrarySource:
        version = version_of(name, path)
        if Version(version) < Version(pin["oldest"]):
            message = f"{name} {version} is older than {pin['oldest']}"
            raise FetchError(message)
        return LibrarySource(path=path, version=version, origin=origin, sha256=sha256)

    try:
        return originals.find(pin["package"], accept)
    except (FetchError, ToolchainError) as error:
        message = f"no source of the library {name}: upstream: {upstream}; distribution: {error.message}"
        raise ToolchainError(
            message, hint=f"put {pin['urls'][0]} into a folder and set HATCH_WASI_MIRROR to the folder"
        ) from error
