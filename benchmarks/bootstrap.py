"""Making the WASI CPython: `hatch-wasi bootstrap` against CPython's own `Tools/wasm/wasi.py build`.

Usage: bootstrap.py SOURCE-ARCHIVE SDK-FOLDER [BUILD-PYTHON]. Both get the same sources and the same SDK, an empty
cache, and all processors. The script always builds a native Python first; so does the first row of ours. With
BUILD-PYTHON (a native interpreter of the same X.Y) there is a second row of ours that uses it, as a bootstrap does
where it finds one. One run takes minutes: this is not interleaved, run it twice on a quiet machine.
"""

import argparse
import os
import sys
import tarfile
from functools import partial
from pathlib import Path

from bench import measure, run, scratch, table


def ours(folder: Path, source: Path, sdk: Path) -> None:
    """Bootstrap into an empty cache."""
    env = {"HATCH_WASI_CACHE_DIR": str(folder), "HATCH_WASI_CPYTHON_SOURCE": str(source)}
    run([sys.executable, "-m", "hatch_wasi", "bootstrap", "--sdk", sdk], env=env)


def theirs(folder: Path, source: Path, sdk: Path) -> None:
    """Unpack and run CPython's script. Its last step runs the result by `true`: there may be no wasmtime."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="tar")
    (tree,) = folder.iterdir()
    argv = [sys.executable, "Tools/wasm/wasi.py", "build", "--quiet", "--host-runner", "true"]
    run(argv, cwd=tree, env={"WASI_SDK_PATH": str(sdk)})
    (wasm,) = tree.glob("cross-build/wasm32-*/python.wasm")
    if not wasm.stat().st_size:
        sys.exit(f"{wasm} is empty")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("sdk", type=Path)
    args = parser.parse_args()
    source, sdk = args.source.resolve(), args.sdk.resolve()
    for name in ("CC", "CFLAGS", "PYTHONPATH"):
        os.environ.pop(name, None)
    base = "CPython's Tools/wasm/wasi.py build"
    with scratch() as folder:
        (folder / "theirs").mkdir()
        times = {base: [measure(partial(theirs, folder / "theirs", source, sdk))]}
        times["hatch-wasi bootstrap"] = [measure(partial(ours, folder / "ours", source, sdk))]
    table("From a source archive to an installed WASI CPython", times, base=base)


if __name__ == "__main__":
    main()
