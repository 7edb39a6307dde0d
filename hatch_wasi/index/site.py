"""Make a folder of wheels an index: read what is new, decide what is to be there, and let the folder follow."""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from hatch_wasi import __version__, disk
from hatch_wasi.cache import Cache, digest, usual_umask
from hatch_wasi.console import Console, counted
from hatch_wasi.errors import SiteError, UsageError, WheelError
from hatch_wasi.index import pages, simple_json, yanks
from hatch_wasi.index.entry import Entry, read_metadata
from hatch_wasi.index.folder import Piece, SiteFolder
from hatch_wasi.index.project import File, Project, projects
from hatch_wasi.index.state import State

__all__ = ["Report", "Site"]

FORMAT = 1
"""Of the pages: another number makes all of them again."""
KEPT = 1 << 16
"""Bytes of a METADATA that is not read twice."""
THREADS = 4  # hashing and inflating let others run


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run did."""

    wheels: int
    projects: int
    read: int
    """Wheels that were opened."""
    made: int
    """Files that were written."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """An index of the wheels below `source`, in the folder `root`."""

    source: Path
    root: Path
    look: pages.Look
    cache: Cache
    """Holds the lock of `root`."""
    console: Console

    def update(self) -> Report:
        """Bring the index to what `source` holds.

        Raises `WheelError` for a wheel that is damaged and `ConfigError` for a wrong yanked.toml, before anything is
        written; `SiteError` if the site cannot be written or has files of somebody else in the way.
        """
        if not self.source.is_dir():
            message = f"{self.source} is not a folder"
            raise UsageError(message, hint="name the folder that holds the wheels")
        lock = f"index-{digest(str(self.root.resolve()))[0]}"  # one of sixteen, as for folders of installs
        with self.cache.lock(lock, tell=lambda _: self.console.note(f"Waiting for another index of {self.root}")):
            try:
                with usual_umask():
                    return self._update()
            except OSError as error:
                where = error.filename or self.root
                message = f"{where} cannot be written: {error.strerror or error}"
                hint = "make room, and run the command again" if disk.is_full(error) else None
                raise SiteError(message, hint=hint) from error

    def _update(self) -> Report:
        folder = SiteFolder(self.root)
        state = State(source=digest(str(self.source.resolve())))
        known = folder.known.entries if folder.known.source == state.source else {}
        paths = dict(_wheels(self.source, self.root))
        fresh = [name for name, path in paths.items() if not _is_known(known.get(name), path)]
        state.entries = {name: known[name] for name in paths if name in known}
        texts: dict[str, bytes] = {}
        if fresh:
            with self.console.step(f"Reading {len(fresh)} of {counted(len(paths), 'wheel')}"):
                for name, (entry, text) in zip(fresh, self._read([paths[name] for name in fresh]), strict=True):
                    state.entries[name] = entry
                    texts[entry.metadata_sha256] = text
        entries = _distinct({name: state.entries[name] for name in paths})
        if not paths:
            self.console.warn(f"there are no wheels in {self.source}: the index is empty")
        yanked = yanks.Yanks.from_file(self.source / yanks.NAME)
        for key in yanked.idle(entries.values()):
            self.console.warn(f"{yanks.NAME}: {key!r} is no wheel that is here")
        plan, found = self._plan(paths, entries, texts, yanked)
        folder.check(plan)
        made = folder.update(plan, state)
        return Report(wheels=len(entries), projects=len(found), read=len(fresh), made=made)

    def _read(self, paths: Sequence[Path]) -> list[tuple[Entry, bytes]]:
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                return list(pool.map(_entry, paths))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _plan(
        self, paths: dict[str, Path], entries: dict[str, Entry], texts: dict[str, bytes], yanked: yanks.Yanks
    ) -> tuple[dict[str, Piece], list[Project]]:
        """Say what is to be there, in the order in which a reader needs it: files, their pages, the list of pages."""
        plan: dict[str, Piece] = {}
        files = []
        below = {folder: _below(folder, self.root) for folder in {path.parent for path in paths.values()}}
        for name, entry in entries.items():
            path = paths[name]
            folder = below[path.parent]
            if folder is not None:
                place = (folder / path.name).as_posix()
            else:
                # A name that changes with the content: pages that are read meanwhile never mean another file.
                place = f"files/{entry.sha256[:16]}/{entry.filename}"
                plan[place] = Piece(key=entry.sha256, make=partial(_copy, path, entry), sha256=entry.sha256)
            known = entry.metadata_sha256
            text = texts.get(known)
            plan[f"{place}.metadata"] = Piece(key=known, make=partial(_metadata, path, entry, text), sha256=known)
            url = "../../" + quote(os.fsencode(place))
            files.append(File(entry=entry, url=url, yanked=yanked.reason(entry)))
        found = projects(files)
        look = asdict(self.look)
        for project in found:
            key = digest([FORMAT, __version__, look, *map(_identity, project.files)])
            where = f"simple/{project.key}"
            plan[f"{where}/index.json"] = Piece(key=key, make=partial(_project_json, project))
            plan[f"{where}/index.html"] = Piece(key=key, make=partial(_project_page, project, self.look))
        key = digest([FORMAT, __version__, look, *map(_identity, files)])
        plan["simple/index.json"] = Piece(key=key, make=partial(_root_json, found))
        plan["simple/index.html"] = Piece(key=key, make=partial(_root_page, found, self.look))
        plan["index.html"] = Piece(key=key, make=partial(_front_page, self.look))
        return plan, found


def _wheels(source: Path, root: Path) -> Iterator[tuple[str, Path]]:
    """Give what is named as a wheel below `source`, in the order of paths; hidden folders and the site are left out."""
    skip = root.resolve() if root.resolve() != source.resolve() else None
    for top, folders, names in os.walk(source):
        folder = Path(top)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (skip is None or (folder / name).resolve() != skip)
        )
        for name in sorted(names):
            if name.endswith(".whl") and not name.startswith("."):
                path = folder / name
                yield path.relative_to(source).as_posix(), path


def _is_known(entry: Entry | None, path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False  # opening it says what is wrong
    return entry is not None and (entry.size, entry.mtime) == (status.st_size, status.st_mtime_ns)


def _entry(path: Path) -> tuple[Entry, bytes]:
    """Read a wheel; of METADATA only what may be kept in memory, thousands of times, else nothing."""
    try:
        entry, text = Entry.read(path)
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror or error}"
        raise WheelError(message) from error
    return entry, text if len(text) <= KEPT else b""


def _distinct(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out what is there twice. Raises `WheelError` if two files of one name differ."""
    first: dict[str, str] = {}
    for name, entry in entries.items():
        other = first.setdefault(entry.filename, name)
        if entries[other].sha256 != entry.sha256:
            message = f"{other} and {name} have one name and are different files"
            raise WheelError(message, hint="give one of them another version or build number")
    return {name: entries[name] for name in first.values()}


