"""A toolchain as one file: packed from the cache of one machine, put into that of another.

The file is a tar archive in xz form with one top folder: `bundle.json`, which says what is in it and for which machines
and hatch-wasi, then the entries, each with its manifest and list of contents. The same entries make the same bytes.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import __version__, bootstrap, contents, disk
from hatch_wasi.cache import Cache, usual_umask
from hatch_wasi.console import Console
from hatch_wasi.cpython import recipe
from hatch_wasi.errors import CacheError, FetchError, ToolchainError
from hatch_wasi.fetch import sha256_of
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import archive
from hatch_wasi.sources.host import Host
from hatch_wasi.sources.tarball import Tarball
from hatch_wasi.toolchain import existing
from hatch_wasi.workspace import MANIFEST, seal

__all__ = ["HEADER", "Header", "Part", "pack", "unpack"]

HEADER = "bundle.json"
TOP = "hatch-wasi-toolchain"
SCHEMA = 1
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What reading JSON of another form than is expected raises."""
TEXT_SIZE = 64 << 20
"""Bytes of a list of contents, or of a manifest; a toolchain's has 2 MB."""
PARTS = 20
"""Entries that a file may hold; a toolchain has three."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One cache entry in a bundle."""

    kind: str
    name: str
    contents: str
    """The sha256 of its list of contents."""

    @property
    def place(self) -> str:
        """Where it is below the top folder and below the cache's."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a bundle says of itself."""

    hatch_wasi: str
    """The version that made it."""
    recipe: str
    """How that version builds CPython: another one looks for other entries."""
    python: str
    """X.Y."""
    provider: str
    """Who made its SDK."""
    host: Host
    """The machines that its programs run on."""
    parts: tuple[Part, ...]

    def text(self) -> str:
        """Write it as JSON."""
        fields = {
            "schema": SCHEMA,
            "hatch_wasi": self.hatch_wasi,
            "recipe": self.recipe,
            "python": self.python,
            "provider": self.provider,
            "host": vars(self.host),
            "entries": [vars(part) for part in self.parts],
        }
        return json.dumps(fields, indent=2, sort_keys=True) + "\n"

    @classmethod
    def read(cls, file: Path) -> "Header":
        """Read a bundle's header. Raises `FetchError` if `file` is none."""
        hint = "make one by `hatch-wasi export FILE`"
        try:
            fields = json.loads(archive.read_member(file, HEADER))
            if fields["schema"] == SCHEMA:
                return cls(
                    hatch_wasi=str(fields["hatch_wasi"]),
                    recipe=str(fields["recipe"]),
                    python=str(fields["python"]),
                    provider=str(fields["provider"]),
                    host=Host(**{name: str(value) for name, value in fields["host"].items()}),
                    parts=tuple(Part(**{key: str(value) for key, value in part.items()}) for part in fields["entries"]),
                )
            reason = f"hatch-wasi {fields['hatch_wasi']} wrote it in a form that this one, {__version__}, does not know"
            hint = "use the same version of hatch-wasi for both"
        except (FetchError, *MALFORMED) as error:
            reason = str(error)
        message = f"{file} is not an exported toolchain: {reason}"
        raise FetchError(message, hint=hint)

    def check(self, file: Path) -> None:
        """Raise `FetchError` if this machine or this hatch-wasi cannot use the bundle `file`."""
        if obstacle := self.host.obstacle(Host.here()):
            message = f"{file} was exported on another kind of machine: {obstacle}"
            raise FetchError(message, hint="export it on a machine like this one, or run `hatch-wasi bootstrap` here")
        if self.recipe != recipe.recipe_id():
            message = (
                f"{file} was exported by hatch-wasi {self.hatch_wasi} (recipe {self.recipe}), "
                f"and this one, {__version__} (recipe {recipe.recipe_id()}), builds CPython in another way"
            )
            raise FetchError(message, hint="use the same version of hatch-wasi for both, or export again")
        for kind in ("sdk", "python"):
            if kind not in [part.kind for part in self.parts]:
                message = f"{file} is no toolchain: it holds no {kind}"
                raise FetchError(message)
        if len(set(self.parts)) != len(self.parts) or len(self.parts) > PARTS:
            message = f"{file} holds a part of a toolchain twice, or more than {PARTS} parts"
            raise FetchError(message)
        for part in self.parts:
            if part.kind not in bootstrap.KINDS or not re.fullmatch(r"[A-Za-z0-9_][\w.+-]*", part.name, re.ASCII):
                message = f"{file} holds something that is no part of a toolchain: {part.place}"
                raise FetchError(message)


def pack(cache: Cache, console: Console, toolchain: bootstrap.Toolchain, file: Path) -> str:
    """Write `toolchain` to `file` and give the file's sha256. Raises `CacheError`."""
    with ExitStack() as stack:
        entries = list(bootstrap.belongings(cache, toolchain))
        if toolchain.sdk.root not in [entry for _, entry in entries]:
            entries.insert(0, ("sdk", stack.enter_context(_copied(cache, console, toolchain.sdk))))
        with console.step("Checking what is packed", index=1, total=2):
            parts = tuple(_part(kind, entry) for kind, entry in entries)
            host = Host.of_programs(entry for _, entry in entries)
        header = Header(
            hatch_wasi=__version__,
            recipe=recipe.recipe_id(),
            python=toolchain.python.short_version,
            provider=toolchain.sdk.provider,
            host=host,
            parts=parts,
        )
        try:
            with console.step(f"Packing {file.name}", index=2, total=2), Tarball(file, TOP) as tarball:
                tarball.add_text(HEADER, header.text())
                for part, (_, entry) in zip(parts, entries, strict=True):
                    tarball.add_tree(part.place, entry, contents.read(entry))
                    tarball.add_text(f"{part.place}/{contents.NAME}", (entry / contents.NAME).read_text("utf-8"))
        except OSError as error:
            if disk.is_full(error):
                raise disk.full(error, file.absolute().parent) from error
            message = f"{file} cannot be written: {error.strerror or error}"
            raise CacheError(message) from error
        return tarball.sha256


