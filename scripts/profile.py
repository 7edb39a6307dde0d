"""Make the profile that python.wasm is optimized with (hatch_wasi/cpython/profiles), on a Debian machine.

Usage: python scripts/profile.py [TEST…]. Builds an interpreter that counts what it does (LLVM's IR instrumentation,
with value profiling), lets it run CPython's own tests, the list that CPython trains its native builds with and a few
more, and merges what it counted. The counting runtime is compiled from LLVM's sources, the distribution's package of
the version that the SDK's compiler has. Takes a quarter of an hour; to be run when CPython's X.Y or LLVM's major
changes. Prints the line for `optimization.PROFILES`.
"""

import hashlib
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from hatch_wasi import bootstrap, pins, process
from hatch_wasi.cache import Cache, Workspace
from hatch_wasi.console import Console
from hatch_wasi.cpython.build import Build
from hatch_wasi.cpython.optimization import Optimization
from hatch_wasi.errors import FetchError
from hatch_wasi.runtime.trial import run_command
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution

PROFILES = Path(__file__).parents[1] / "hatch_wasi" / "cpython" / "profiles"
RUNTIME = (
    "InstrProfiling.c", "InstrProfilingBuffer.c", "InstrProfilingFile.c", "InstrProfilingInternal.c",
    "InstrProfilingMerge.c", "InstrProfilingMergeFile.c", "InstrProfilingNameVar.c", "InstrProfilingPlatformLinux.c",
    "InstrProfilingRuntime.cpp", "InstrProfilingUtil.c", "InstrProfilingValue.c", "InstrProfilingVersionVar.c",
    "InstrProfilingWriter.c",
)  # fmt: skip
# Beside Lib/test/libregrtest/pgo.py: what every program does all the time.
MORE_TESTS = (
    "test_class", "test_deque", "test_descr", "test_dict", "test_enumerate", "test_exceptions", "test_grammar",
    "test_list", "test_sort", "test_string", "test_tuple", "test_unpack", "test_with",
)  # fmt: skip
TIMEOUT = 120


def fetch_llvm(cache: Cache, major: int, folder: Path) -> Path:
    """Give the source archive of LLVM from the first suite that has it."""
    machine = Distribution.detect()
    for suites in (machine, *machine.newer()):
        apt = Apt(suites, cache.folder("apt") / suites.codename, cache.folder("logs") / "apt.log")
        try:
            files = apt.source(f"llvm-toolchain-{major}", folder)
        except FetchError:
            files = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in files:
            if ".orig.tar" in path.name:
                return path
    sys.exit(f"no source of LLVM {major}")


def compile_runtime(sdk: WasiSdk, archive: Path, folder: Path) -> Path:
    """Compile compiler-rt's profile runtime for WASI and give the static library."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if re.search(r"/compiler-rt/(lib/profile|include)/", member.name):
                tar.extract(member, folder, filter="data")
    (root,) = folder.glob("*/compiler-rt")
    objects = []
    for name in RUNTIME:
        objects.append(folder / f"{name}.o")
        emulated = [f"-D_WASI_EMULATED_{what}" for what in ("MMAN", "SIGNAL", "GETPID")]
        compiler = [*sdk.cxx, "-fno-exceptions", "-nostdinc++"] if name.endswith(".cpp") else sdk.cc
        source = root / "lib" / "profile" / name
        argv = [*compiler, "-O2", *emulated, "-I", root / "include", "-c", source, "-o", objects[-1]]
        process.run(argv, what=f"compiling {name}", env=process.base_environment())
    library = folder / "libprofile.a"
    process.run([sdk.program("llvm-ar"), "rcs", library, *objects], what="archiving")
    return library


def train(python: Path, library: Path, tests: list[str], folder: Path) -> list[Path]:
    """Let the counting interpreter run the tests, each in a process; what they find does not matter."""
    for number, test in enumerate(tests, 1):
        options = ["--python", python, "--site", library, "--dir", f"{folder}::/profile"]
        options += ["--env", f"LLVM_PROFILE_FILE=/profile/{test}.profraw"]
        argv = [sys.executable, "-m", "hatch_wasi", "run", *options, "-m", "unittest", "-q", f"test.{test}"]
        with tempfile.TemporaryDirectory() as work:
            try:
                done = subprocess.run(argv, cwd=work, capture_output=True, timeout=TIMEOUT, check=False)
                ended = f"status {done.returncode}"
            except subprocess.TimeoutExpired:
                ended = "took too long, left out"
        print(f"[{number}/{len(tests)}] {test}: {ended}", flush=True)
    return sorted(folder.glob("*.profraw"))


def main() -> None:
    """Build, train, merge."""
    cache, console = Cache(), Console()
    sdk = bootstrap.ensure_sdk(cache, console)
    source = cpython.find(cache, console, pins.cpython("3.13"))
    with tempfile.TemporaryDirectory(prefix="hatch-wasi-profile-") as name:
        work = Path(name)
        runtime = compile_runtime(sdk, fetch_llvm(cache, sdk.llvm_major, work / "llvm"), work / "runtime")
        counting = Optimization(
            flags=("-fprofile-generate", "-mllvm", "-vp-counters-per-site=4"),
            program_flags=(str(runtime), "-Wl,--undefined=__llvm_profile_runtime"),
        )

        def build(workspace: Workspace) -> dict[str, object]:
            how = {"cache": cache, "console": console, "source": source, "sdk": sdk, "optimization": counting}
            return Build(workspace=workspace, run_wasi=run_command, **how).run()

        entry = Cache(work / "cache").make("python", f"{source.version}-counting", build)
        source.unpack(work / "source")
        listed = (work / "source" / "Lib" / "test" / "libregrtest" / "pgo.py").read_text(encoding="utf-8")
        tests = sys.argv[1:] or sorted({*re.findall(r"'(test_\w+)'", listed), *MORE_TESTS})
        (work / "counts").mkdir()
        counts = train(entry, work / "source" / "Lib", tests, work / "counts")
        merged = work / "merged.profdata"
        process.run(
            [sdk.program("llvm-profdata"), "merge", "--sparse", "-o", merged, *counts],
            what="merging",
            env=process.base_environment(),
        )
        short = ".".join(source.version.split(".")[:2])
        target = PROFILES / f"cpython-{short}-llvm-{sdk.llvm_major}.profdata.xz"
        target.write_bytes(lzma.compress(merged.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        print(f'("{short}", {sdk.llvm_major}): Profile("{target.name}", "{digest}"),')


if __name__ == "__main__":
    main()
