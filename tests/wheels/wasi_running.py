"""Run WASI programs with the compiled code that all tests share: caches of single tests begin empty."""

from pathlib import Path

from hatch_wasi.cache import Cache
from hatch_wasi.runtime.trial import run_command

CODE = Cache().root / "aot"


def run_with_code_of_all_tests(wasm: Path, argv, *, code: Path, **options) -> tuple[int, str]:
    assert code.name == "aot"
    return run_command(wasm, argv, code=CODE, **options)
