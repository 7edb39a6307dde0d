"""The libraries that python.wasm has: side modules are compiled with their headers and linked with nothing."""

import json
from pathlib import Path

from hatch_wasi.wasi_python import WasiPython

__all__ = ["NAMES", "include", "provided"]

# By the names of their sources (pins.toml): what linkers and pkg-config call them.
NAMES = {
    "zlib": ("z", "zlib"),
    "bz2": ("bz2", "bzip2"),
    "lzma": ("lzma", "liblzma"),
    "sqlite3": ("sqlite3", "sqlite3"),
    "zstd": ("zstd", "libzstd"),
}


def provided(python: WasiPython) -> dict[str, str]:
    """Return the libraries whose archives and headers `python` has, by the linker's names, and their versions."""
    static = python.root / "static"
    if not (static / "include").is_dir():
        return {}
    manifest = json.loads((python.root / "manifest.json").read_text(encoding="utf-8"))
    known = manifest.get("inputs", {}).get("libraries", {})
    found = {NAMES[name][0]: str(about["version"]) for name, about in known.items() if name in NAMES}
    return {name: version for name, version in found.items() if (static / f"lib{name}.a").is_file()}


def include(python: WasiPython) -> Path | None:
    """Return the folder of their headers; None if `python` has none of them."""
    folder = python.root / "static" / "include"
    return folder if folder.is_dir() else None
