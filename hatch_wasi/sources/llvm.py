"""Where LLVM's sources come from: a local archive or tree, upstream's archive, git, the distribution's source package.

They are big (150,000 files, of which the C++ library is a tenth): only named parts are ever unpacked.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import download, is_offline, sha256_of
from hatch_wasi.sources import archive, git
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution

__all__ = ["VARIABLE", "LlvmSource", "find", "local_major", "version_of"]

VARIABLE = "HATCH_WASI_LLVM_SOURCE"
VERSION_FILE = "cmake/Modules/LLVMVersion.cmake"
"""Since LLVM 19."""


@dataclass(frozen=True, kw_only=True)
class LlvmSource:
    """LLVM's sources, verified or (git) about to be, as they arrive."""

    version: str
    """Full version, `22.1.8`."""
    origin: str
    """Where they come from, for manifests; never a path of this machine."""
    identity: str
    """What they are: the archive's sha256, the commit, or `tree`."""
    path: Path | None = field(default=None)
    """An archive, or a source tree; None: git."""

    def unpack(self, folder: Path, parts: Sequence[str], *, log: Path | None = None, hold: Sequence[int] = ()) -> None:
        """Put a fresh copy of `parts` (files and folders, `runtimes`, `llvm/cmake`) at `folder`.

        Raises `FetchError` if one cannot be had, and leaves nothing.
        """
        if self.path is None:
            git.checkout(pins.table("llvm")["git"], self.identity, folder, parts=parts, log=log, hold=hold)
        elif self.path.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            for part in parts:
                _copy(self.path / part, folder / part)
        else:
            archive.unpack(self.path, folder, parts)
        missing = [part for part in parts if not (folder / part).exists()]
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
            message = f"LLVM {self.version} ({self.origin}) has no {', '.join(missing)}"
            raise FetchError(message)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def version_of(text: str) -> str:
    """Read the version from the text of cmake/Modules/LLVMVersion.cmake. Raises `FetchError` if it names none."""
    numbers = [re.search(rf"set\(LLVM_VERSION_{part} (\d+)\)", text) for part in ("MAJOR", "MINOR", "PATCH")]
    if not all(numbers):
        message = f"{VERSION_FILE} does not name a version: not LLVM's sources"
        raise FetchError(message)
    return ".".join(found[1] for found in numbers if found)


def local_major() -> int | None:
    """Give the major version of the sources that the user named; None if there are none, or they are not LLVM's."""
    local = os.environ.get(VARIABLE)
    if not local:
        return None
    try:
        return int(_local_version(Path(local).expanduser()).partition(".")[0])
    except (OSError, FetchError):
        return None  # `find` says why


def find(cache: Cache, console: Console, major: int) -> LlvmSource:
    """Give sources of LLVM `major`. Raises `ToolchainError` with every source's reason."""
    if local := os.environ.get(VARIABLE):
        return _local(Path(local).expanduser().absolute(), major)
    if kept := _kept(cache, major):
        return kept
    reasons = []
    for name, ask in (("upstream", _upstream), ("git", _git), ("distribution", _distribution)):
        try:
            return ask(cache, console, major)
        except (FetchError, ToolchainError) as error:
            console.detail(f"LLVM {major} from {name}: {error.message}")
            reasons.append(f"{name}: {error.message}")
    message = f"no source of LLVM {major}: " + "; ".join(reasons)
    hint = f"download llvm-project-{major}.x.src.tar.xz, or clone the tag, and set {VARIABLE} to it"
    raise ToolchainError(message, hint=hint)


def _local_version(path: Path) -> str:
    if path.is_dir():
        return version_of((path / VERSION_FILE).read_text(encoding="utf-8"))
    return version_of(archive.read_member(path, VERSION_FILE).decode("utf-8", "replace"))


def _local(path: Path, major: int) -> LlvmSource:
    try:
        version = _local_version(path)
    except (OSError, FetchError) as error:
        message = f"{VARIABLE}={path} is not an archive or tree of llvm-project's sources: {error}"
        raise ToolchainError(message) from error
    if version.partition(".")[0] != str(major):
        message = f"{VARIABLE}={path} is LLVM {version}; the compiler's own version is needed, {major}"
        raise ToolchainError(message, hint="give the sources of that version, or choose another SDK")
    if path.is_dir():
        return LlvmSource(version=version, origin="local tree", identity="tree", path=path)
    return LlvmSource(version=version, origin=f"local archive {path.name}", identity=sha256_of(path), path=path)


def _pin(major: int) -> dict[str, str]:
    pin: dict[str, str] | None = pins.table("llvm")["releases"].get(str(major))
    if pin is None:
        message = f"no release of LLVM {major} is pinned"
        raise FetchError(message)
    return pin


def _upstream(cache: Cache, console: Console, major: int) -> LlvmSource:
    pin = _pin(major)
    url = str(pins.table("llvm")["url"]).format(version=pin["version"])
    with console.step(f"Fetching the sources of LLVM {pin['version']}"):
        path = download(cache, [url], sha256=pin["sha256"], console=console)
    return LlvmSource(version=pin["version"], origin=url, identity=pin["sha256"], path=path)


def _git(_: Cache, console: Console, major: int) -> LlvmSource:
    pin, url = _pin(major), str(pins.table("llvm")["git"])
    with console.step(f"Asking for LLVM {pin['version']} by git"):
        reason = git.is_within_reach(url)
    if reason:
        raise FetchError(reason)
    return LlvmSource(version=pin["version"], origin=f"{url} {pin['commit']}", identity=pin["commit"])


def _distribution(cache: Cache, console: Console, major: int) -> LlvmSource:
    """Ask the machine's suites for the source package, then newer ones; its .orig archive is upstream's tree."""
    if is_offline():
        message = "offline: packages cannot be fetched"
        raise FetchError(message)
    machine = Distribution.detect()
    reasons = []
    with cache.lock("apt"), console.step(f"Fetching the distribution's source of LLVM {major}"):
        for suites in (machine, *machine.newer()):
            apt = Apt(suites, cache.folder("apt") / suites.codename, cache.folder("logs") / "apt.log")
            with tempfile.TemporaryDirectory(prefix=".partial-", dir=cache.folder("downloads")) as name:
                try:
                    original = apt.original(f"llvm-toolchain-{major}", Path(name))
                except FetchError as error:
                    reasons.append(f"{suites.codename}: {error.message}")
                    continue
                digest = sha256_of(original)
                original.replace(cache.folder("downloads") / f"{digest}-{original.name}")
            if found := _kept(cache, major):
                return found
    message = "; ".join(reasons)
    raise FetchError(message)


def _kept(cache: Cache, major: int) -> LlvmSource | None:
    """Give the distribution's archive if it was fetched before, and is still what it was."""
    for path in sorted((cache.root / "downloads").glob(f"*-llvm-toolchain-{major}_*.orig.tar.*")):
        digest, _, name = path.name.partition("-")
        version = re.search(r"_(\d+\.\d+\.\d+)", name)
        if version and sha256_of(path) == digest:
            return LlvmSource(version=version[1], origin=f"source package: {name}", identity=digest, path=path)
    return None
