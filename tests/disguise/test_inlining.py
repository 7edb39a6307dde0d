"""The compiler driver inlines more than clang does by itself, where a build asks for speed: calls are dear here."""

import subprocess
from pathlib import Path

import pytest

from hatch_wasi.disguise.toolset import Toolset
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

# Too large for clang's own threshold, called twice, so that no other rule has it inlined.
STEP = "h ^= h << 13; h ^= h >> 17; h ^= h << 5; h = h * 31 + p[h % 7]; p[h % 5] = h;"
SOURCE = f"""
static unsigned mix(unsigned h, volatile unsigned *p) {{ {STEP * 5} return h; }}
unsigned twice(unsigned h, volatile unsigned *p) {{ return mix(mix(h, p) + 1, p); }}
"""


@pytest.fixture(scope="module")
def driver(wasi_sdk: WasiSdk, wasi_python: WasiPython, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toolset")
    none = folder / "none"
    toolset = Toolset(
        folder=folder / "tools", sdk=wasi_sdk, python=wasi_python, cxx=None, hidden=(folder,), site_packages=none,
        target_packages=none,
    )  # fmt: skip
    toolset.write()
    return toolset.program("cc")


@pytest.mark.parametrize(
    ("options", "is_inlined"),
    [("-O2", True), ("-Os -O3", True), ("-O3 -Os", False), ("-O3 -mllvm -inline-threshold=1", False), ("", False)],
)
def test_function(driver: Path, wasi_sdk: WasiSdk, tmp_path: Path, options: str, is_inlined: bool) -> None:
    (tmp_path / "mix.c").write_text(SOURCE)
    subprocess.run([driver, *options.split(), "-c", "mix.c"], cwd=tmp_path, check=True)
    nm = [wasi_sdk.program("llvm-nm"), "--defined-only", "mix.o"]
    listed = subprocess.run(nm, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert ("mix\n" not in listed) == is_inlined, listed
    assert "twice\n" in listed
