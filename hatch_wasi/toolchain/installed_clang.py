"""The clang that is installed on the machine, and the programs that go with it: found, tried, and linked from beside
the SDKs that use them, so that no SDK names a place of the machine.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Cache, replace_file
from hatch_wasi.errors import ProcessFailed, ToolchainError

__all__ = ["BUILD", "MINIMUM", "VARIABLE", "InstalledClang", "chosen", "find", "is_in_place", "place"]

VARIABLE = "HATCH_WASI_CLANG"
BUILD = "build"
MINIMUM = 18
"""The first LLVM that compiles the wasi-libc of the wasi-sdk releases that Pythons are paired with."""
NEWEST = 40
REQUIRED = ("wasm-ld", "llvm-ar", "llvm-nm", "llvm-ranlib")
OPTIONAL = ("llvm-cxxfilt", "llvm-objcopy", "llvm-objdump", "llvm-profdata", "llvm-readobj", "llvm-size", "llvm-strip")


@dataclass(frozen=True, kw_only=True)
class InstalledClang:
    """A clang for WebAssembly with its linker and archive tools."""

    version: str
    """`22.1.8`."""
    resources: Path
    """Its resource directory: the compiler's own headers are in `include`."""
    programs: dict[str, Path]
    """Name (`clang`, `wasm-ld`, `llvm-ar`) to the program."""

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.partition(".")[0])


def chosen() -> str:
    """Give what `HATCH_WASI_CLANG` says: `auto`, `build` (compile LLVM) or a path."""
    return os.environ.get(VARIABLE) or "auto"


def find() -> InstalledClang:
    """Give the clang that was named, else the newest on the PATH. Raises `ToolchainError` saying why none serves."""
    if chosen() not in ("auto", BUILD):
        path = Path(chosen()).expanduser().absolute()
        try:
            return _read(path)
        except ToolchainError as error:
            message = f"{VARIABLE}={path} cannot be used: {error.message}"
            hint = f"name a clang {MINIMUM} or newer with wasm-ld and llvm-ar beside it, or set it to `{BUILD}`"
            raise ToolchainError(message, hint=hint) from error
    reasons = []
    for path in _candidates():
        try:
            return _read(path)
        except ToolchainError as error:
            reasons.append(f"{path}: {error.message}")
    message = "; ".join(reasons) or f"no clang {MINIMUM} or newer on the PATH"
    raise ToolchainError(message)


def _candidates() -> Iterator[Path]:
    names = ["clang", *(f"clang-{major}" for major in range(NEWEST, MINIMUM - 1, -1))]
    found = [path for name in names if (path := shutil.which(name))]
    # An unversioned clang may be any: the newest wins, whatever its name.
    versions = {path: _version_in(path) for path in found}
    yield from (Path(path) for path in sorted(found, key=lambda path: versions[path], reverse=True))


def _version_in(program: str | Path) -> tuple[int, ...]:
    try:
        text = process.run([program, "--version"], what=f"asking {program}", env=process.base_environment())
    except ProcessFailed:
        return ()
    found = re.search(r"(?:clang version|LLD|LLVM version) (\d+(?:\.\d+)*)", text)
    return tuple(map(int, found[1].split("."))) if found and "Apple" not in text else ()


def _read(clang: Path) -> InstalledClang:
    """Look at one clang and find what goes with it. Raises `ToolchainError` saying what is wrong."""
    version = _version_in(clang)
    if not version:
        message = "it does not run, or is not clang as LLVM releases it"
        raise ToolchainError(message)
    if version[0] < MINIMUM:
        message = f"it is clang {version[0]}, and {MINIMUM} or newer is needed"
        raise ToolchainError(message)
    env = process.base_environment()
    try:
        targets = process.run([clang, "--print-targets"], what="asking clang for its targets", env=env)
        resources = process.run([clang, "-print-resource-dir"], what="asking clang for its headers", env=env).strip()
    except ProcessFailed as error:
        raise ToolchainError(error.message) from error
    if "wasm32" not in targets:
        message = "it was built without WebAssembly"
        raise ToolchainError(message)
    if not Path(resources, "include", "stddef.h").is_file():
        message = f"its own headers are missing ({resources}/include/stddef.h)"
        raise ToolchainError(message)
    programs = {name: path for name in (*REQUIRED, *OPTIONAL) if (path := _beside(clang, name, version[0]))}
    if "llvm-ar" in programs:
        programs.setdefault("llvm-ranlib", programs["llvm-ar"])  # one program, which looks at its name
    missing = [name for name in REQUIRED if name not in programs]
    if missing:
        message = f"{', '.join(missing)} of LLVM {version[0]} not found beside it or on the PATH"
        raise ToolchainError(message)
    if (linker := _version_in(programs["wasm-ld"])) and linker[0] != version[0]:
        message = f"it is clang {version[0]}, and its linker {programs['wasm-ld']} is LLD {linker[0]}"
        raise ToolchainError(message)
    return InstalledClang(
        version=".".join(map(str, version)), resources=Path(resources), programs={"clang": clang, **programs}
    )


def _beside(clang: Path, name: str, major: int) -> Path | None:
    """Look for a program where clang is, by its own name or with the same suffix, then on the PATH by version."""
    suffix = clang.name.removeprefix("clang")
    places = [
        clang.parent / f"{name}{suffix}",
        clang.resolve().parent / name,
        clang.resolve().parent / f"{name}{suffix}",
    ]
    on_path = (shutil.which(word) for word in (f"{name}-{major}", name))
    return next((path for path in (*places, *map(Path, filter(None, on_path))) if os.access(path, os.X_OK)), None)


def place(cache: Cache, clang: InstalledClang) -> None:
    """Link its programs from `clang/<version>/` in the cache, where the SDKs made with it look for them."""
    with cache.lock(f"clang-{clang.version}"):
        folder, stamp = cache.folder("clang") / clang.version, _stamp(clang.programs["clang"])
        if _links(folder) == clang.programs and (folder / "stamp").read_text(encoding="utf-8") == stamp:
            return
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as name:
            made = Path(name, "links")
            made.mkdir()
            for program, path in clang.programs.items():
                (made / program).symlink_to(path)
            replace_file(made / "stamp", stamp.encode())
            if folder.exists():
                folder.rename(Path(name, "before"))
            made.rename(folder)


def is_in_place(cache: Cache, version: str) -> bool:
    """Tell whether the clang that `place` linked is there and still the same file; nothing is run."""
    folder = cache.root / "clang" / version
    try:
        same = (folder / "stamp").read_text(encoding="utf-8") == _stamp(folder / "clang")
    except OSError:
        return False
    said = chosen()
    return same and (said in ("auto", BUILD) or (folder / "clang").readlink() == Path(said).expanduser().absolute())


def _links(folder: Path) -> dict[str, Path]:
    return {path.name: path.readlink() for path in folder.glob("*") if path.is_symlink()}


def _stamp(clang: Path) -> str:
    status = clang.resolve().stat()
    return f"{status.st_size} {status.st_mtime_ns}\n"