def _below(folder: Path, root: Path) -> Path | None:
    """Give `folder` relative to `root`, if it is there: files in it are served where they are.

    Raises `SiteError` if its name is no text: pip does not ask for such an address as it is written.
    """
    place, base = folder.resolve(), root.resolve()
    if not place.is_relative_to(base):
        return None
    inside = place.relative_to(base)
    if not inside.as_posix().isprintable():
        message = f"{str(inside)!r} in {root} cannot be part of an address"
        raise SiteError(message, hint="rename the folder, or choose another place for the index by -o")
    return inside


def _identity(file: File) -> list[object]:
    """Give what tells a file's lines on a page from others; all else is inside the wheel."""
    return [file.entry.filename, file.entry.sha256, file.entry.mtime, file.url, file.yanked]


def _copy(path: Path, entry: Entry, new: Path) -> None:
    shutil.copyfile(path, new)  # not a link: who writes to the wheel must not change what is published
    if not _is_known(entry, path):
        message = f"{path.name} was changed while it was indexed"
        raise WheelError(message, hint="run the command again")


def _metadata(path: Path, entry: Entry, text: bytes | None, new: Path) -> None:
    new.write_bytes(text or read_metadata(path, entry))


def _project_json(project: Project, new: Path) -> None:
    new.write_text(simple_json.project_json(project), encoding="utf-8")


def _project_page(project: Project, look: pages.Look, new: Path) -> None:
    new.write_text(pages.project_page(project, look), encoding="utf-8")


def _root_json(found: Sequence[Project], new: Path) -> None:
    new.write_text(simple_json.root_json(found), encoding="utf-8")


def _root_page(found: Sequence[Project], look: pages.Look, new: Path) -> None:
    new.write_text(pages.root_page(found, look), encoding="utf-8")


def _front_page(look: pages.Look, new: Path) -> None:
    new.write_text(pages.front_page(look), encoding="utf-8")
