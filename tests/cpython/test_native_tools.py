"""A native compiler where the machine has none."""

import os
import subprocess
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.cpython import native
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk

PROGRAM = """\
#include <stdio.h>
#include <zlib.h>
int main(void) { return printf("native, zlib %c\\n", zlibVersion()[0]) < 0; }
"""


def test_the_distributions_packages_compile_and_link(
    tmp_path: Path, wasi_sdk: WasiSdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HATCH_WASI_OFFLINE", raising=False)
    cache = Cache(tmp_path / "cache")
    tools = native.from_packages(cache, wasi_sdk, tmp_path / "native", tmp_path / "log")
    assert {path.name.partition(".so")[0] for path in tools.libraries} >= {"libssl", "libcrypto", "libz"}
    (tmp_path / "main.c").write_text(PROGRAM)
    (tmp_path / "Makefile").write_text(f"main: main.c\n\t{' '.join(tools.cc)} main.c -o main -lz\n")
    subprocess.run([tools.make, "main"], cwd=tmp_path, env={"PATH": "/nowhere", "SHELL": "/bin/sh"}, check=True)
    search = os.pathsep.join(str(path.parent) for path in tools.libraries)
    done = subprocess.run(
        [tmp_path / "main"], env={"LD_LIBRARY_PATH": search}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "native, zlib 1\n"
    # A second call finds what the first has unpacked: no network is needed.
    monkeypatch.setattr(native, "_fetch", None)
    assert native.from_packages(cache, wasi_sdk, tmp_path / "native", tmp_path / "log") == tools
    for path in (tmp_path / "native").rglob("*"):
        assert not path.is_symlink() or not path.readlink().is_absolute(), path


def test_offline_says_what_to_install(tmp_path: Path, wasi_sdk: WasiSdk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(ToolchainError, match="no C compiler") as caught:
        native.from_packages(Cache(tmp_path), wasi_sdk, tmp_path / "native", tmp_path / "log")
    assert "install a C compiler" in str(caught.value.hint)
