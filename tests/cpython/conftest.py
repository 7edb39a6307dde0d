"""A bootstrap of seconds: a real SDK, and a stand-in for CPython's sources."""

import os
from pathlib import Path

import pytest
import stand_in

from hatch_wasi.sdk import WasiSdk


@pytest.fixture
def env(tmp_path: Path, wasi_sdk: WasiSdk) -> dict[str, str]:
    """An empty cache and no HOME; the SDK is there, CPython's sources are a stand-in."""
    source = stand_in.make(tmp_path / "source")
    env = {name: value for name, value in os.environ.items() if name != "HOME"}
    return env | {
        "HATCH_WASI_CACHE_DIR": str(tmp_path / "cache"),
        "HATCH_WASI_DATA_DIR": str(tmp_path / "data"),
        "HATCH_WASI_CPYTHON_SOURCE": str(source),
        "HATCH_WASI_BUILD_PYTHON": "build",
        "HATCH_WASI_OFFLINE": "1",
        "WASI_SDK_PATH": str(wasi_sdk.root),
        "STAND_IN_REACHED": str(tmp_path / "reached"),
    }
