"""The SDK that is already on the machine: `WASI_SDK_PATH`, the `sdk` setting as a folder, `/opt/wasi-sdk`; else one that
was such on the machine where a toolchain was exported, and came into the cache with it.
"""

import hashlib
import json
import os
import re
from pathlib import Path

from hatch_wasi import pins
from hatch_wasi.cache import Cache, digest, replace_file
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.provider import Request, Unavailable
from hatch_wasi.toolchain.verify import clang_version, missing_parts, verify

__all__ = ["NAME", "is_there", "outlook", "provide", "ready"]

NAME = "existing"
DEFAULT = Path("/opt/wasi-sdk")


def candidates(sdk: str) -> list[tuple[str, Path]]:
    """List where to look, as (who says so, folder); a folder that is asked for is the only one."""
    if "/" in sdk:
        return [("the sdk setting", Path(sdk).expanduser().absolute())]
    said = os.environ.get("WASI_SDK_PATH")
    return [*([("WASI_SDK_PATH", Path(said).expanduser().absolute())] if said else []), ("the default place", DEFAULT)]


def is_there(request: Request) -> bool:
    """Tell whether there is a folder that must serve, or be shown to be broken."""
    return any(root.is_dir() for _, root in candidates(request.sdk))


def ready(cache: Cache, request: Request) -> WasiSdk | None:
    """Give the first candidate if it was accepted before and has not changed since."""
    for _, root in candidates(request.sdk):
        if (root / "bin" / "clang").is_file():
            return _recall(cache, root)
    return _imported(cache, request)


def outlook(cache: Cache, request: Request) -> str:
    """Say which folder would be checked, or where there is none."""
    del cache
    for who, root in candidates(request.sdk):
        if root.is_dir():
            return f"would check {root} ({who}) by compiling and running a program"
    return f"not: {_absence(request)}"


def provide(cache: Cache, console: Console, request: Request) -> WasiSdk:
    """Check the candidates. Raises `Unavailable` if there is none, `ToolchainError` if one is broken."""
    for _, root in candidates(request.sdk):
        if root.is_dir():
            if found := _recall(cache, root):
                return found
            sdk = _read(root)
            with console.step(f"Checking the SDK {root}"):
                verify(sdk, request.trial)
            _remember(cache, sdk)
            return sdk
    if found := _imported(cache, request):
        return found
    raise Unavailable(_absence(request))


def _imported(cache: Cache, request: Request) -> WasiSdk | None:
    """Give the newest SDK of this kind in the cache: it was accepted where it was exported."""
    if "/" in request.sdk:
        return None
    return next((WasiSdk.from_tree(entry) for entry in cache.entries("sdk") if entry.name.startswith(f"{NAME}-")), None)


def _absence(request: Request) -> str:
    """Say where there is no SDK."""
    places = candidates(request.sdk)
    absent = [f"no {root}" if root == DEFAULT else f"{who} names {root}, which does not exist" for who, root in places]
    if "/" not in request.sdk and "WASI_SDK_PATH" not in os.environ:
        absent.append("WASI_SDK_PATH not set")
    return ", ".join(absent)


def _read(root: Path) -> WasiSdk:
    """Find out what an SDK is made of; its VERSION file (wasi-sdk 25 and later) names wasi-libc's commit."""
    probe = WasiSdk(root=root, provider=NAME, id="", llvm="", wasi_libc="")
    if missing := missing_parts(probe):
        message = f"the SDK {root} lacks {', '.join(missing)}"
        raise ToolchainError(message, hint="reinstall it, or unset WASI_SDK_PATH and the sdk setting to have one made")
    llvm = clang_version(root)
    archive = hashlib.sha256((probe.library_dir / "libc.a").read_bytes()).hexdigest()
    notes = _notes(probe)
    commit = re.search(r"^wasi-libc: ([0-9a-f]{7})", notes, flags=re.MULTILINE)
    release = re.match(r"(\d+)(?:\.\d+)?(?:\+\S*)?\s*$", notes.partition("\n")[0])
    if not notes:
        # The archives of wasi-sdk 24 and before have no VERSION file; the folder that they hold names the release.
        release = re.match(r"wasi-sdk-(\d+)\.\d+(?:-|$)", root.resolve().name)
    known = {str(number): name for name, number in pins.table("wasi-libc").items()}
    wasi_libc = commit[1] if commit else known.get(release[1] if release else "", f"sha256-{archive[:12]}")
    return WasiSdk(
        root=root,
        provider=NAME,
        id=f"existing-{digest([llvm, archive])}",
        llvm=llvm,
        wasi_libc=wasi_libc,
        version=release[1] if release else pins.release_of_wasi_libc(wasi_libc),
    )


def _notes(sdk: WasiSdk) -> str:
    """Give the text of the VERSION file; a sysroot that came by itself has its own, and that one counts."""
    places = (sdk.sysroot / "VERSION", sdk.root / "VERSION")
    return next((path.read_text(encoding="utf-8") for path in places if path.is_file()), "")


def _record(cache: Cache, root: Path) -> Path:
    """Name the file that remembers a check: of this folder, while its compiler and libc stay the same files."""
    probe = WasiSdk(root=root, provider=NAME, id="", llvm="", wasi_libc="")
    stamps = []
    for path in (probe.program("clang").resolve(), probe.library_dir / "libc.a", probe.builtins):
        status = path.stat() if path else None
        stamps.append([status.st_mtime_ns, status.st_size] if status else None)
    return cache.root / "checks" / f"{digest([str(root), stamps])}.json"


def _recall(cache: Cache, root: Path) -> WasiSdk | None:
    try:
        noted = json.loads(_record(cache, root).read_text(encoding="utf-8"))
        return WasiSdk(root=root, provider=NAME, **noted)
    except (OSError, ValueError, TypeError):
        return None


def _remember(cache: Cache, sdk: WasiSdk) -> None:
    noted = {"id": sdk.id, "llvm": sdk.llvm, "wasi_libc": sdk.wasi_libc, "version": sdk.version}
    cache.folder("checks")
    replace_file(_record(cache, sdk.root), json.dumps(noted).encode())
