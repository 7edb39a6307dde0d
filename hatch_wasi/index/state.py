"""What an earlier run left: the wheels that it read and the files that it made, so that neither is done twice.

It is one JSON file in the site's hidden folder. A list that is lost or damaged costs time and nothing else: wheels are
read again, and pages are known as ours by how they begin.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from hatch_wasi.index.entry import Entry

__all__ = ["Made", "State"]

SCHEMA = 1


@dataclass(frozen=True)
class Made:
    """A file that was made."""

    key: str
    """Stands for everything that it was made from; empty while it is not made yet."""
    size: int = 0
    mtime: int = 0
    """In nanoseconds since 1970."""

    def is_at(self, path: Path) -> bool:
        """Tell whether the file at `path` is untouched since it was made."""
        try:
            status = path.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime)


@dataclass
class State:
    """What is known of a site."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """By the wheel's path."""
    made: dict[str, Made] = field(default_factory=dict)
    """By path below the site, in POSIX form."""
    source: str = ""
    """Stands for the folder that the wheels are in."""

    @classmethod
    def from_file(cls, path: Path) -> "State | None":
        """Read what `write` wrote; None if it is not there, not whole, or another version's."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                return None
            entries = {name: Entry.from_json(fields) for name, fields in content["wheels"].items()}
            made = {name: Made(str(key), int(size), int(mtime)) for name, (key, size, mtime) in content["made"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        # What is made is removed one day: nothing that leads out of the site is taken for that.
        return cls(entries, {name: file for name, file in made.items() if _is_inside(name)}, str(content["source"]))

    def text(self) -> str:
        """Write it, one line a wheel or file."""
        wheels = _rows({name: asdict(entry) for name, entry in self.entries.items()})
        made = _rows({name: [file.key, file.size, file.mtime] for name, file in self.made.items()})
        head = f'"schema": {SCHEMA}, "source": {json.dumps(self.source)}'
        return f'{{{head}, "wheels": {{\n{wheels}\n}}, "made": {{\n{made}\n}}}}\n'


def _rows(values: Mapping[str, object]) -> str:
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(values[name])}" for name in sorted(values))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)
