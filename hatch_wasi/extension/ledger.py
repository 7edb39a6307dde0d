"""What was made from what: one JSON file beside the objects, by which a build knows what need not be made again.

An output is current if it is untouched, its command is the same, and each of its inputs has the time and size that it
had, or at least the same content.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from hatch_wasi.cache import replace_file

__all__ = ["Ledger"]

SCHEMA = 1
# Kernels stamp files by a coarse clock, up to a tick behind.
TICK = 10_000_000

Stamp = tuple[int, int]
"""Modification time in nanoseconds, and size in bytes."""
Seen = tuple[str, int, int, str]
"""A file as it was read: path, modification time, size, SHA-256; an empty hash if it changed while it was read."""


def stamp(path: str | Path) -> Stamp | None:
    """Give a file's time and size, or None if it is not there."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - called hundreds of times: no objects
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


class Ledger:
    """The records of one folder; paths in it are relative to the project's root."""

    def __init__(self, path: Path, root: Path) -> None:
        """Read `path`, if it is there and in our form; else nothing was made yet."""
        self._path = path
        self._root = root
        self._seen: list[Seen] = []
        self._made: dict[str, tuple[str, Stamp, tuple[int, ...]]] = {}
        self._index: dict[Seen, int] = {}
        self._same: dict[int, bool] = {}
        self._hashes: dict[tuple[str, Stamp], str] = {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                return
            seen = [(str(name), int(time), int(size), str(digest)) for name, time, size, digest in content["files"]]
            made = {
                str(output): (str(signature), (int(time), int(size)), tuple(map(int, inputs)))
                for output, (signature, (time, size), inputs) in content["made"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        if all(0 <= index < len(seen) for _, _, inputs in made.values() for index in inputs):
            self._seen, self._made = seen, made
            self._index = {file: index for index, file in enumerate(seen)}

    @property
    def outputs(self) -> tuple[str, ...]:
        """All that was recorded."""
        return tuple(self._made)

    def inputs(self) -> set[str]:
        """Give every file that something was made from."""
        return {self._seen[index][0] for _, _, inputs in self._made.values() for index in inputs}

    def is_current(self, output: str, signature: str) -> bool:
        """Tell whether `output` is what the command with `signature` would make now."""
        record = self._made.get(output)
        if record is None or record[0] != signature or record[1] != stamp(self._root / output):
            return False
        return all(self._is_same(index) for index in record[2])

    def record(self, output: str, signature: str, inputs: Sequence[str], began: int) -> None:
        """Note that `output` was made from `inputs` by a program started at `began` (nanoseconds since the epoch)."""
        indices: list[int] = []
        for name in inputs:
            path = self._root / name
            now = stamp(path)
            if now is None:
                return  # gone already: nothing is known about what was made from it
            digest = "" if now[0] >= began else self._hash(name, now)
            # Written just before: the clock cannot tell it from just after, so next time its content decides.
            file = (name, now[0] if now[0] < began - TICK else -1, now[1], digest)
            if file not in self._index:
                self._index[file] = len(self._seen)
                self._seen.append(file)
            indices.append(self._index[file])
        made = stamp(self._root / output)
        if made is not None:
            self._made[output] = (signature, made, tuple(indices))

    def forget(self, outputs: Iterable[str]) -> None:
        """Drop the records of `outputs`."""
        for output in outputs:
            self._made.pop(output, None)

    def save(self) -> None:
        """Write the file."""
        used = sorted({index for _, _, inputs in self._made.values() for index in inputs})
        place = {index: position for position, index in enumerate(used)}
        content = {
            "schema": SCHEMA,
            "files": [self._seen[index] for index in used],
            "made": {
                output: (signature, made, [place[index] for index in inputs])
                for output, (signature, made, inputs) in self._made.items()
            },
        }
        replace_file(self._path, json.dumps(content, separators=(",", ":")).encode())

    def _is_same(self, index: int) -> bool:
        if index not in self._same:
            self._same[index] = self._compare(index)
        return self._same[index]

    def _compare(self, index: int) -> bool:
        name, time, size, digest = self._seen[index]
        now = stamp(self._root / name)
        if now is None or not digest or now[1] != size:
            return False
        if now[0] == time:
            return True
        if self._hash(name, now) != digest:
            return False
        self._seen[index] = (name, *now, digest)  # touched, not changed: look no further next time
        return True

    def _hash(self, name: str, now: Stamp) -> str:
        known = self._hashes.get((name, now))
        if known is None:
            try:
                known = hashlib.sha256((self._root / name).read_bytes()).hexdigest()
            except OSError:
                known = ""
            self._hashes[name, now] = known
        return known
