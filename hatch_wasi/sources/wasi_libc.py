"""Where wasi-libc's sources come from: a local archive or tree, git at a pinned commit, the distribution's source
package. wasi-libc is the ABI: of what can be had, the nearest to the release that a Python is paired with is taken.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import download, is_offline, sha256_of
from hatch_wasi.sources import archive, git
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution

__all__ = ["VARIABLE", "WasiLibcSource", "commit_in", "find", "local", "order"]

VARIABLE = "HATCH_WASI_WASI_LIBC_SOURCE"
MARKS = "libc-bottom-half", "libc-top-half"
PACKAGE = "wasi-libc"


@dataclass(frozen=True, kw_only=True)
class WasiLibcSource:
    """wasi-libc's sources, verified or (git) about to be, as they arrive."""

    commit: str | None
    """The first seven digits of its commit, None where nothing tells."""
    origin: str
    """Where they come from, for manifests; never a path of this machine."""
    identity: str
    """What they are: the archive's sha256, the full commit, or a digest of the tree."""
    path: Path | None = None
    """An archive, or a source tree; None: git."""

    @property
    def release(self) -> str | None:
        """The wasi-sdk release that has this wasi-libc, where it is known."""
        return pins.release_of_wasi_libc(self.commit) if self.commit else None

    def unpack(self, folder: Path, *, log: Path | None = None, hold: tuple[int, ...] = ()) -> None:
        """Put a fresh copy of the tree at `folder`. Raises `FetchError` if it is not wasi-libc."""
        if self.path is None:
            git.checkout(pins.table("wasi-libc-sources")["git"], self.identity, folder, log=log, hold=hold)
        elif self.path.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.path, folder, symlinks=True, ignore=shutil.ignore_patterns(".git", "build", "sysroot"))
        else:
            archive.unpack(self.path, folder)
        missing = [name for name in MARKS if not (folder / name).is_dir()]
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
            message = f"{self.origin} is not wasi-libc's sources: it has no {', '.join(missing)}"
            raise FetchError(message, hint="give an archive or a tree of https://github.com/WebAssembly/wasi-libc")


def commit_in(name: str) -> str | None:
    """Read wasi-libc's commit, seven digits, from a file's or a version's name.

    `wasi-libc-b9ef79d7dbd4….tar.gz` is GitHub's archive of a commit, `0.0~git20241209.574b88d` Debian's of a snapshot.
    """
    found = re.search(r"(?<![0-9a-f])([0-9a-f]{40})(?![0-9a-f])", name) or re.search(r"git\d{8}\.([0-9a-f]{7,})", name)
    return found[1][:7] if found else None


def find(cache: Cache, console: Console, pair: str) -> WasiLibcSource:
    """Give sources of the wasi-libc of wasi-sdk `pair`, or of what the distribution has nearest to it.

    Raises `ToolchainError` with every source's reason.
    """
    if chosen := local():
        return chosen
    reasons = []
    for name, ask in (("upstream", _upstream), ("git", _git), ("distribution", _distribution)):
        try:
            return ask(cache, console, pair)
        except (FetchError, ToolchainError) as error:
            console.detail(f"wasi-libc from {name}: {error.message}")
            reasons.append(f"{name}: {error.message}")
    message = f"no source of wasi-libc (of wasi-sdk {pair}): " + "; ".join(reasons)
    hint = f"download an archive of https://github.com/WebAssembly/wasi-libc (tag wasi-sdk-{pair}) and set {VARIABLE}"
    raise ToolchainError(message, hint=hint)


def local() -> WasiLibcSource | None:
    """Give the archive or tree that the user named, None if there is none. Raises `ToolchainError` if it is missing."""
    said = os.environ.get(VARIABLE)
    if not said:
        return None
    path = Path(said).expanduser().absolute()
    if path.is_dir():
        commit = commit_in(path.name) or _checked_out(path)
        return WasiLibcSource(commit=commit, origin="local tree", identity=_tree_digest(path), path=path)
    if not path.is_file():
        message = f"{VARIABLE} names {path}, which does not exist"
        raise ToolchainError(message)
    commit = commit_in(path.name) or commit_in(archive.top_folder(path))
    return WasiLibcSource(commit=commit, origin=f"local archive {path.name}", identity=sha256_of(path), path=path)


def _checked_out(tree: Path) -> str | None:
    """Read which commit a git checkout is at, without git (gitrepository-layout(5))."""
    try:
        head = (tree / ".git" / "HEAD").read_text(encoding="utf-8").strip()
        if head.startswith("ref: "):
            head = (tree / ".git" / head.removeprefix("ref: ")).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return commit_in(head)


def _tree_digest(tree: Path) -> str:
    """Stand for the contents of a source tree: what is built of it is not built again while it stays the same."""
    hasher = hashlib.sha256()
    for mark in (*MARKS, "CMakeLists.txt", "Makefile"):
        for path in sorted([tree / mark, *(tree / mark).rglob("*")]):
            if path.is_file():
                hasher.update(f"{path.relative_to(tree).as_posix()}\0{sha256_of(path)}\n".encode())
    return f"tree-{hasher.hexdigest()}"


