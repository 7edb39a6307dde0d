"""An SDK of the distribution's packages: LLVM with its wasm32 runtimes and wasi-libc, fetched by apt into private state
and unpacked without root. Executables come from the machine's own suites (a newer suite's want a newer glibc);
wasi-libc is data (`Architecture: all`), so a newer suite's serves where the machine's own is too old.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from hatch_wasi import pins
from hatch_wasi.cache import Cache, Workspace, digest, replace_file
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError, ToolchainError
from hatch_wasi.fetch import is_offline, sha256_of
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources.apt import Apt, installed, unpack
from hatch_wasi.sources.machine import Distribution
from hatch_wasi.toolchain import debian_layout
from hatch_wasi.toolchain.provider import Request, Unavailable
from hatch_wasi.toolchain.verify import clang_version, verify

__all__ = [
    "NAME",
    "Plan",
    "choose_wasi_libc",
    "commit_of",
    "date_of",
    "newest_llvm",
    "outlook",
    "paired",
    "provide",
    "ready",
]

NAME = "debian"
CORE = "clang-{0}", "lld-{0}", "llvm-{0}", "libclang-rt-{0}-dev-wasm32", "libclang-common-{0}-dev", "libclang-cpp{0}", "libllvm{0}"  # fmt: skip


class Suites(Protocol):
    """What the choice of wasi-libc wants to know of an apt state."""

    distribution: Distribution

    def versions(self, package: str) -> list[str]:
        """List the versions that the suites carry, newest first."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which packages make the SDK."""

    distribution: str
    llvm: int
    packages: dict[str, str]
    """Name to version, from the machine's own suites."""
    wasi_libc: str
    """Version of the wasi-libc package."""
    wasi_libc_suite: str


def ready(cache: Cache, request: Request) -> WasiSdk | None:
    """Give the newest SDK of this kind in the cache that today's layout made, and that is the best for the pair."""
    for entry in cache.entries("sdk"):
        manifest = cache.manifest(entry)
        if manifest.get("recipe") == debian_layout.RECIPE and entry.name.startswith(f"{NAME}-"):
            sdk = WasiSdk.from_tree(entry)
            if sdk.version == request.pair or request.pair in (manifest.get("pair"), _noted(cache, entry.name)):
                return sdk
    return None


def _note(cache: Cache, entry: str) -> Path:
    return cache.root / "checks" / f"{entry}.json"


