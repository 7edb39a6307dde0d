"""Fixtures for the real toolchain, and the guest as a person runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

TOOLCHAIN_FIXTURES = {"toolchain", "wasi_sdk", "wasi_python", "guest"}

Guest = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-toolchain",
        action="store_true",
        help="bootstrap the WASI toolchain if it is not there, and fail if that fails (else: skip what needs it)",
    )


def pytest_configure() -> None:
    # Shells start what runs in the background with SIGINT ignored, and the programs of tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TOOLCHAIN_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.toolchain)


@pytest.fixture(scope="session")
def cache() -> Cache:
    """The cache that a user would have: HATCH_WASI_CACHE_DIR or the default."""
    return Cache()


@pytest.fixture(scope="session")
def toolchain(cache: Cache, request: pytest.FixtureRequest) -> bootstrap.Toolchain:
    if request.config.getoption("--require-toolchain"):
        return bootstrap.ensure(cache, Console())
    found = bootstrap.ready(cache)
    if found is None:
        pytest.skip("no WASI toolchain: run `hatch-wasi bootstrap`, or pass --require-toolchain")
    return found


@pytest.fixture(scope="session")
def wasi_sdk(toolchain: bootstrap.Toolchain) -> WasiSdk:
    return toolchain.sdk


@pytest.fixture(scope="session")
def wasi_python(toolchain: bootstrap.Toolchain) -> WasiPython:
    return toolchain.python


@pytest.fixture
def guest(toolchain: bootstrap.Toolchain, tmp_path: Path) -> Guest:
    """Run `hatch-wasi run ARGUMENTS` as a person would, with nothing installed and tmp_path as working directory."""
    data = tmp_path / "data"

    def run(*arguments: str | Path, timeout: float = 300, **options: object) -> "subprocess.CompletedProcess[str]":
        options.setdefault("cwd", tmp_path)
        env = {**os.environ, "HATCH_WASI_DATA_DIR": str(data), **options.pop("env", {})}  # type: ignore[dict-item]
        argv = [sys.executable, "-m", "hatch_wasi", "run", *map(os.fspath, arguments)]
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            argv, env=env, capture_output=True, encoding="utf-8", timeout=timeout, check=False, **options
        )

    return run
