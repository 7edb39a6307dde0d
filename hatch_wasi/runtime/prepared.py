"""What the last run found out, so that the next begins at once: which Python, which wasmtime, which compiled code.

The file `run.state` is in the private folder of compiled code, a line for each kind of request, newest first. A line
holds as long as every file that it was made from has its stamp: wasmtime's library, python.wasm, its manifest, its
compiled code, and the folder of all Pythons.
"""

from __future__ import annotations

import os

from hatch_wasi.runtime.trust import problem, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Prepared", "recall", "remember"]

NAME = "run.state"
KEPT = 16
FIELDS = ("library", "wasmtime", "root", "version", "wasi_libc", "key", "code")


class Prepared:
    """Everything that is needed to start python.wasm."""

    __slots__ = FIELDS
    library: str
    """wasmtime's library."""
    wasmtime: str
    """Its version."""
    root: str
    """The installed WASI CPython."""
    version: str
    """Its full version, `3.13.5`."""
    wasi_libc: str
    """Identity of its wasi-libc."""
    key: str
    """Its key in the code cache."""
    code: str
    """File of its compiled code; empty if there is none."""

    def __init__(self, *fields: str) -> None:
        """Take the fields in their order above."""
        for name, value in zip(FIELDS, fields, strict=True):
            setattr(self, name, value)

    @property
    def short_version(self) -> str:
        """`3.13`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def soabi(self) -> str:
        """`cpython-313-wasm32-wasi`."""
        return f"cpython-{self.short_version.replace('.', '')}-wasm32-wasi"


def recall(folder: str, request: Sequence[str]) -> Prepared | None:
    """Give what `remember` was told for the same `request`, if it is still true."""
    if problem(folder):
        return None
    try:
        with open(os.path.join(folder, NAME), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except OSError:
        return None
    start = _join(request) + "\t\t"
    for line in lines:
        if line.startswith(start):
            words = line[len(start) :].split("\t")
            fields, watched = words[: len(FIELDS)], words[len(FIELDS) :]
            if all(_stamp(path) == seen for path, seen in zip(watched[::2], watched[1::2], strict=False)):
                return Prepared(*fields)
    return None


def remember(folder: str, request: Sequence[str], prepared: Prepared, watched: Sequence[str]) -> None:
    """Write down that `prepared` answers `request` while the files `watched` stay as they are."""
    paths = (prepared.library, prepared.code, *watched)
    words = [*(getattr(prepared, name) for name in FIELDS), *(word for path in paths for word in (path, _stamp(path)))]
    if any(character in word for word in (*request, *words) for character in "\t\n"):
        return
    start = _join(request) + "\t\t"
    path = os.path.join(folder, NAME)
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(start + "\t".join(words) + "\n")
            file.writelines(_others(path, start)[: KEPT - 1])
        os.replace(temporary, path)
    except OSError:
        return


def _others(path: str, start: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [line for line in file if not line.startswith(start) and line.endswith("\n")]
    except OSError:
        return []


def _join(words: Sequence[str]) -> str:
    return "\t".join(words)


def _stamp(path: str) -> str:
    return ",".join(map(str, stamp(path) or ()))