def _part(kind: str, entry: Path) -> Part:
    """Check an entry, and describe it."""
    try:
        damages = contents.check(entry)
        if not damages:
            return Part(kind=kind, name=entry.name, contents=sha256_of(entry / contents.NAME))
        reason = str(damages[0])
    except (OSError, ValueError) as error:
        reason = str(error)
    message = f"{entry} cannot be exported: it is damaged, or an earlier hatch-wasi made it ({reason})"
    raise CacheError(message, hint=f"hatch-wasi clean {kind}; hatch-wasi bootstrap")


@contextmanager
def _copied(cache: Cache, console: Console, sdk: WasiSdk) -> Iterator[Path]:
    """Give an SDK that is not in the cache the form of an entry, while the block runs."""
    folder = cache.folder("exports") / sdk.id
    with cache.lock("exports", tell=console.note), console.step(f"Copying the SDK {sdk.root}"):
        try:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(sdk.root, folder, symlinks=True)
            for path in folder.rglob("*"):
                if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
                    message = f"the SDK {sdk.root} cannot be exported: {path.relative_to(folder)} is a link that leads out of it"
                    raise CacheError(
                        message, hint="export with an SDK that hatch-wasi made: --sdk release, debian or source"
                    )
            known = {"provider": sdk.provider, "llvm": sdk.llvm, "wasi_libc": sdk.wasi_libc, "version": sdk.version}
            seal(folder, {"schema": 1, "sdk": known})
            yield folder
        except OSError as error:
            raise cache.explain(error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def unpack(cache: Cache, console: Console, file: Path) -> Header:
    """Put the entries of the bundle `file` into the cache, those that are not there yet.

    Raises `FetchError` if it is damaged, hostile, or for another machine or hatch-wasi: nothing is changed then.
    """
    header = Header.read(file)
    header.check(file)
    tree = cache.folder("imports") / "tree"
    with cache.lock("imports", tell=console.note), disk.reported(cache.root):
        shutil.rmtree(tree, ignore_errors=True)  # a kill may have left it
        wanted = [part for part in header.parts if not _is_there(cache, console, part)]
        if not wanted:
            return header
        try:
            with console.step(f"Unpacking {file.name}", index=1, total=2), usual_umask():
                archive.unpack(file, tree)
            with console.step("Checking what was unpacked", index=2, total=2):
                for part in header.parts:
                    _verify(file, tree, part)
                _try(file, header, Cache(tree, data=cache.data))
            for part in wanted:
                cache.adopt(part.kind, part.name, tree / part.place)
                console.note(f"Imported {part.place}")
        finally:
            shutil.rmtree(tree, ignore_errors=True)
    return header


def _is_there(cache: Cache, console: Console, part: Part) -> bool:
    entry = cache.find(part.kind, part.name)
    if entry is None:
        return False
    if cache.damages(entry):
        console.note(f"Damaged in the cache, to be replaced: {part.place}")
        return False
    cache.sweep(entry)
    console.note(f"Already there: {part.place}")
    return True


def _verify(file: Path, tree: Path, part: Part) -> None:
    """Raise `FetchError` unless what was unpacked is what the header lists."""
    entry = tree / part.place
    try:
        if entry.resolve() != tree.resolve() / part.place or not entry.is_dir():
            message = f"{file} is damaged: {part.place} is no folder of its own"
            raise FetchError(message)
        for name in (contents.NAME, MANIFEST):
            if (entry / name).stat().st_size > TEXT_SIZE:
                message = f"{file} is damaged: {part.place}/{name} has more than {TEXT_SIZE >> 20} MB"
                raise FetchError(message)
        contents.settle(entry)
        if sha256_of(entry / contents.NAME) != part.contents:
            message = f"{file} is damaged: {part.place}/{contents.NAME} is not the listed one"
            raise FetchError(message)
        damages = contents.check(entry)
    except (OSError, *MALFORMED) as error:
        message = f"{file} is damaged: {error}"
        raise FetchError(message) from error
    if damages:
        message = f"{file} is damaged: {part.place}/{damages[0]}"
        raise FetchError(message)


def _try(file: Path, header: Header, staged: Cache) -> None:
    """Raise `FetchError` if this hatch-wasi would not use what was unpacked."""
    try:
        for part in header.parts:
            staged.manifest(staged.root / part.place)
        if header.provider == existing.NAME:  # which asks the environment first, and that is not the question
            usable = bool(bootstrap.ready_python(staged, python=header.python))
        else:
            usable = bootstrap.ready(staged, python=header.python, sdk=header.provider) is not None
    except (CacheError, ToolchainError, *MALFORMED) as error:
        message = f"{file} is damaged: a manifest in it is malformed: {error}"
        raise FetchError(message) from error
    if not usable:
        message = f"{file} was exported by hatch-wasi {header.hatch_wasi}, and this one, {__version__}, would not use what is in it"
        raise FetchError(message, hint="use the same version of hatch-wasi for both, or export again")
