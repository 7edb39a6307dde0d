"""What a cache entry holds: a list of its files, written when it is made, by which damage is found later.

`contents.json` is one JSON object: for each path below the entry (POSIX form, folders included) its kind, mode, size,
sha256 or link target. It lists the manifest too and everything else but itself.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["NAME", "Damage", "Item", "check", "is_same", "read", "scan", "settle", "size", "text", "tidy"]

NAME = "contents.json"
SCHEMA = 1
MARK = "contents"
"""The key of a manifest whose entry has a list: without it, a missing list is no damage (it was never made)."""
# hashlib lets other threads run while it hashes; more of them than disks deliver for would only wait.
THREADS = 4

Problem = Literal["missing", "changed", "mode", "extra"]


@dataclass(frozen=True)
class Item:
    """One file, folder or link."""

    kind: Literal["file", "folder", "link"]
    mode: str = ""
    """Permission bits in octal, `755`; none for a link."""
    size: int = 0
    """In bytes; of a file."""
    sha256: str = ""
    """In hex; of a file."""
    target: str = ""
    """Where a link leads."""


@dataclass(frozen=True)
class Damage:
    """One difference between an entry and its list."""

    path: str
    problem: Problem

    def __str__(self) -> str:
        """Say it for a person."""
        return f"{self.path}: {self.problem}"


def settle(tree: Path) -> None:
    """Give everything below `tree` the modes 644 and 755, whatever umask or archive it comes from."""
    for path, status in _walk(tree):
        wanted = 0o755 if stat.S_ISDIR(status.st_mode) or status.st_mode & stat.S_IXUSR else 0o644
        if not stat.S_ISLNK(status.st_mode) and stat.S_IMODE(status.st_mode) != wanted:
            path.chmod(wanted)
    tree.chmod(0o755)


def scan(tree: Path) -> dict[str, Item]:
    """List what is below `tree`, by path in sorted order; its list itself is left out.

    What cannot be read, or is no file, folder or link, is listed without a sha256: it equals nothing.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = {path.relative_to(tree).as_posix(): pool.submit(_item, path, status) for path, status in _walk(tree)}
        waiting.pop(NAME, None)
        return {name: waiting[name].result() for name in sorted(waiting)}


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Give what is below `folder`, a folder before what it holds."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except PermissionError:
        return
    for entry in entries:
        yield Path(entry.path), entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))


def _item(path: Path, status: os.stat_result) -> Item:
    mode = f"{stat.S_IMODE(status.st_mode):o}"
    if stat.S_ISLNK(status.st_mode):
        return Item("link", target=os.fspath(path.readlink()))
    if stat.S_ISDIR(status.st_mode):
        return Item("folder", mode)
    digest = ""
    if stat.S_ISREG(status.st_mode):
        with suppress(OSError), path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Item("file", mode, status.st_size, digest)


def text(items: Mapping[str, Item]) -> str:
    """Write a list as the text of `contents.json`."""
    rows = [f"{json.dumps(name)}: {json.dumps(_fields(items[name]))}" for name in sorted(items)]
    return f'{{"schema": {SCHEMA}, "contents": {{\n' + ",\n".join(rows) + "\n}}\n"


def _fields(item: Item) -> dict[str, object]:
    return {name: value for name, value in asdict(item).items() if value or (name == "size" and item.kind == "file")}


def read(tree: Path) -> dict[str, Item]:
    """Read an entry's list. Raises `FileNotFoundError` if it has none, `ValueError` if it is damaged."""
    try:
        content = json.loads((tree / NAME).read_text(encoding="utf-8"))
        return {str(name): Item(**fields) for name, fields in content[MARK].items()}
    except (UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
        message = f"{tree / NAME} is damaged: {error}"
        raise ValueError(message) from error


def check(tree: Path, listed: Mapping[str, Item] | None = None) -> list[Damage]:
    """Compare an entry with its list (`listed`, else its own); give every difference, in the order of paths.

    Raises `FileNotFoundError` if it has no list and `ValueError` if that is damaged.
    """
    expected, found = read(tree) if listed is None else listed, scan(tree)
    damages = []
    for name in sorted(expected.keys() | found.keys()):
        problem = _problem(expected.get(name), found.get(name))
        if problem is not None:
            damages.append(Damage(name, problem))
    return damages


def _problem(expected: Item | None, found: Item | None) -> Problem | None:
    if expected == found:
        return None
    if expected is None or found is None:
        return "extra" if expected is None else "missing"
    if asdict(expected) | {"mode": ""} != asdict(found) | {"mode": ""}:
        return "changed"
    wanted, given = int(expected.mode, 8), int(found.mode, 8)
    # A cache may be closed to writing by whoever shares it; more than was given, or less to read, is wrong.
    return "mode" if given & ~wanted or wanted & 0o555 & ~given else None


def is_same(path: Path, item: Item) -> bool:
    """Tell whether the file `path` is the one that was listed."""
    return _problem(item, _item(path, path.lstat())) is None


def tidy(tree: Path, damages: list[Damage]) -> bool:
    """Mend what can be mended in place: remove what is too much, set modes. Gives False if more is wrong.

    A file too much (an interpreter's bytecode, say) is no reason to make an entry again for minutes.
    """
    if any(damage.problem in ("missing", "changed") for damage in damages):
        return False
    listed = read(tree)
    for damage in reversed(damages):
        path = tree / damage.path
        if damage.problem == "mode":
            path.chmod(int(listed[damage.path].mode, 8))
        elif path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    return True


def size(items: Mapping[str, Item]) -> int:
    """Add up the sizes of files, in bytes."""
    return sum(item.size for item in items.values())
