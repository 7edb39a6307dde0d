"""Write a built wheel anew, in one form: the same files make the same bytes, whoever packed them, where and when.

Backends differ in what they let in: times of files, the order in which a folder lists them, permissions as the umask
left them. Here members are sorted, with .dist-info at the end (PEP 427 asks for that) and RECORD last of all; they are
of one time, may be read and written as 644 or 755 says, and are deflated.
"""

import base64
import csv
import hashlib
import io
import stat
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hatch_wasi.wheels.record import SIGNATURES
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["rewrite"]

# What a ZIP archive can say (APPNOTE.TXT, 4.4.6: MS-DOS time, which begins in 1980 and has seven bits for the year).
FIRST, LAST = 315532800, 4354819198
UNIX = 3
LEVEL = 6


def rewrite(wheel: Wheel, target: Path, *, changed: Mapping[str, bytes], source_date: int) -> None:
    """Write `wheel`, which is open and verified, to the file `target`, with a RECORD to match.

    `changed` is the content of members that are another one, or new. Signatures are left out: they are of the old
    RECORD. Raises `WheelError` if a member cannot be read.
    """
    record = f"{wheel.dist_info_dir}/RECORD"
    left_out = {record, *(f"{wheel.dist_info_dir}/{name}" for name in SIGNATURES)}
    names = sorted({*wheel.archive.members, *changed} - left_out, key=lambda name: (_is_info(wheel, name), name))
    when = time.gmtime(min(max(source_date, FIRST), LAST))[:6]
    rows = []
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            content = changed[name] if name in changed else wheel.archive.read(name)
            sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            rows.append((name, f"sha256={sha256}", str(len(content))))
            _write(archive, name, content, when, executable=_is_executable(wheel, name))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
        _write(archive, record, text.getvalue().encode(), when, executable=False)


def _is_info(wheel: Wheel, name: str) -> bool:
    return name.startswith(f"{wheel.dist_info_dir}/")


def _is_executable(wheel: Wheel, name: str) -> bool:
    member = wheel.archive.members.get(name)
    return member is not None and bool(member.external_attr >> 16 & stat.S_IXUSR)


def _write(
    archive: zipfile.ZipFile, name: str, content: bytes, when: tuple[int, int, int, int, int, int], *, executable: bool
) -> None:
    info = zipfile.ZipInfo(name, when)
    info.create_system = UNIX
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
    archive.writestr(info, content, compresslevel=LEVEL)
