"""200 SIGKILLs at random moments: nothing half-made is ever seen, and the next run ends with the same result."""

import hashlib
import json
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import archive_server
import bundles
import pytest
import stand_in

from hatch_wasi import bundle
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.sdk import WasiSdk

KILLS = {"bootstrap": 40, "download": 50, "import": 60, "sdk": 50}
SEED = os.environ.get("HATCH_WASI_TEST_SEED") or str(random.SystemRandom().randrange(1 << 32))


def archives(folder: Path) -> dict[str, bytes]:
    """Make what each job fetches: random data, a toolchain, a tree of many files."""
    data = random.Random(0).randbytes(16 << 20)
    toolchain = bundles.make(folder / "first", note=data[: 4 << 20].hex())
    bundle.pack(Cache(folder / "first"), Console(write=lambda text: None), toolchain, folder / "bundle")
    for index in range(200):
        path = folder / "sdk" / f"folder{index % 10}" / f"file{index}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[index * 16384 : (index + 1) * 16384])
    with tarfile.open(folder / "sdk.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(folder / "sdk", "sdk")
    return {
        "download": data,
        "import": (folder / "bundle").read_bytes(),
        "sdk": (folder / "sdk.tar.gz").read_bytes(),
        "bootstrap": b"",
    }


def test_killed_at_random_moments(tmp_path: Path, wasi_sdk: WasiSdk, monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"HATCH_WASI_TEST_SEED={SEED}")  # noqa: T201 - pytest shows it when this fails
    files = archives(tmp_path)
    script = Path(__file__).with_name("killing_toolchains.py")
    env = {name: value for name, value in os.environ.items() if name not in ("HOME", "HATCH_WASI_SDK")} | {
        "HATCH_WASI_DATA_DIR": str(tmp_path / "data"),
        "HATCH_WASI_CPYTHON_SOURCE": str(stand_in.make(tmp_path / "source")),
        "HATCH_WASI_BUILD_PYTHON": "build",
        "no_proxy": "127.0.0.1",
    }
    with archive_server.running() as server:
        server.files = {f"{job}.tar.xz": data for job, data in files.items()}
        children = {}
        for job, count in KILLS.items():
            sdk = {"WASI_SDK_PATH": str(wasi_sdk.root), "HATCH_WASI_OFFLINE": "1"} if job == "bootstrap" else {}
            sha256 = hashlib.sha256(files[job]).hexdigest()
            words = [job, SEED, str(count), tmp_path / f"cache-{job}", f"{server.url}/{job}.tar.xz", sha256]
            children[job] = subprocess.Popen(
                [sys.executable, script, *words],
                env=env | sdk,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        told = {job: child.communicate() for job, child in children.items()}
    for job, child in children.items():
        assert child.returncode == 0, f"{job}: {told[job][1]}"
    found = {job: json.loads(output) for job, (output, _) in told.items()}
    print(found)  # noqa: T201
    assert {job: result["kills"] for job, result in found.items()} == KILLS
    assert sum(KILLS.values()) == 200
    # A kill in the last instants finds everything done; most come before.
    assert all(result["early"] > KILLS[job] // 4 for job, result in found.items()), found
