"""Unpack archives safely: nothing lands outside or fills the disk, whatever the archive says."""

import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_wasi import disk
from hatch_wasi.errors import FetchError

if TYPE_CHECKING or sys.version_info >= (3, 12):
    import tarfile
else:
    # The first releases of 3.11 (Debian 12's 3.11.2) know no extraction filters.
    from backports import tarfile

__all__ = ["FORMATS", "read_member", "top_folder", "unpack"]

FORMATS = (".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar")
# LLVM's sources, the largest that anybody unpacks here, are 170,000 files and 2.3 GB, 15 times their archive.
MAX_MEMBERS = 1_000_000
MAX_SIZE = 16 << 30
MAX_RATIO = 100
"""Bytes for each of the archive's, above the first `RATIO_FREE`."""
RATIO_FREE = 64 << 20


def unpack(
    archive: Path, folder: Path, parts: Sequence[str] = (), *, keep: Callable[[str], bool] | None = None
) -> None:
    """Unpack a tar archive with one top folder so that its contents are `folder`'s; `folder` is made anew.

    Of a big archive, `parts` names the files and folders below the top folder that are wanted, or `keep` tells it of
    each name; the rest is passed over while reading. Members are checked by tarfile's `data` filter (PEP 706): no
    absolute paths, no `..`, no links that lead out, no devices. Raises `FetchError` if the archive is damaged or
    hostile, `CacheError` if the disk is full, and leaves nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = tuple(f"{part}/" for part in parts)
    selection = _Selection(archive, keep or (lambda name: not wanted or f"{name}/".startswith(wanted)))
    try:
        with _open(archive) as tar:
            tar.extractall(folder, filter=selection)
        if selection.orphans:
            _unpack_orphans(archive, folder, selection.orphans)
    except (FetchError, tarfile.TarError, OSError, EOFError, KeyError) as error:
        full = disk.full(error, folder.parent) if disk.is_full(error) else None  # before there is room again
        shutil.rmtree(folder, ignore_errors=True)
        if full is not None:
            raise full from error
        message = f"{archive} cannot be unpacked: {_first_line(error)}"
        raise FetchError(message) from error


def _first_line(error: Exception) -> str:
    """Give the reason; tarfile goes on to list, a line each, what the file is not."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(":")


def read_member(archive: Path, name: str) -> bytes:
    """Give the content of the file `name` below the top folder. Raises `FetchError` if there is none."""
    try:
        with _open(archive) as tar:
            for member in tar:
                if PurePosixPath(member.name).parts[1:] == PurePosixPath(name).parts and member.isfile():
                    file = tar.extractfile(member)
                    return file.read(1 << 20) if file else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        message = f"{archive} cannot be read: {_first_line(error)}"
        raise FetchError(message) from error
    message = f"{archive} holds no {name}"
    raise FetchError(message)


def top_folder(archive: Path) -> str:
    """Give the name of the first member's top folder. Raises `FetchError` if there is none."""
    try:
        with _open(archive) as tar:
            first = tar.next()
    except (tarfile.TarError, OSError, EOFError) as error:
        message = f"{archive} cannot be read: {_first_line(error)}"
        raise FetchError(message) from error
    if first is None:
        message = f"{archive} is empty"
        raise FetchError(message)
    return PurePosixPath(first.name).parts[0] if first.name.strip("/") else ""


def _open(archive: Path) -> tarfile.TarFile:
    if zipfile.is_zipfile(archive):
        message = f"{archive} is a zip file"
        raise FetchError(message, hint=f"give an archive of one of these kinds: {', '.join(FORMATS)}")
    return tarfile.open(archive)


class _Selection:
    """Decides on each member, as a filter of tarfile's: its name without the top folder, or None to leave it out."""

    def __init__(self, archive: Path, keep: Callable[[str], bool]) -> None:
        self.orphans: dict[str, list[str]] = {}
        """Files that are left out, with the names of hard links to them that are wanted."""
        self._keep = keep
        self._tops: set[str] = set()
        self._left_out: set[str] = set()
        self._members = 0
        self._size = 0
        self._limit = min(MAX_SIZE, RATIO_FREE + MAX_RATIO * archive.stat().st_size)

    def __call__(self, member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        self._count(member)
        top, _, name = member.name.partition("/")
        self._tops.add(top)
        if len(self._tops) > 1 or ".." in name.split("/"):
            message = f"not all that it holds is in its top folder: {member.name}"
            raise FetchError(message)
        if name and not self._keep(name):
            self._left_out.add(name)
            return None
        safe = tarfile.data_filter(member, path)
        rest = safe.name.partition("/")[2]
        if not rest:
            return None
        changed = safe.replace(name=rest, deep=False)
        if safe.islnk():
            changed = changed.replace(linkname=safe.linkname.partition("/")[2], deep=False)
        # Checked again as it will be written: a link that stayed inside may not do so one level higher.
        checked = tarfile.data_filter(changed, path)
        if changed.islnk() and changed.linkname in self._left_out:
            self.orphans.setdefault(changed.linkname, []).append(rest)
            return None
        return checked

    def _count(self, member: tarfile.TarInfo) -> None:
        self._members += 1
        self._size += member.size
        if self._members > MAX_MEMBERS or self._size > self._limit:
            message = f"it holds too much: more than {self._members:,} files or {self._size >> 20:,} MB"
            raise FetchError(message)


def _unpack_orphans(archive: Path, folder: Path, orphans: dict[str, list[str]]) -> None:
    """Unpack the files that were left out, by the names of the hard links to them, in a second reading.

    wasi-sdk 33's archives hold a header once, for the target that comes first, and links to it for the others.
    """
    with _open(archive) as tar:
        for member in tar:
            name = member.name.partition("/")[2]
            if name not in orphans or not member.isreg():
                continue
            first, *others = orphans.pop(name)
            tar.extract(member.replace(name=first, deep=False), folder, filter="data")
            for other in others:
                tarfile.data_filter(member.replace(name=other, deep=False), str(folder))
                (folder / other).parent.mkdir(parents=True, exist_ok=True)
                os.link(folder / first, folder / other)
    if orphans:
        message = f"links to what is not there: {', '.join(sorted(orphans))}"
        raise FetchError(message)
