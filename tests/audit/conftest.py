import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from side_modules import SideModules
from wheel_making import WheelMaker

from hatch_wasi.audit.auditor import Auditor
from hatch_wasi.audit.finding import Report
from hatch_wasi.cli import main
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

OWN = ".cpython-313-wasm32-wasi.so"
TAG = "cp313-cp313-wasi_wasm32"


@pytest.fixture(scope="session")
def make(wasi_sdk: WasiSdk, wasi_python: WasiPython, tmp_path_factory: pytest.TempPathFactory) -> SideModules:
    return SideModules(wasi_sdk, wasi_python, tmp_path_factory.mktemp("side-modules"))


@pytest.fixture(scope="session")
def auditor(wasi_python: WasiPython) -> Auditor:
    """With one secret, which is none."""
    return Auditor(wasi_python, secrets={"INDEX_PASSWORD": "hunter2-hunter2"})


@pytest.fixture
def make_wheel(tmp_path: Path) -> WheelMaker:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return WheelMaker(folder)


@pytest.fixture
def audit(auditor: Auditor, make_wheel: WheelMaker) -> Callable[..., Report]:
    """Audit a wheel of these files, tagged for this Python if nothing else is said."""

    def check(files: dict[str, str | bytes], *, tag: str = "cp313-cp313-wasi_wasm32", extra: str = "") -> Report:
        return auditor.check(make_wheel("demo", "1.0", files, tag=tag, extra=extra))

    return check


@pytest.fixture
def run_audit(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run `hatch-wasi audit` as a program of its own."""

    def run(*words: str | Path, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "hatch_wasi", "audit", *map(str, words)]
        environment = {**os.environ, **(env or {})}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def command(toolchain: object, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`hatch-wasi audit …`."""
    monkeypatch.delenv("HATCH_WASI_PYTHON", raising=False)
    return lambda *words: main(["audit", *map(os.fspath, words)])


@pytest.fixture
def good(make: SideModules, make_wheel: WheelMaker) -> Path:
    return make_wheel("good", "1.0", {f"m{OWN}": make.extension()}, tag=TAG)


@pytest.fixture
def warned(make: SideModules, make_wheel: WheelMaker) -> Path:
    files = {f"m{OWN}": make.extension(note=None)}
    return make_wheel("warned", "1.0", files, tag=TAG)


@pytest.fixture
def bad(make: SideModules, make_wheel: WheelMaker) -> Path:
    files = {f"other{OWN}": make.extension(), "pkg/m.cpython-312-x86_64-linux-gnu.so": b"\x7fELF"}
    return make_wheel("bad", "1.0", files, tag=TAG)
