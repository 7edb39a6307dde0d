"""One wheel file as an index knows it: what its pages say of it, read once and remembered."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.metadata import parse_email
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.archive import Archive
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["Entry", "read_metadata"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A verified wheel. All fields are what JSON has, so that it can be kept between runs."""

    filename: str
    project: str
    """Normalized name (PEP 503)."""
    name: str
    """As METADATA spells it."""
    version: str
    """As METADATA spells it."""
    size: int
    """In bytes."""
    mtime: int
    """When it was last written, in nanoseconds since 1970."""
    sha256: str
    """Of the file, in hex."""
    metadata_sha256: str
    """Of its METADATA, in hex."""
    metadata_member: str
    """Where METADATA is in the archive."""
    requires_python: str
    """As METADATA has it; empty if it says nothing."""
    summary: str
    license: str
    requires: list[str]
    """Requires-Dist, as METADATA has it."""

    @classmethod
    def from_file(cls, path: Path) -> "Entry":
        """Verify and read the wheel at `path`. Raises `WheelError`, also if it changes meanwhile."""
        return cls.read(path)[0]

    @classmethod
    def read(cls, path: Path) -> tuple["Entry", bytes]:
        """Do what `from_file` does, and give METADATA too."""
        # The names of the standard have ASCII letters only; a page, too, can hold no others for certain.
        if not (path.name.isascii() and path.name.isprintable()):
            message = f"{path.name!r} is not the name of a wheel: it has characters that none has"
            raise WheelError(message)
        with Wheel.open(path) as wheel:
            before = path.stat()
            member = f"{wheel.dist_info_dir}/METADATA"
            content = wheel.archive.read(member)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            project = wheel.project
        after = path.stat()
        if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
            message = f"{path.name} was changed while it was read"
            raise WheelError(message, hint="wait until it is written, and run the command again")
        raw, _ = parse_email(content)
        entry = cls(
            filename=path.name,
            project=project,
            name=raw["name"],
            version=raw["version"],
            size=after.st_size,
            mtime=after.st_mtime_ns,
            sha256=sha256,
            metadata_sha256=hashlib.sha256(content).hexdigest(),
            metadata_member=member,
            requires_python=raw.get("requires_python", ""),
            summary=raw.get("summary", ""),
            license=raw.get("license_expression", "") or raw.get("license", ""),
            requires=raw.get("requires_dist", []),
        )
        return entry, content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Entry":
        """Take what was kept. Raises `TypeError` or `KeyError` if a field is missing or of another type."""
        values = {field.name: content[field.name] for field in fields(cls)}
        for name, value in values.items():
            kind = {"size": int, "mtime": int, "requires": list}.get(name, str)
            if not isinstance(value, kind):
                message = f"{name} is {value!r}"
                raise TypeError(message)
        values["requires"] = [str(need) for need in values["requires"]]
        return cls(**values)

    @cached_property
    def parsed_version(self) -> Version:
        """Give the version, to compare."""
        return Version(self.version)

    @property
    def tags(self) -> frozenset[Tag]:
        """Give the tags of its name (PEP 425), each for itself."""
        return parse_wheel_filename(self.filename)[3]


def read_metadata(path: Path, entry: Entry) -> bytes:
    """Read METADATA of the wheel at `path`, which is `entry`. Raises `WheelError` if it is another by now."""
    with Archive.open(path) as archive:
        content = archive.read(entry.metadata_member)
    if hashlib.sha256(content).hexdigest() != entry.metadata_sha256:
        message = f"{path.name} was changed while it was indexed"
        raise WheelError(message, hint="run the command again")
    return content
