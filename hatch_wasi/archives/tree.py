"""Write the members of an archive below one folder: never through a link, and links last.

The check does not rely on the file system. Links are not made before all files are written, and each is followed by
name through the other members first: the file system's own answer fails for paths that are too long for it.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hatch_wasi.archives import limits
from hatch_wasi.archives.names import Refusal, parts_of
from hatch_wasi.archives.tar_reader import Kind

__all__ = ["Tree"]

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree:
    """A folder that is being filled. Names are relative to it, and checked again."""

    def __init__(self, root: Path) -> None:
        """Fill the folder `root`, which is empty."""
        self._root = root
        self._kinds: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._hard_links: dict[str, str] = {}
        self._open: list[tuple[str, int]] = []
        self._steps = 0

    def __enter__(self) -> Self:
        """Begin. Raises `OSError`, as everything here."""
        self._descriptor = os.open(self._root, FOLDER_FLAGS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the links, if all is well."""
        try:
            if error is None:
                self._finish()
        finally:
            self._leave(0)
            os.close(self._descriptor)

    def is_file(self, name: str) -> bool:
        """Tell whether `name` was written as a file."""
        return self._kinds.get(name) == Kind.FILE

    def folder(self, name: str) -> None:
        """Make a folder, and those above it. Raises `Refusal`."""
        parts = parts_of(name)
        self._claim("/".join(parts), Kind.FOLDER)
        self._enter(parts)

    def file(self, name: str, content: Iterable[bytes], *, mode: int = 0o644, mtime: float = 0) -> None:
        """Write a file; one of the same name is replaced, as by tar. `mtime` 0 means now. Raises `Refusal`."""
        *above, last = parts_of(name)
        again = self._claim("/".join([*above, last]), Kind.FILE)
        parent = self._enter(above)
        if again:
            os.unlink(last, dir_fd=parent)
        with os.fdopen(os.open(last, FILE_FLAGS, 0o600, dir_fd=parent), "wb") as file:
            for chunk in content:
                file.write(chunk)
            file.flush()
            # As tarfile's `data` filter: nothing that others may write; executable for all users or for none.
            os.fchmod(file.fileno(), (mode & 0o755 if mode & 0o100 else mode & 0o644) | 0o600)
            if mtime:
                os.utime(file.fileno(), (mtime, mtime))

    def link(self, name: str, target: str) -> None:
        """Note a symbolic link, to be made last. Raises `Refusal`."""
        self._note(self._links, name, Kind.LINK, target)

    def hard_link(self, name: str, target: str) -> None:
        """Note a second name of the file `target`, to be made last. Raises `Refusal`."""
        self._note(self._hard_links, name, Kind.HARD_LINK, "/".join(parts_of(target)))

    def _note(self, links: dict[str, str], name: str, kind: str, target: str) -> None:
        path = "/".join(parts_of(name))
        self._claim(path, kind)
        links[path] = target
        if len(self._links) + len(self._hard_links) > limits.LINKS:
            message = f"it has more than the {limits.LINKS:,} links that are accepted"
            raise Refusal(message)

    def _claim(self, path: str, kind: str) -> bool:
        """Note what `path` is, and that what is above it are folders; tell whether that was known before."""
        above = path
        while above := above.rpartition("/")[0]:
            if (known := self._kinds.get(above, "")) == Kind.FOLDER:
                break  # and so is all above it
            if known:
                message = f"{path[:200]!r} is below {above[:200]!r}, which is a {known}"
                raise Refusal(message)
            self._kinds[above] = Kind.FOLDER
        known = self._kinds.setdefault(path, "")
        if known and (known != kind or kind in (Kind.LINK, Kind.HARD_LINK)):
            message = f"{path[:200]!r} is there twice, as a {known} and as a {kind}"
            raise Refusal(message)
        self._kinds[path] = kind
        return bool(known)

    def _enter(self, parts: list[str]) -> int:
        """Return a descriptor of a folder, which is made if it is not there; it is open until the next call."""
        common = 0
        while common < min(len(parts), len(self._open)) and self._open[common][0] == parts[common]:
            common += 1
        self._leave(common)
        for part in parts[common:]:
            parent = self._current()
            with suppress(FileExistsError):  # opening it tells whether it is a folder
                os.mkdir(part, dir_fd=parent)
            self._open.append((part, os.open(part, FOLDER_FLAGS, dir_fd=parent)))
        return self._current()

    def _current(self) -> int:
        return self._open[-1][1] if self._open else self._descriptor

    def _leave(self, depth: int) -> None:
        while len(self._open) > depth:
            os.close(self._open.pop()[1])

    def _finish(self) -> None:
        for path, target in self._hard_links.items():
            source = self._file_of(path, target)
            *above, last = source.split("/")
            origin = os.dup(self._enter(above))
            try:
                *above, name = path.split("/")
                os.link(last, name, src_dir_fd=origin, dst_dir_fd=self._enter(above), follow_symlinks=False)
            finally:
                os.close(origin)
        for path, target in self._links.items():
            self._check_link(path, target)
            *above, name = path.split("/")
            os.symlink(target, name, dir_fd=self._enter(above))

    def _file_of(self, path: str, target: str) -> str:
        """Follow hard links to a file that was written."""
        for _ in range(limits.LINK_HOPS):
            if self.is_file(target):
                return target
            if target not in self._hard_links:
                break
            target = self._hard_links[target]
        message = f"{path[:200]!r} is a hard link to {target[:200]!r}, which is no file before it"
        raise Refusal(message)

    def _check_link(self, path: str, target: str) -> None:
        """Raise `Refusal` unless the link `path` stays inside, whatever links it leads through."""
        if len(os.fsencode(target)) > limits.PATH or "\0" in target or not target:
            message = f"the link {path[:200]!r} has no target that is accepted"
            raise Refusal(message)
        place = path.split("/")[:-1]
        waiting = target.split("/")[::-1]
        hops = 0
        if target.startswith("/"):
            self._leads_out(path, target)
        while waiting:
            part = waiting.pop()
            self._steps += 1
            if part == "..":
                if not place:
                    self._leads_out(path, target)
                place.pop()
            elif part not in ("", "."):
                place.append(part)
                if (further := self._links.get("/".join(place))) is not None:
                    hops += 1
                    if hops > limits.LINK_HOPS or further.startswith("/"):
                        self._leads_out(path, target)
                    place.pop()
                    waiting.extend(further.split("/")[::-1])
            if len(place) > limits.DEPTH or self._steps > limits.LINK_STEPS:
                message = "its links lead through too many folders and other links"
                raise Refusal(message)

    def _leads_out(self, path: str, target: str) -> None:
        message = f"the link {path[:200]!r} to {target[:200]!r} leads out of the archive, or in a circle"
        raise Refusal(message)
