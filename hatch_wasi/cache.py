"""The cache: immutable entries that appear whole or not at all, made under a lock by whoever comes first.

An entry is built in a sibling folder that survives a killed build, so that the next attempt goes on where it ended;
its `manifest.json` is written last and one rename publishes it. Whoever finds no manifest finds nothing.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import platformdirs

from hatch_wasi.errors import CacheError

__all__ = ["Cache", "Workspace", "digest", "replace_file"]

MANIFEST = "manifest.json"
# https://bford.info/cachedir/: backup programs leave such folders out, and nothing else is ever cleaned.
CACHEDIR_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by hatch-wasi; everything here can be made again.\n"


def digest(value: object) -> str:
    """Give 12 hex digits that stand for a JSON-serializable `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


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
    """Where an entry is being made: `tree` becomes the entry, `scratch` is thrown away; both outlive a killed build."""

    def __init__(self, folder: Path, log: Path, hold: int) -> None:
        """Use `folder`; `hold` is a locked file descriptor for the programs that build."""
        self.tree = folder / "tree"
        self.scratch = folder / "scratch"
        self._stamps = folder / "steps"
        self._log = log
        self.hold = (hold,)
        for path in (self.tree, self.scratch, self._stamps):
            path.mkdir(parents=True, exist_ok=True)

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
        """Write the manifest and make the tree the entry by one rename."""
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        replace_file(self.tree / MANIFEST, text.encode())
        entry.parent.mkdir(parents=True, exist_ok=True)
        self.tree.rename(entry)


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
            path.mkdir(parents=True, exist_ok=True)
            tag = self.root / "CACHEDIR.TAG"
            if not tag.exists():
                replace_file(tag, CACHEDIR_TAG.encode())
        except OSError as error:
            raise self._unwritable(error) from error
        return path

    def find(self, kind: str, name: str) -> Path | None:
        """Give the complete entry `name` of `kind` (`sdk`, `python`), if there is one."""
        entry = self.root / kind / name
        return entry if (entry / MANIFEST).is_file() else None

    def entries(self, kind: str) -> list[Path]:
        """List the complete entries of `kind`, newest first."""
        found = [
            path.parent for path in (self.root / kind).glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")
        ]
        return sorted(found, key=lambda entry: (entry / MANIFEST).stat().st_mtime, reverse=True)

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
        for. Raises `CacheError` if the cache cannot be written, and whatever `build` raises.
        """
        entry = self.root / kind / name
        if self.find(kind, name):
            return entry
        with self.lock(f"{kind}-{name}", tell=tell):
            if self.find(kind, name):
                return entry
            partial = self.folder(kind) / f".partial-{name}"
            with _held(self.folder("locks") / f"{kind}-{name}.busy", tell) as hold:
                workspace = Workspace(partial, self.folder("logs") / f"{kind}-{name}", hold)
                manifest = build(workspace)
                if entry.exists():
                    shutil.rmtree(entry)
                workspace.publish_to(entry, manifest)
            shutil.rmtree(partial, ignore_errors=True)
        return entry

    @contextmanager
    def lock(self, name: str, *, tell: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the cache's lock `name` while the block runs; `tell` is told if somebody else holds it."""
        lock = filelock.FileLock(self.folder("locks") / f"{name}.lock")
        try:
            if tell is not None:
                with suppress(filelock.Timeout):
                    lock.acquire(timeout=0)
                if not lock.is_locked:
                    tell(f"Waiting for another hatch-wasi, which is making {name}")
            if not lock.is_locked:
                lock.acquire()
        except PermissionError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _unwritable(self, error: OSError) -> CacheError:
        return CacheError(
            f"the cache {self.root} cannot be written: {error.strerror or error}",
            hint="make it writable, or set HATCH_WASI_CACHE_DIR to a folder that is",
        )


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser() if value else None


@contextmanager
def _held(path: Path, tell: Callable[[str], None] | None) -> Iterator[int]:
    """Lock `path` through a descriptor that programs inherit (`process.run(hold=…)`).

    A killed build leaves its compilers running for a moment. They hold this lock too (flock belongs to the open file,
    not to the process), so the next build waits for them before it goes on in their folder.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if tell is not None:
                tell("Waiting for the programs of a build that was cut off to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