def _pin(pair: str) -> dict[str, str]:
    pin: dict[str, str] | None = pins.table("wasi-libc-sources")["releases"].get(pair)
    if pin is None:
        message = f"the commit of wasi-sdk {pair}'s wasi-libc is not pinned"
        raise FetchError(message)
    return pin


def _upstream(cache: Cache, console: Console, pair: str) -> WasiLibcSource:
    pin = _pin(pair)
    if "sha256" not in pin:
        message = f"the archive of commit {pin['commit'][:7]} is not pinned by its hash"
        raise FetchError(message)
    url = str(pins.table("wasi-libc-sources")["url"]).format(commit=pin["commit"])
    path = download(cache, [url], sha256=pin["sha256"], console=console)
    return WasiLibcSource(commit=pin["commit"][:7], origin=url, identity=pin["sha256"], path=path)


def _git(_: Cache, console: Console, pair: str) -> WasiLibcSource:
    pin, url = _pin(pair), str(pins.table("wasi-libc-sources")["git"])
    with console.step(f"Asking for wasi-libc {pin['commit'][:7]} by git"):
        reason = git.is_within_reach(url)
    if reason:
        raise FetchError(reason)
    return WasiLibcSource(commit=pin["commit"][:7], origin=f"{url} {pin['commit']}", identity=pin["commit"])


def order(versions: list[str], pair: str, earliest: int) -> list[str]:
    """Sort source package versions by how near their wasi-libc is to `pair`'s; those before `earliest` are left out.

    Nearest by release, a later one first where two are as near; what is in no known release comes last, newest first.
    """

    def distance(version: str) -> tuple[bool, int, int]:
        release = pins.release_of_wasi_libc(commit_in(version) or "")
        date = re.search(r"git(\d{8})", version)
        apart = 2 * abs(int(release) - int(pair)) - (int(release) > int(pair)) if release else 0
        return release is None, apart, -int(date[1] if date else 0)

    dated = ((re.search(r"git(\d{8})", version), version) for version in dict.fromkeys(versions))
    return sorted((version for date, version in dated if date and int(date[1]) >= earliest), key=distance)


def _distribution(cache: Cache, console: Console, pair: str) -> WasiLibcSource:
    """Ask the machine's suites and newer ones, backports too; a package's .orig archive is upstream's tree."""
    earliest, kept, reasons = pins.table("debian")["wasi-libc"], _kept(cache), list[str]()
    offers: dict[str, Apt] = {}
    with cache.lock("apt"), console.step("Looking for the distribution's source of wasi-libc"):
        if is_offline():
            reasons.append("offline: packages cannot be fetched")
        else:
            offers = dict(_offers(cache, reasons))
        for version in order([*offers, *kept], pair, earliest):
            upstream = version.rpartition("-")[0] if version in offers else version
            if upstream in kept:
                return _from_archive(kept[upstream])
            try:
                return _from_archive(_fetch(cache, offers[version], version))
            except FetchError as error:
                reasons.append(f"{version}: {error.message}")
    message = "; ".join(reasons) or f"no wasi-libc of {earliest} or later"
    raise FetchError(message)


def _fetch(cache: Cache, apt: Apt, version: str) -> Path:
    downloads = cache.folder("downloads")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=downloads) as name:
        original = apt.original(f"{PACKAGE}={version}", Path(name))
        return original.replace(downloads / f"{sha256_of(original)}-{original.name}")


def _offers(cache: Cache, reasons: list[str]) -> Iterator[tuple[str, Apt]]:
    """Give the versions that can be asked for; a suite that does not answer adds to `reasons`."""
    machine = Distribution.detect()
    for suites in (machine, *machine.newer()):
        for place in (suites, suites.backports()):
            apt = Apt(place, cache.folder("apt") / place.codename, cache.folder("logs") / "apt.log")
            try:
                yield from ((version, apt) for version in apt.source_versions(PACKAGE))
            except FetchError as error:
                reasons.append(f"{place.codename}: {error.message}")
                if place is machine:
                    return  # out of reach: the others are on the same mirror


def _kept(cache: Cache) -> dict[str, Path]:
    """List what was fetched from the distribution before, by upstream's version, if it is still what it was."""
    found = {}
    for path in sorted((cache.root / "downloads").glob(f"*-{PACKAGE}_*.orig.tar.*")):
        digest, _, name = path.name.partition("-")
        if sha256_of(path) == digest:
            found[name.removeprefix(f"{PACKAGE}_").partition(".orig.tar.")[0]] = path
    return found


def _from_archive(path: Path) -> WasiLibcSource:
    digest, _, name = path.name.partition("-")
    return WasiLibcSource(commit=commit_in(name), origin=f"source package: {name}", identity=digest, path=path)
