"""Write down what CPython's configure finds out about a wasi-libc (hatch_wasi/cpython/answers).

Usage: python scripts/answers.py. Configures the pinned CPython with the SDK that this machine has, knowing nothing, and
keeps the answers that are properties of wasi-libc: which headers, functions, types and members it has, and sizes. What
CPython's own config.site decides, and what depends on the compiler, is left to configure. To be run when a wasi-libc
comes to be used that has no file yet; `tests/cpython/test_answers.py` compares the outcomes.
"""

import re
import sys
import tempfile
from pathlib import Path

from hatch_wasi import bootstrap, pins, process
from hatch_wasi.cache import Cache, replace_file
from hatch_wasi.console import Console
from hatch_wasi.cpython import recipe, versions
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython

PYTHON = "3.13"
ANSWERS = Path(__file__).parents[1] / "hatch_wasi" / "cpython" / "answers"
KINDS = "alignof|func|have_decl|header|member|sizeof|struct|type"
# Libraries that are linked into python.wasm, or may be: not wasi-libc's.
OTHERS = re.compile(
    r"zlib|bzlib|lzma|sqlite|zstd|ffi|gdbm|ncurses|panel|readline|openssl|uuid|tcl|expat|mpdec|_db_|ndbm"
)


def configure(sdk: WasiSdk, source: Path, folder: Path, *, answers: bytes = b"") -> Path:
    """Configure in `folder`, two levels below `source`, and give the cache file that configure wrote."""
    folder.mkdir(parents=True)
    (folder / "hatch_wasi.site").write_bytes(answers)
    python = folder / "build-python"
    replace_file(python, f"#!/bin/sh\necho {PYTHON}\n".encode(), mode=0o755)
    version = versions.version(PYTHON)
    argv = recipe.configure_wasi(version, "../../configure", build="x86_64-pc-linux-gnu", build_python=python)
    env = process.base_environment(recipe.wasi_environment(version, sdk, source))
    process.run([*argv, "--cache-file=answers"], what="configuring", cwd=folder, env=env)
    return folder / "answers"


def choose(cache_file: str, site: str) -> list[str]:
    """Choose from an autoconf cache the lines `name=value` that are wasi-libc's, leaving out what `site` decides."""
    decided = set(re.findall(r"^(\w+)=", site, flags=re.MULTILINE))
    rule = rf"^(ac_cv_(?:{KINDS})_\w+)=\$\{{\1=(.*)\}}$"
    found = re.findall(rule, cache_file, flags=re.MULTILINE)
    return [f"{name}={value}" for name, value in found if name not in decided and not OTHERS.search(name)]


def main() -> None:
    """Configure, choose, write."""
    cache, console = Cache(), Console()
    sdk = bootstrap.ensure_sdk(cache, console)
    if sdk.wasi_libc.startswith("sha256-"):
        sys.exit(f"nobody knows which wasi-libc {sdk.root} has")
    with tempfile.TemporaryDirectory(prefix="hatch-wasi-answers-") as name:
        tree = Path(name, "cpython")
        cpython.find(cache, console, pins.cpython(PYTHON)).unpack(tree)
        answers = configure(sdk, tree, tree / "cross-build" / "answers").read_text(encoding="utf-8")
        site = (tree / "Tools" / "wasm" / "config.site-wasm32-wasi").read_text(encoding="utf-8")
    target = ANSWERS / f"wasi-libc-{sdk.wasi_libc}.site"
    head = f"# What CPython's configure finds out about wasi-libc {sdk.wasi_libc}, by scripts/answers.py.\n"
    replace_file(target, (head + "\n".join(choose(answers, site)) + "\n").encode())
    print(f"{target}: {len(target.read_text().splitlines()) - 1} answers")


if __name__ == "__main__":
    main()
