"""The folder of a site: files appear in it whole, and nothing is replaced or removed that was not made here."""

import filecmp
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi.errors import SiteError
from hatch_wasi.index import pages, simple_json
from hatch_wasi.index.state import Made, State

__all__ = ["HIDDEN", "Piece", "SiteFolder"]

HIDDEN = ".hatch-wasi-index"
"""Holds what is known of the site, and the file that is being written."""
MARKS = {".html": pages.MARK.encode(), ".json": simple_json.MARK.encode()}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A file that is to be there."""

    key: str
    """Stands for everything that it is made from."""
    make: Callable[[Path], None]
    """Writes it to a path, where nothing is."""
    sha256: str = ""
    """In hex, where it is known before."""


class SiteFolder:
    """The folder at `root`, held by one process at a time."""

    def __init__(self, root: Path) -> None:
        """Read what an earlier run left in `root`, which need not be there."""
        self.root = root
        self._file = root / HIDDEN / "state.json"
        self._new = root / HIDDEN / "new"
        found = State.from_file(self._file)
        self.known = found or State({}, {name: Made("") for name in self._marked()})

    def _marked(self) -> Iterable[str]:
        for path in sorted({*self.root.glob("index.html"), *self.root.glob("simple/**/index.*")}):
            if _is_ours(path):
                yield path.relative_to(self.root).as_posix()

    def check(self, plan: Mapping[str, Piece]) -> None:
        """Check that no file of `plan` would replace somebody else's. Raises `SiteError`."""
        for name, piece in plan.items():
            path = self.root / name
            if name in self.known.made or not os.path.lexists(path):
                continue
            if not _is_ours(path) and not (piece.sha256 and _has(path, piece.sha256)):
                message = f"{path} is there and is not of an index"
                raise SiteError(message, hint="move it away, or choose another folder by -o")

    def update(self, plan: dict[str, Piece], state: State) -> int:
        """Make the files of `plan`, in its order, then remove those of earlier runs; give how many were made.

        `state` is filled in and kept. Whoever is killed leaves the old file or the new one, and a list of both.
        Raises `OSError` and what making raises.
        """
        before = self.known.made
        self._new.parent.mkdir(parents=True, exist_ok=True)
        fresh = [name for name in plan if name not in before]
        if fresh:
            self._keep(State(state.entries, {**before, **{name: Made("") for name in fresh}}, state.source))
        count = 0
        for name, piece in plan.items():
            made, path = before.get(name), self.root / name
            if made is None or made.key != piece.key or not made.is_at(path):
                count += self._place(path, piece)
                status = path.stat()
                made = Made(piece.key, status.st_size, status.st_mtime_ns)
            state.made[name] = made
        for name in sorted(before.keys() - plan.keys()):
            self._remove(self.root / name)
        if fresh or state != self.known:
            self._keep(state)
        self._new.unlink(missing_ok=True)
        self.known = state
        return count

    def _place(self, path: Path, piece: Piece) -> bool:
        """Make the file at `path`; give False if it was the same already."""
        self._new.unlink(missing_ok=True)
        piece.make(self._new)
        if path.is_file() and not path.is_symlink() and filecmp.cmp(path, self._new, shallow=False):
            return False
        try:
            self._new.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True)
            self._new.replace(path)
        return True

    def _keep(self, state: State) -> None:
        self._new.write_text(state.text(), encoding="utf-8")
        self._new.replace(self._file)

    def _remove(self, path: Path) -> None:
        """Remove a file that was made, or was about to be, and folders that are empty then."""
        if not path.is_dir():
            path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root or (folder.exists() and any(folder.iterdir())):
                break
            if folder.exists():
                folder.rmdir()


def _is_ours(path: Path) -> bool:
    """Tell whether the file at `path` begins as a page of ours does."""
    mark = MARKS.get(path.suffix)
    if mark is None or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _has(path: Path, sha256: str) -> bool:
    """Tell whether the file at `path` is there and is that of `sha256`."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
