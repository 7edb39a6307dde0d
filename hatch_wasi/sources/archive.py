"""Unpack source archives safely: nothing lands outside, whatever the archive says."""

import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_wasi.errors import FetchError

if TYPE_CHECKING or sys.version_info >= (3, 12):
    import tarfile
else:
    # The first releases of 3.11 (Debian 12's 3.11.2) know no extraction filters.
    from backports import tarfile

__all__ = ["read_member", "unpack"]

FORMATS = (".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar")


def unpack(archive: Path, folder: Path, parts: Sequence[str] = ()) -> None:
    """Unpack a tar archive with one top folder so that its contents are `folder`'s; `folder` is made anew.

    Of a big archive, `parts` names the files and folders below the top folder that are wanted; the rest is passed
    over while reading. Members are checked by tarfile's `data` filter (PEP 706): no absolute paths, no `..`, no links that lead out, no
    devices. Raises `FetchError` if the archive is damaged or hostile, and leaves nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with _open(archive) as tar:
            tar.extractall(folder, filter=_without_top(archive, parts))
    except (FetchError, tarfile.TarError, OSError, EOFError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        message = f"{archive} cannot be unpacked: {error}"
        raise FetchError(message) from error


def read_member(archive: Path, name: str) -> bytes:
    """Give the content of the file `name` below the top folder. Raises `FetchError` if there is none."""
    try:
        with _open(archive) as tar:
            for member in tar:
                if PurePosixPath(member.name).parts[1:] == PurePosixPath(name).parts and member.isfile():
                    file = tar.extractfile(member)
                    return file.read(1 << 20) if file else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        message = f"{archive} cannot be read: {error}"
        raise FetchError(message) from error
    message = f"{archive} holds no {name}"
    raise FetchError(message)


def _open(archive: Path) -> tarfile.TarFile:
    if zipfile.is_zipfile(archive):
        message = f"{archive} is a zip file"
        raise FetchError(message, hint=f"give an archive of one of these kinds: {', '.join(FORMATS)}")
    return tarfile.open(archive)


def _without_top(archive: Path, parts: Sequence[str]) -> Callable[[tarfile.TarInfo, str], tarfile.TarInfo | None]:
    tops: set[str] = set()
    wanted = tuple(f"{part}/" for part in parts)

    def choose(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        if wanted and not f"{member.name.partition('/')[2]}/".startswith(wanted):
            return None
        safe = tarfile.data_filter(member, path)
        top, _, rest = safe.name.partition("/")
        tops.add(top)
        if len(tops) > 1:
            message = f"{archive} has more than one top folder: {', '.join(sorted(tops))}"
            raise FetchError(message)
        if not rest:
            return None
        changed = safe.replace(name=rest, deep=False)
        if safe.islnk():
            changed = changed.replace(linkname=safe.linkname.partition("/")[2], deep=False)
        # Checked again as it will be written: a link that stayed inside may not do so one level higher.
        return tarfile.data_filter(changed, path)

    return choose
