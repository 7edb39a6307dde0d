"""Unpack archives safely: nothing lands outside or fills the disk, whatever the archive says."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hatch_wasi import disk
from hatch_wasi.archives import zip_reader
from hatch_wasi.archives.names import Refusal, parts_of
from hatch_wasi.archives.stream import Stream
from hatch_wasi.archives.tar_reader import Kind, Member, TarReader
from hatch_wasi.archives.tree import Tree
from hatch_wasi.errors import FetchError

__all__ = ["FORMATS", "read_member", "top_folder", "unpack"]

FORMATS = (".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar", ".zip")
TEXT_SIZE = 1 << 20
"""Bytes of a member that is read whole."""
DAMAGED = (Refusal, *zip_reader.DAMAGED)
"""What an archive that is damaged or hostile raises."""


class _Reader(Protocol):
    def __iter__(self) -> Iterator[Member]: ...
    def chunks(self) -> Iterator[bytes]: ...


def unpack(
    archive: Path, folder: Path, parts: Sequence[str] = (), *, keep: Callable[[str], bool] | None = None
) -> None:
    """Unpack a tar or zip archive with one top folder so that its contents are `folder`'s; `folder` is made anew.

    Of a big archive, `parts` names the files and folders below the top folder that are wanted, or `keep` tells it of
    each name; the rest is passed over while reading. No absolute paths, no `..`, no links that lead out, no devices,
    and no more than `archives.limits` says. Raises `FetchError` if the archive is damaged or hostile, `CacheError` if
    the disk is full, and leaves nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = tuple(f"{part}/" for part in parts)
    selection = _Selection(keep or (lambda name: not wanted or f"{name}/".startswith(wanted)))
    try:
        with Tree(folder) as tree:
            with _opened(archive) as reader:
                _fill(tree, reader, selection)
            if selection.is_empty:
                message = "it is empty"
                raise Refusal(message)  # noqa: TRY301 - as whatever else is wrong with it
            if selection.orphans:
                with _opened(archive) as reader:
                    _fill_orphans(tree, reader, selection.orphans)
    except DAMAGED as error:
        full = disk.full(error, folder.parent) if disk.is_full(error) else None  # before there is room again
        shutil.rmtree(folder, ignore_errors=True)
        if full is not None:
            raise full from error
        message = f"{archive} cannot be unpacked: {_reason(error)}"
        raise FetchError(message, hint="the archive is damaged or hostile: nothing was kept of it") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def read_member(archive: Path, name: str) -> bytes:
    """Return the content of the file `name` below the top folder, its beginning if it is long.

    Raises `FetchError` if there is none.
    """
    with _readable(archive) as reader:
        for member in reader:
            if member.kind == Kind.FILE and parts_of(member.name)[1:] == name.split("/"):
                return b"".join(reader.chunks())[:TEXT_SIZE] if member.size <= TEXT_SIZE else next(reader.chunks())
    message = f"{archive} holds no {name}"
    raise FetchError(message)


def top_folder(archive: Path) -> str:
    """Return the name of the first member's top folder. Raises `FetchError` if there is none."""
    with _readable(archive) as reader:
        first = next(iter(reader), None)
        parts = parts_of(first.name) if first else []
    if first is None:
        message = f"{archive} is empty"
        raise FetchError(message)
    return parts[0] if parts else ""


@contextmanager
def _readable(archive: Path) -> Iterator[_Reader]:
    try:
        with _opened(archive) as reader:
            yield reader
    except DAMAGED as error:
        message = f"{archive} cannot be read: {_reason(error)}"
        raise FetchError(message) from error


@contextmanager
def _opened(archive: Path) -> Iterator[_Reader]:
    if zip_reader.is_zip(archive):
        with zip_reader.opened(archive) as file:
            yield zip_reader.ZipReader(file)
    else:
        with archive.open("rb") as file:
            yield TarReader(Stream(file, archive.stat().st_size))


def _reason(error: Exception) -> str:
    """Return the reason in one line; some errors of the library have no text."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).splitlines()[0]


class _Selection:
    """Decides where members go: their names without the top folder, if they are wanted."""

    def __init__(self, keep: Callable[[str], bool]) -> None:
        self.orphans: dict[str, list[str]] = {}
        """Files that are left out, with the names of hard links to them that are wanted."""
        self._keep = keep
        self._top: str | None = None
        self._left_out: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Tell whether there was no member at all, wanted or not."""
        return self._top is None

    def place(self, member: Member) -> str | None:
        """Return where `member` goes, None for what is left out. Raises `Refusal` for what is beside the top folder."""
        if not (parts := parts_of(member.name)):
            return None  # the folder that the archive was made of: ./
        top, *rest = parts
        self._top = self._top or top
        if top != self._top or (not rest and member.kind != Kind.FOLDER):
            message = f"not all that it holds is in its top folder: {member.name[:200]!r}"
            raise Refusal(message)
        name = "/".join(rest)
        if name and not self._keep(name):
            if member.kind in (Kind.FILE, Kind.HARD_LINK):
                self._left_out.add(name)
            return None
        return name or None

    def target(self, member: Member, name: str) -> str | None:
        """Return the file that the hard link `name` is to, None if that is left out and has to be read again."""
        top, *rest = parts_of(member.target) or [""]
        if top != self._top:
            message = f"the hard link {member.name[:200]!r} leads out of the archive"
            raise Refusal(message)
        target = "/".join(rest)
        if target in self._left_out:
            self.orphans.setdefault(target, []).append(name)
            return None
        return target


def _fill(tree: Tree, reader: _Reader, selection: _Selection) -> None:
    for member in reader:
        if not (name := selection.place(member)):
            continue
        if member.kind == Kind.FOLDER:
            tree.folder(name)
        elif member.kind == Kind.FILE:
            tree.file(name, reader.chunks(), mode=member.mode, mtime=member.mtime)
        elif member.kind == Kind.LINK:
            tree.link(name, member.target)
        elif target := selection.target(member, name):
            tree.hard_link(name, target)


def _fill_orphans(tree: Tree, reader: _Reader, orphans: dict[str, list[str]]) -> None:
    """Write the files that were left out, by the names of the hard links to them, in a second reading.

    wasi-sdk 33's archives hold a header once, for the target that comes first, and links to it for the others.
    """
    for member in reader:
        name = "/".join(parts_of(member.name)[1:])
        if member.kind != Kind.FILE or name not in orphans:
            continue
        first, *others = orphans.pop(name)
        tree.file(first, reader.chunks(), mode=member.mode, mtime=member.mtime)
        for other in others:
            tree.hard_link(other, first)
    if orphans:
        message = f"links to what is not there: {', '.join(sorted(orphans))[:200]}"
        raise Refusal(message)
