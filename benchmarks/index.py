"""`hatch-wasi index` of thousands of wheels, cold and with nothing or one wheel changed, beside dumb-pypi and simple503.

Usage: index.py [WHEELS] [ROUNDS] (default: 5000 1). All get the same files, small ones, so that what counts is the work
on each; both peers are given what they ask for (dumb-pypi a list of files with their hashes, which it does not open) and
are run as their commands are. They must be installed: pip install dumb-pypi simple503.
"""

import hashlib
import json
import random
import shutil
import sys
from functools import partial
from pathlib import Path

from bench import Case, hatch_wasi, interleave, run, scratch, table
from wheel.wheelfile import WheelFile

TAG = "cp313-cp313-wasi_wasm32"
PER_PROJECT = 5


def make_wheels(folder: Path, count: int) -> None:
    """Write `count` wheels of 20 KB each, five to a project."""
    folder.mkdir()
    module = random.Random(1).randbytes(20_000)
    for number in range(count):
        name, version = f"project{number // PER_PROJECT}", f"1.{number % PER_PROJECT}"
        info = f"{name}-{version}.dist-info"
        with WheelFile(folder / f"{name}-{version}-{TAG}.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", "")
            wheel.writestr(f"{name}/_native.cpython-313-wasm32-wasi.so", module)
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: One of many\nRequires-Python: >=3.11\n"
            wheel.writestr(f"{info}/METADATA", text)
            wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {TAG}\n")


def cold(wheels: Path, out: Path) -> None:
    """Make an index where none is."""
    shutil.rmtree(out, ignore_errors=True)
    hatch_wasi("index", wheels, "-o", out)


def one_changed(wheels: Path, out: Path) -> None:
    """Make an index again after one wheel came."""
    first = next(wheels.glob("project0-1.0-*.whl"))
    first.touch()
    hatch_wasi("index", wheels, "-o", out)


def dumb_pypi(wheels: Path, out: Path) -> None:
    """Make dumb-pypi's index; hashing the files for its list is part of the work."""
    rows = []
    for path in sorted(wheels.glob("*.whl")):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        rows.append(json.dumps({"filename": path.name, "hash": f"sha256={digest}", "requires_python": ">=3.11"}))
    listing = out.with_suffix(".jsonl")
    listing.write_text("\n".join(rows))
    words = ["--package-list-json", listing, "--packages-url", "../../files/", "--output-dir", out]
    run([sys.executable, "-m", "dumb_pypi.main", *words])


def simple503(wheels: Path, copy: Path) -> None:
    """Make simple503's index, which is in the folder of wheels itself; it extracts METADATA, and sorts files by copies."""
    shutil.rmtree(copy, ignore_errors=True)
    run([Path(sys.executable).with_name("simple503"), "--copy", "--extract-metadata", wheels, copy])


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with scratch() as folder:
        wheels, warm = folder / "wheels", folder / "warm"
        make_wheels(wheels, count)
        hatch_wasi("index", wheels, "-o", warm)
        cases: dict[str, Case] = {
            "simple503 (does not verify)": partial(simple503, wheels, folder / "simple503"),
            "dumb-pypi (opens no wheel)": partial(dumb_pypi, wheels, folder / "dumb"),
            "hatch-wasi index, cold": partial(cold, wheels, folder / "cold"),
            "hatch-wasi index, nothing new": lambda: hatch_wasi("index", wheels, "-o", warm),
            "hatch-wasi index, one wheel new": partial(one_changed, wheels, warm),
        }
        times = interleave(cases, rounds, warm=0)
        table(f"Index of {count} wheels", times, base="simple503 (does not verify)")


if __name__ == "__main__":
    main()
