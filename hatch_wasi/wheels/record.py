"""RECORD: the list of a distribution's files with their hashes (PEP 376, PEP 427), in a wheel and where it is installed."""

import base64
import csv
import hashlib

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.archive import Archive

__all__ = ["SIGNATURES", "parse", "verify"]

SIGNATURES = ("RECORD.jws", "RECORD.p7s")
"""Files beside RECORD that it does not list: they sign it (PEP 427)."""
# "sha256 or better; specifically, md5, sha1 and sha224 are not permitted" (binary distribution format, RECORD).
HASHES = ("sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256", "sha3_384", "sha3_512")


def parse(text: str, where: str) -> dict[str, tuple[str, str]]:
    """Read rows of path, hash and size into path -> (hash, size). Raises `WheelError`."""
    rows: dict[str, tuple[str, str]] = {}
    try:
        for row in csv.reader(text.split("\n")):
            if not row:
                continue
            path, hash_, size = row
            if path in rows:
                message = f"{where}: {path!r} is listed twice"
                raise WheelError(message)
            rows[path] = (hash_, size)
    except (ValueError, csv.Error) as error:
        message = f"{where}: a row is not path, hash, size: {error}"
        raise WheelError(message) from error
    return rows


def verify(archive: Archive, dist_info: str) -> None:
    """Check that the wheel holds what its RECORD lists, no more and no less, with the right hashes and sizes.

    Raises `WheelError`.
    """
    own = f"{dist_info}/RECORD"
    rows = parse(archive.text(own), f"{archive.name}: {own}")
    unlisted = {own, *(f"{dist_info}/{name}" for name in SIGNATURES)}
    reason = ""
    for name in archive.members:
        if name in unlisted:
            rows.pop(name, None)
        elif name not in rows:
            reason = f"{name!r} is not listed in RECORD"
        else:
            reason = _differs(archive, name, *rows.pop(name))
        if reason:
            break
    else:
        rows.pop(own, None)
        if rows:
            reason = f"{min(rows)!r} is listed in RECORD and is not there"
    if reason:
        message = f"{archive.name}: {reason}"
        raise WheelError(message, hint="the wheel is damaged or was changed: nothing was written")


def _differs(archive: Archive, name: str, hash_: str, size: str) -> str:
    algorithm, _, expected = hash_.partition("=")
    if algorithm not in HASHES:
        return f"RECORD gives {name!r} no hash that is accepted (sha256 or better): {hash_[:40]!r}"
    hasher = hashlib.new(algorithm)
    for chunk in archive.chunks(name):
        hasher.update(chunk)
    if base64.urlsafe_b64encode(hasher.digest()).decode().rstrip("=") != expected:
        return f"{name!r} is not what RECORD says: its {algorithm} differs"
    actual = archive.members[name].file_size
    if size and size != str(actual):
        return f"{name!r} is not what RECORD says: it has {actual} bytes, not {size}"
    return ""
