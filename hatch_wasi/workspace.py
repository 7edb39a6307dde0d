"""Where a cache entry is being made: steps that a kill cannot undo, and the seal that makes a tree an entry."""

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from hatch_wasi import contents
from hatch_wasi.errors import CacheError

__all__ = ["MANIFEST", "Workspace", "is_plain", "private_folders", "remove", "replace_file", "seal"]

MANIFEST = "manifest.json"
ELSEWHERE = "elsewhere"
"""In the folder of an entry that is being made: a link to where `scratch` is, if that is not here."""
PLAIN = re.compile(rb"[A-Za-z0-9_./+-]+")

PLACES = (Path("/var/tmp"), Path("/tmp"))
"""Where `scratch` may be else, after TMPDIR; the first is mostly a disk and the second memory."""


def is_plain(folder: Path) -> bool:
    """Tell whether shells, make and configure take the folder's name for one word and nothing else."""
    return PLAIN.fullmatch(os.fsencode(folder)) is not None


def private_folders() -> Iterator[Path]:
    """Yield folders for temporary files that this user alone may read, in the order of preference; create them."""
    said = os.environ.get("TMPDIR")
    for place in (*([Path(said)] if said else []), *PLACES):
        private = place / f"hatch-wasi-{os.getuid()}"
        if not place.is_absolute():
            continue
        with suppress(OSError):
            private.mkdir(mode=0o700, exist_ok=True)
            found = private.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
                yield private


def _elsewhere(folder: Path) -> Path:
    """Return the private folder, always the same, that serves `folder` where its name is not plain.

    Raises `CacheError` if there is none with a plain name.
    """
    for private in filter(is_plain, private_folders()):
        return private / hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    message = (
        f"nothing can be built in {folder}: configure and make only bear letters of ASCII, digits and _./+- in names"
    )
    raise CacheError(message, hint="set TMPDIR, or HATCH_WASI_CACHE_DIR, to a folder with such a name")


def remove(folder: Path) -> None:
    """Remove the folder of an entry that was being made, and what it has elsewhere; what cannot be removed stays."""
    with suppress(OSError):
        elsewhere = (folder / ELSEWHERE).readlink()
        if elsewhere.parent.name == f"hatch-wasi-{os.getuid()}":
            shutil.rmtree(elsewhere, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def replace_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Workspace:
    """Where an entry is being made: `tree` becomes the entry, `scratch` is thrown away; both outlive a killed build.

    configure and make do not bear spaces in the names of folders: where `folder` has any, `scratch` is elsewhere.
    """

    def __init__(self, folder: Path, log: Path, hold: int) -> None:
        """Use `folder`; `hold` is a locked file descriptor for the programs that build.

        Raises `CacheError` if there is no place for `scratch`.
        """
        base = folder if is_plain(folder) else _elsewhere(folder)
        self.tree = folder / "tree"
        self.scratch = base / "scratch"
        self._stamps = base / "steps"
        self._log = log
        self.hold = (hold,)
        if self._stamps.is_dir() and not self.tree.is_dir():
            # Killed right after the tree became the entry: the stamps tell of what is not here any more.
            shutil.rmtree(base)
        for path in (self.tree, self.scratch, self._stamps):
            path.mkdir(parents=True, exist_ok=True)
        if base != folder:
            link = folder / ELSEWHERE
            link.unlink(missing_ok=True)
            link.symlink_to(base)

    def plain(self, folder: Path) -> Path:
        """Give a name of `folder` that configure and make bear: its own, or that of a link in `scratch`."""
        if is_plain(folder):
            return folder
        link = self.scratch / "names" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder)
        return link

    def log(self, step: str) -> Path:
        """Name the log file of `step`."""
        return self._log.with_name(f"{self._log.name}-{step}.log")

    def done(self, step: str) -> bool:
        """Tell whether `step` was finished, by this process or one before it."""
        return (self._stamps / step).is_file()

    def once(self, step: str, work: Callable[[], object]) -> None:
        """Do `work` unless `step` is done; whatever `work` leaves when killed, it must be able to start over from."""
        if not self.done(step):
            work()
            replace_file(self._stamps / step, b"")

    def publish_to(self, entry: Path, manifest: Mapping[str, object]) -> None:
        """Write the manifest and the list of contents, and make the tree the entry by one rename."""
        seal(self.tree, manifest)
        self.tree.rename(entry)


def seal(tree: Path, manifest: Mapping[str, object]) -> None:
    """Make `tree` ready to be an entry: modes, manifest, list of contents."""
    for name in (MANIFEST, contents.NAME):
        for begun in tree.glob(f".{name}.*"):
            begun.unlink()  # left by whoever was killed while sealing; it would be sealed in
    text = json.dumps({**manifest, contents.MARK: contents.NAME}, indent=2, sort_keys=True) + "\n"
    replace_file(tree / MANIFEST, text.encode())
    contents.settle(tree)
    replace_file(tree / contents.NAME, contents.text(contents.scan(tree)).encode())
