"""The toolchain as components: what its cache entries' manifests say of where it comes from, and its archives."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.sbom.component import LLVM_LICENCE, Component, file_component, is_sha256, purl
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

__all__ = ["cxx_components", "python_component", "sdk_components"]

CXX_NAMES = {"libc++.a": "libc++", "libc++abi.a": "libc++abi", "libunwind.a": "libunwind"}


@dataclass(frozen=True, kw_only=True)
class _Origins:
    """Where the parts of an SDK come from; a component that is empty is not known."""

    packed: tuple[Component, ...] = ()
    """The archives and packages that it was put together from."""
    llvm: Component
    builtins: Component
    wasi_libc: Component


def sdk_components(sdk: WasiSdk) -> list[Component]:
    """Give the SDK, its compiler, wasi-libc and the compiler's runtime, in that order.

    Raises `ToolchainError` if an archive that modules are linked with cannot be read.
    """
    found = _origins(sdk)
    libc = sdk.library_dir / "libc.a"
    wasi_libc = Component(
        kind="library",
        name="wasi-libc",
        version=sdk.wasi_libc,
        ref="wasi-libc",
        description="the C library whose headers were compiled against; its code is in the Python that loads the modules",
        purl="" if sdk.wasi_libc.startswith("sha256-") else purl("github", "WebAssembly/wasi-libc", sdk.wasi_libc),
        part="interface",
        parts=(file_component(libc),) if libc.is_file() else (),
    )
    runtime = Component(
        kind="library",
        name="compiler-rt",
        version=sdk.llvm,
        ref="compiler-rt",
        description="the compiler's runtime; modules hold what they use of it",
        licence=LLVM_LICENCE,
        purl=_llvm(sdk.llvm),
        part="linked",
        parts=(file_component(sdk.builtins),) if sdk.builtins else (),
    )
    parts = ((_compiler(sdk), found.llvm), (wasi_libc, found.wasi_libc), (runtime, found.builtins))
    return [_whole(sdk, found.packed), *(_come_from(part, origin) for part, origin in parts)]


def _compiler(sdk: WasiSdk) -> Component:
    return Component(
        kind="application",
        name="llvm",
        version=sdk.llvm,
        ref="llvm",
        description="clang and lld, which compiled and linked the modules",
        licence=LLVM_LICENCE,
        cpe=f"cpe:2.3:a:llvm:llvm:{sdk.llvm}:*:*:*:*:*:*:*",
        purl=_llvm(sdk.llvm),
        part="tool",
    )


def _whole(sdk: WasiSdk, packed: tuple[Component, ...]) -> Component:
    return Component(
        kind="application",
        name="wasi-sdk",
        version=sdk.version or sdk.id,
        ref="wasi-sdk",
        description=f"WASI SDK ({sdk.provider}); the version is the release whose wasi-libc it has, where that is known",
        part="tool",
        properties=(("provider", sdk.provider), ("id", sdk.id)),
        parts=packed,
    )


def cxx_components(cxx: CxxLibrary, *, exceptions: bool) -> list[Component]:
    """Give the C++ library's archives, in link order. Raises `ToolchainError` if one cannot be read."""
    source = _table(_inputs(cxx.root).get("llvm"))
    variant = "with exceptions" if exceptions else "without exceptions"
    found = []
    for path in cxx.archives(exceptions=exceptions):
        archive = file_component(path)
        name = CXX_NAMES[path.name]
        found.append(
            Component(
                kind="library",
                name=name,
                version=cxx.llvm,
                ref=name if exceptions else f"{name}-noeh",
                description=f"LLVM's C++ library, {variant}; modules hold what they use of it",
                licence=LLVM_LICENCE,
                sha256=archive.sha256,
                purl=_llvm(cxx.llvm),
                part="linked",
                properties=(("file", path.name), *_source_properties(source)),
            )
        )
    return found


def python_component(python: WasiPython) -> Component:
    """Give the CPython whose headers were compiled against."""
    source = _table(_inputs(python.root).get("source"))
    sha256 = source.get("sha256")
    return Component(
        kind="platform",
        name="cpython",
        version=python.version,
        ref="cpython",
        description="the interpreter whose headers were compiled against; the hash is its sources'",
        sha256=str(sha256) if is_sha256(sha256) else "",
        cpe=f"cpe:2.3:a:python:python:{python.version}:*:*:*:*:*:*:*",
        purl=purl("github", "python/cpython", f"v{python.version}"),
        part="interface",
        properties=_source_properties(source),
    )


