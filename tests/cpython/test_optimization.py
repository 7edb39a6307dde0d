"""The profile, the hot objects, and how the Makefile is read."""

import hashlib
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from hatch_wasi.cpython.makefile import static_archives, variable
from hatch_wasi.cpython.optimization import DATA, HOT_OBJECTS, PLAIN, PROFILES, choose
from hatch_wasi.sdk import WasiSdk

MAKEFILE = """\
OBJECT_OBJS=\t\\
\t\tObjects/abstract.o \\
\t\tObjects/weakrefobject.o

LIBEXPAT_A= Modules/expat/libexpat.a
LIBHACL_SHA2_A= Modules/_hacl/libHacl_Hash_SHA2.a
LIBRARY= libpython3.13.a
"""


def test_a_variable_is_its_words() -> None:
    assert variable(MAKEFILE, "OBJECT_OBJS") == ["Objects/abstract.o", "Objects/weakrefobject.o"]
    assert variable(MAKEFILE, "LIBRARY") == ["libpython3.13.a"]
    assert variable(MAKEFILE, "NOTHING") == []


def test_static_archives() -> None:
    assert static_archives(MAKEFILE) == ["Modules/expat/libexpat.a", "Modules/_hacl/libHacl_Hash_SHA2.a"]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.file)
def test_the_recipe_knows_the_profile_that_is_there(profile: object) -> None:
    data = files("hatch_wasi.cpython").joinpath("profiles", profile.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == profile.sha256


def test_another_compiler_gets_no_profile() -> None:
    assert choose("3.13", 19) is PLAIN
    assert choose("3.12", 22) is PLAIN


def test_the_evaluation_loop_is_not_optimized_at_link_time() -> None:
    assert "Python/ceval.o" not in HOT_OBJECTS
    assert len(set(HOT_OBJECTS)) == len(HOT_OBJECTS)


def test_the_profile_is_one_of_the_interpreter(tmp_path: Path, wasi_sdk: WasiSdk) -> None:
    best = choose("3.13", wasi_sdk.llvm_major)
    assert best is not PLAIN, "the SDK of these tests is one that there is a profile for"
    (tmp_path / DATA).write_bytes(best.files[DATA])
    show = [
        wasi_sdk.program("llvm-profdata"),
        "show",
        "--function=_PyEval_EvalFrameDefault",
        "--counts",
        tmp_path / DATA,
    ]
    shown = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    assert "Functions shown: 1" in shown