def _noted(cache: Cache, entry: str) -> str | None:
    """Give the pair, other than that of its manifest, for which the entry turned out to be the best there is."""
    try:
        return str(json.loads(_note(cache, entry).read_text(encoding="utf-8"))["pair"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def outlook(cache: Cache, request: Request) -> str:
    """Say what would be asked of the distribution."""
    del cache, request
    if shutil.which("apt-get") is None:
        return "not: not a Debian or Ubuntu machine (no apt)"
    if is_offline():
        return "not: offline, packages cannot be fetched"
    minimum = pins.table("debian")["llvm"]
    return f"would ask apt's mirrors for LLVM {minimum} or newer with wasm32 runtimes, and for wasi-libc"


def provide(cache: Cache, console: Console, request: Request) -> WasiSdk:
    """Make the SDK of the newest packages. Raises `Unavailable` where there is no apt or it cannot be asked."""
    if found := ready(cache, request):
        return found
    if is_offline():
        message = "offline: packages cannot be fetched"
        raise Unavailable(message)
    try:
        machine = Distribution.detect()
        with cache.lock("apt"), console.step("Asking the distribution for LLVM and wasi-libc"):
            states = _states(cache, machine)
            plan = _plan(states, request.pair)
    except (FetchError, ToolchainError) as error:
        raise Unavailable(error.message, log=error.log) from error
    name = f"{NAME}-{digest([asdict(plan), debian_layout.RECIPE])}"

    def build(workspace: Workspace) -> dict[str, object]:
        with cache.lock("apt"):
            return _build(workspace, console, states, plan, request)

    entry = cache.make("sdk", name, build, tell=console.note)
    if not ready(cache, request):
        cache.folder("checks")
        replace_file(_note(cache, name), json.dumps({"pair": request.pair}).encode())
    return WasiSdk.from_tree(entry)


def _states(cache: Cache, machine: Distribution) -> list[Apt]:
    folder, log = cache.folder("apt"), cache.folder("logs") / "apt.log"
    return [Apt(suites, folder / suites.codename, log) for suites in (machine, *machine.newer())]


def newest_llvm(names: list[str]) -> list[int]:
    """Give the LLVM majors that have wasm32 runtimes among these package names, newest first."""
    found = (re.fullmatch(r"libclang-rt-(\d+)-dev-wasm32", name) for name in names)
    return sorted((int(match[1]) for match in found if match), reverse=True)


def commit_of(version: str) -> str:
    """Give wasi-libc's commit from the package's version `0.0~git20241209.574b88d-2`; else the version itself."""
    found = re.search(r"git\d{8}\.([0-9a-f]{7,})", version)
    return found[1][:7] if found else version


def date_of(version: str) -> int:
    """Give the day of the commit, 20241209, from the package's version; 0 if it names none."""
    found = re.search(r"git(\d{8})", version)
    return int(found[1]) if found else 0


def paired(versions: list[str], pair: str) -> str | None:
    """Give the version of the package that has the wasi-libc of the wasi-sdk `pair`."""
    return next((version for version in versions if pins.release_of_wasi_libc(commit_of(version)) == pair), None)


def _plan(states: list[Apt], pair: str) -> Plan:
    own, minimum = states[0], pins.table("debian")
    majors = [major for major in newest_llvm(own.names("libclang-rt-")) if major >= minimum["llvm"]]
    major = next((major for major in majors if own.versions(f"clang-{major}") and own.versions(f"lld-{major}")), None)
    if major is None:
        message = f"{own.distribution.id} {own.distribution.codename} has no LLVM {minimum['llvm']} or newer with wasm32 runtimes"
        raise Unavailable(message)
    core = {name.format(major) for name in CORE}
    closure = own.closure(sorted(core))
    present = installed() - core
    suite, wasi_libc = choose_wasi_libc(states, minimum["wasi-libc"], pair)
    return Plan(
        distribution=f"{own.distribution.id} {own.distribution.codename}",
        llvm=major,
        packages={name: version for name, version in sorted(closure.items()) if name not in present},
        wasi_libc=wasi_libc,
        wasi_libc_suite=suite,
    )


def choose_wasi_libc(states: Sequence[Suites], earliest: int, pair: str) -> tuple[str, str]:
    """Give suite and version of the wasi-libc of the wasi-sdk `pair`, else of the first that is of `earliest` or later.

    The machine's own suite comes first in `states`. Raises `Unavailable` if none is new enough.
    """
    came_out = pins.date_of_release(pair)
    latest = int(f"{came_out:%Y%m%d}") if came_out else 0
    seen, fallback = [], None
    for state in states:
        codename = state.distribution.codename
        try:
            versions = state.versions("wasi-libc")
        except FetchError as error:
            seen.append(f"{codename}: {error.message}")
            continue
        if version := paired(versions, pair):
            return codename, version
        young = [version for version in versions if date_of(version) >= earliest]
        fallback = fallback or (codename, young[0]) if young else fallback
        # Later suites have later ones: past the day on which the paired one came out there is no use in asking.
        if fallback and any(date_of(version) > latest for version in versions):
            break
        seen.append(f"{codename}: {', '.join(versions) or 'none'}")
    if fallback is None:
        message = f"no wasi-libc of {earliest} or later ({'; '.join(seen)})"
        raise Unavailable(message)
    return fallback


def _build(
    workspace: Workspace, console: Console, states: list[Apt], plan: Plan, request: Request
) -> dict[str, object]:
    debs, root = workspace.scratch / "debs", workspace.scratch / "root"

    def fetch() -> None:
        states[0].download([f"{name}={version}" for name, version in plan.packages.items()], debs)
        suite = next(state for state in states if state.distribution.codename == plan.wasi_libc_suite)
        suite.download([f"wasi-libc={plan.wasi_libc}"], debs)

    def lay_out() -> None:
        for deb in sorted(debs.glob("*.deb")):
            unpack(deb, root, workspace.log("unpack"))
        debian_layout.lay_out(root, workspace.tree, plan.llvm)

    with console.step(f"Downloading LLVM {plan.llvm} and wasi-libc {plan.wasi_libc}", index=1, total=3):
        workspace.once("download", fetch)
    with console.step("Unpacking", index=2, total=3):
        workspace.once("unpack", lay_out)
    commit = commit_of(plan.wasi_libc)
    llvm = clang_version(workspace.tree)
    sdk = WasiSdk(root=workspace.tree, provider=NAME, id="", llvm=llvm, wasi_libc=commit)
    with console.step("Compiling, linking and running a program", index=3, total=3):
        verify(sdk, request.trial)
    return {
        "schema": 1,
        "recipe": debian_layout.RECIPE,
        "pair": request.pair,
        "sdk": {
            "provider": NAME,
            "llvm": llvm,
            "wasi_libc": commit,
            "version": pins.release_of_wasi_libc(commit),
        },
        "inputs": asdict(plan) | {"sha256": _hashes(debs)},
    }


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.glob("*.deb"))}