def _come_from(part: Component, origin: Component) -> Component:
    """Say of `part` what is known of the artifact it came in."""
    properties = (*part.properties, *origin.properties)
    return replace(part, purl=origin.purl or part.purl, sha256=origin.sha256, properties=properties)


def _llvm(version: str) -> str:
    return purl("github", "llvm/llvm-project", f"llvmorg-{version}")


def _origins(sdk: WasiSdk) -> _Origins:
    inputs = _inputs(sdk.root)
    if "packages" in inputs:
        return _of_packages(inputs)
    if "compiler" in inputs:
        return _of_release(inputs)
    if "llvm" in inputs:
        llvm, libc = (_of_source(name, _table(inputs.get(name))) for name in ("llvm", "wasi_libc"))
        return _Origins(packed=(llvm, libc), llvm=llvm, builtins=llvm, wasi_libc=libc)
    # A folder on the machine: what it was made of, it does not say.
    clang, nothing = sdk.program("clang"), Component(kind="file", name="")
    here = file_component(clang.resolve()) if clang.is_file() else nothing
    return _Origins(llvm=here, builtins=nothing, wasi_libc=nothing)


def _of_packages(inputs: Mapping[str, object]) -> _Origins:
    """Read what `debian` notes: the distribution, and the hashes of packages by file name."""
    vendor, _, suite = str(inputs.get("distribution")).partition(" ")
    packages = {}
    for file, sha256 in sorted(_table(inputs.get("sha256")).items()):
        # NAME_VERSION_ARCHITECTURE.deb, with the colon of an epoch as apt writes it in file names.
        name, version, arch = unquote(file).removesuffix(".deb").split("_")
        distro = str(inputs.get("wasi_libc_suite") or suite) if name == "wasi-libc" else suite
        packages[name] = Component(
            kind="application",
            name=name,
            version=version,
            sha256=str(sha256),
            purl=purl("deb", f"{vendor}/{name}", version, [("arch", arch), ("distro", distro)]),
        )
    nothing = Component(kind="file", name="")

    def package(beginning: str) -> Component:
        return next((item for name, item in packages.items() if name.startswith(beginning)), nothing)

    return _Origins(
        packed=tuple(packages.values()),
        llvm=package("clang-"),
        builtins=package("libclang-rt-"),
        wasi_libc=package("wasi-libc"),
    )


def _of_release(inputs: Mapping[str, object]) -> _Origins:
    """Read what `release` notes: two archives of wasi-sdk."""
    found = []
    for name in ("compiler", "sysroot"):
        pin = _table(inputs.get(name))
        url, release = str(pin.get("url", "")), str(pin.get("release", ""))
        found.append(
            Component(
                kind="file",
                name=url.rpartition("/")[2] or name,
                version=release,
                sha256=str(pin["sha256"]) if is_sha256(pin.get("sha256")) else "",
                purl=purl("github", "WebAssembly/wasi-sdk", f"wasi-sdk-{release.partition('.')[0]}"),
                properties=(("origin", url),),
            )
        )
    compiler, sysroot = found
    return _Origins(packed=tuple(found), llvm=compiler, builtins=compiler, wasi_libc=sysroot)


def _of_source(name: str, source: Mapping[str, object]) -> Component:
    identity = source.get("identity")
    return Component(
        kind="file",
        name=f"{name.replace('_', '-')} sources",
        version=str(source.get("version") or source.get("commit") or ""),
        sha256=str(identity) if is_sha256(identity) else "",
        properties=_source_properties(source),
    )


def _source_properties(source: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Give where sources come from; the name of a folder or archive on this machine is no path."""
    identity = str(source.get("sha256") or source.get("identity") or "")
    return (("origin", str(source.get("origin") or "")), ("origin-identity", identity))


def _inputs(root: Path) -> Mapping[str, object]:
    """Read what an entry was made from; empty for a folder that is no entry."""
    try:
        content = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return _table(_table(content).get("inputs"))


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
