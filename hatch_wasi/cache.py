"""The cache: immutable entries that appear whole or not at all, made under a lock by whoever comes first.

An entry is built in a sibling folder that survives a killed build, so that the next attempt goes on where it ended;
the list of its contents and its `manifest.json` are written last and one rename publishes it. Whoever finds no
manifest finds nothing.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import platformdirs

from hatch_wasi import contents, disk
from hatch_wasi.contents import Damage
from hatch_wasi.errors import CacheError, HatchWasiError
from hatch_wasi.workspace import MANIFEST, Workspace, remove, replace_file

__all__ = ["MANIFEST", "Cache", "Workspace", "digest", "hold", "replace_file", "usual_umask"]

# https://bford.info/cachedir/: backup programs leave such folders out, and nothing else is ever cleaned.
CACHEDIR_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by hatch-wasi; everything here can be made again.\n"
# What says that a folder, or its disk, is closed to us.
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG)


def digest(value: object) -> str:
    """Give 12 hex digits that stand for a JSON-serializable `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Cache:
    """One folder for all environments and projects of a user."""

    def __init__(self, root: Path | None = None, *, data: Path | None = None) -> None:
        """Use `root`, else `HATCH_WASI_CACHE_DIR`, else the user's cache folder; nothing is created yet.

        `data` (else `HATCH_WASI_DATA_DIR`, else the user's data folder) holds what people install: it is theirs.
        """
        chosen = root or _from_environment("HATCH_WASI_CACHE_DIR") or platformdirs.user_cache_path("hatch-wasi")
        self.root = Path(chosen).absolute()
        kept = data or _from_environment("HATCH_WASI_DATA_DIR") or platformdirs.user_data_path("hatch-wasi")
        self.data = Path(kept).absolute()

    def folder(self, name: str) -> Path:
        """Give the subfolder `name`, made if need be."""
        path = self.root / name
        try:
            with usual_umask():
                path.resolve().mkdir(parents=True, exist_ok=True)  # it may be a link to what is not there yet
            tag = self.root / "CACHEDIR.TAG"
            if not tag.exists():
                replace_file(tag, CACHEDIR_TAG.encode())
        except OSError as error:
            raise self.explain(error) from error
        return path

    def find(self, kind: str, name: str) -> Path | None:
        """Give the complete entry `name` of `kind` (`sdk`, `python`), if there is one."""
        entry = self.root / kind / name
        return entry if self._is_complete(entry) else None

    def entries(self, kind: str) -> list[Path]:
        """List the complete entries of `kind`, newest first."""
        found = (path.parent for path in (self.root / kind).glob(f"*/{MANIFEST}"))
        complete = [entry for entry in found if not entry.name.startswith(".") and self._is_complete(entry)]
        return sorted(complete, key=lambda entry: (entry / MANIFEST).stat().st_mtime, reverse=True)

    def remains(self, kind: str) -> list[Path]:
        """List what looks like an entry of `kind` and is none: its manifest is missing or not what was written."""
        marks = (MANIFEST, contents.NAME)
        folders = {path.parent for mark in marks for path in (self.root / kind).glob(f"*/{mark}")}
        return sorted(path for path in folders if not path.name.startswith(".") and not self._is_genuine(path))

    def _is_genuine(self, entry: Path) -> bool:
        """Tell whether the manifest is the listed one, where there is a list that can be read."""
        try:
            listed = contents.read(entry).get(MANIFEST)
        except (OSError, ValueError):
            listed = None
        return self._is_complete(entry) and (listed is None or contents.is_same(entry / MANIFEST, listed))

    def _is_complete(self, entry: Path) -> bool:
        try:
            self.manifest(entry)
        except CacheError:
            return False
        return True

    def manifest(self, entry: Path) -> dict[str, object]:
        """Read an entry's manifest: every input it was made from."""
        try:
            content = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            message = f"{entry / MANIFEST} cannot be read: {error}"
            raise CacheError(message, hint=f"remove {entry} and run the command again") from error
        if not isinstance(content, dict):
            message = f"{entry / MANIFEST} is not a JSON object"
            raise CacheError(message, hint=f"remove {entry} and run the command again")
        return content

    def make(
        self,
        kind: str,
        name: str,
        build: Callable[[Workspace], Mapping[str, object]],
        *,
        tell: Callable[[str], None] | None = None,
    ) -> Path:
        """Give the entry `name`, building it if it is not there; of many callers at once one builds, the rest wait.

        `build` fills the workspace's tree and returns the manifest; `tell` is told when there is something to wait
        for. Raises `CacheError` if the cache cannot be written or its disk is full, and whatever `build` raises.
        """
        entry = self.root / kind / name
        if self.find(kind, name):
            self.sweep(entry)
            return entry
        with self.lock(f"{kind}-{name}", tell=tell):
            if self.find(kind, name):
                return entry
            with self._workspace(kind, name, tell) as (partial, held):
                workspace = Workspace(partial, self.folder("logs") / f"{kind}-{name}", held)
                manifest = build(workspace)
                self.discard(entry)
                workspace.publish_to(entry, manifest)
                # Its stamps must not outlive what they tell of.
                self.discard(partial)
        return entry

    def adopt(self, kind: str, name: str, tree: Path) -> None:
        """Make the sealed `tree` the entry `name`, in the place of one that may be there; `tree` is gone then."""
        with self.lock(f"{kind}-{name}"), self._workspace(kind, name, None) as (partial, _):
            self.discard(partial)
            # Beside the entry first: `tree` may be on another disk, and a copy can be cut off.
            shutil.move(tree, partial)
            os.utime(partial / MANIFEST)  # newest first, counted from now
            self.discard(self.root / kind / name)
            partial.rename(self.root / kind / name)

    def damages(self, entry: Path) -> list[Damage] | None:
        """Compare an entry with the list of its contents; None if it never had one (an earlier version made it)."""
        try:
            return contents.check(entry)
        except FileNotFoundError:
            with suppress(CacheError):
                if contents.MARK not in self.manifest(entry):
                    return None
            return [Damage(contents.NAME, "missing")]
        except ValueError:
            return [Damage(contents.NAME, "changed")]

    def mend(self, entry: Path) -> list[Damage]:
        """Check an entry and leave it whole or not at all; gives the damage that was found."""
        if not self.damages(entry):
            return []
        with self.lock(f"{entry.parent.name}-{entry.name}"):
            found = self.damages(entry) or []
            try:
                if found and not contents.tidy(entry, found):
                    self.discard(entry)
            except OSError as error:
                raise self.explain(error) from error
        return found

    def sweep(self, entry: Path) -> None:
        """Remove what a kill left of an entry's making or of the removal of another; quick if there is nothing."""
        names = [f"{prefix}{entry.name}" for prefix in (".partial-", ".removed-", ".removed-partial-")]
        left = [entry.with_name(name) for name in names if entry.with_name(name).exists()]
        if left:
            with suppress(CacheError, OSError), self.lock(f"{entry.parent.name}-{entry.name}"):
                for folder in left:
                    self.discard(folder)

    def discard(self, folder: Path) -> None:
        """Remove an entry, if it is there: out of sight by one rename first, so that no part is ever taken for it."""
        unseen = folder.with_name(f".removed-{folder.name.removeprefix('.').removeprefix('removed-')}")
        remove(unseen)
        if folder != unseen and folder.exists():
            folder.rename(unseen)
            remove(unseen)

    @contextmanager
    def _workspace(self, kind: str, name: str, tell: Callable[[str], None] | None) -> Iterator[tuple[Path, int]]:
        """Give the folder in which the entry is made and what holds it; errors of the disk become `CacheError`."""
        # Resolved: programs that ask for the working directory get it so, and the entry must name neither.
        partial, busy = self.folder(kind).resolve() / f".partial-{name}", self.folder("locks") / f"{kind}-{name}.busy"
        try:
            with usual_umask(), hold(busy, tell=tell) as held:
                yield partial, held
        except OSError as error:
            raise self.explain(error) from error
        except HatchWasiError as error:
            if disk.is_full(error):
                raise self.explain(error) from error
            raise

    @contextmanager
    def lock(self, name: str, *, tell: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the cache's lock `name` while the block runs; `tell` is told if somebody else holds it."""
        lock = filelock.FileLock(self.folder("locks") / f"{name}.lock")
        try:
            with usual_umask():
                if tell is not None:
                    with suppress(filelock.Timeout):
                        lock.acquire(timeout=0)
                    if not lock.is_locked:
                        tell(f"Waiting for another hatch-wasi, which is making {name}")
                if not lock.is_locked:
                    lock.acquire()
        except OSError as error:
            raise self.explain(error) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def idle(self, kind: str, name: str) -> Iterator[bool]:
        """Keep others from making the entry `name` of `kind` while the block runs; False if somebody is making it."""
        locks = self.folder("locks")
        lock = filelock.FileLock(locks / f"{kind}-{name}.lock")
        with usual_umask(), (locks / f"{kind}-{name}.busy").open("w") as busy:
            try:
                lock.acquire(timeout=0)
                fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)  # programs of a build that was cut off hold it
            except (filelock.Timeout, BlockingIOError):
                lock.release()
                yield False
                return
            try:
                yield True
            finally:
                lock.release()

    def explain(self, error: Exception) -> CacheError:
        """Say what is wrong with the cache's folder or disk, and what helps."""
        if disk.is_full(error):
            return disk.full(error, self.root)
        number = error.errno if isinstance(error, OSError) else None
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        place = error.filename if isinstance(error, OSError) and error.filename else self.root
        where = "" if place == self.root else f" ({place})"
        if number in CLOSED:
            message = f"the cache {self.root} cannot be written: {reason}{where}"
            return CacheError(message, hint="make it writable, or set HATCH_WASI_CACHE_DIR to a folder that is")
        message = f"an entry of the cache {self.root} cannot be made: {reason}{where}"
        return CacheError(message, hint="run the command again; if that does not help, `hatch-wasi clean` first")


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser() if value else None


@contextmanager
def usual_umask() -> Iterator[None]:
    """Let what is made here be readable by whoever may use the cache, and by this user, whatever umask is set."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def hold(path: Path, *, tell: Callable[[str], None] | None = None) -> Iterator[int]:
    """Lock the file `path`, made if need be, through a descriptor that programs inherit (`process.run(hold=…)`).

    A killed build leaves its compilers running for a moment. They hold this lock too (flock belongs to the open file,
    not to the process), so the next build waits for them before it goes on in their folder; `tell` is told so.
    Raises `OSError`.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if tell is not None:
                tell("Waiting for the programs of a build that was cut off to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
