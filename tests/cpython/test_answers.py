"""What is written down about a wasi-libc is what configure finds out."""

import runpy
from pathlib import Path

import pytest

from hatch_wasi import pins
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.cpython import recipe
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.sources import cpython

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "answers.py"))

CACHE = """\
ac_cv_func_dup3=${ac_cv_func_dup3=no}
ac_cv_header_zlib_h=${ac_cv_header_zlib_h=no}
ac_cv_func_pipe=${ac_cv_func_pipe=no}
ac_cv_prog_cc_g=${ac_cv_prog_cc_g=yes}
ac_cv_sizeof_long=${ac_cv_sizeof_long=4}
"""


def test_the_libraries_answers_are_chosen() -> None:
    assert SCRIPT["choose"](CACHE, "ac_cv_func_pipe=no\n") == ["ac_cv_func_dup3=no", "ac_cv_sizeof_long=4"]


def test_a_libc_that_nobody_knows() -> None:
    assert recipe.answers("sha256-1234") == recipe.GUEST_ANSWERS.encode()


@pytest.mark.toolchain
def test_configure_comes_to_the_same_result(tmp_path: Path, cache: Cache, wasi_sdk: WasiSdk) -> None:
    answers = recipe.answers(wasi_sdk.wasi_libc)
    assert len(answers) > 10 * len(recipe.GUEST_ANSWERS), "the SDK of these tests is one whose answers are known"
    tree = tmp_path / "cpython"
    cpython.find(cache, Console(), pins.cpython("3.13")).unpack(tree)
    found = {}
    for name, given in (("asked", recipe.GUEST_ANSWERS.encode()), ("told", answers)):
        SCRIPT["configure"](wasi_sdk, tree, tree / "cross-build" / name, answers=given)
        texts = [(tree / "cross-build" / name / file).read_text() for file in ("pyconfig.h", "Makefile")]
        found[name] = [text.replace(f"/cross-build/{name}", "/cross-build/x") for text in texts]
    assert found["asked"] == found["told"]
