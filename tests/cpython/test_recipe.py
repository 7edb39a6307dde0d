"""The build's commands, as data."""

from pathlib import Path

import pytest

from hatch_wasi import pins
from hatch_wasi.cpython import libraries, recipe, versions
from hatch_wasi.sdk import WasiSdk

VERSION = versions.version("3.13")
SDK = WasiSdk(root=Path("/sdk"), provider="existing", id="existing-1", llvm="22.1.8", wasi_libc="574b88d")


def test_the_recipe_names_the_guest_and_the_options() -> None:
    assert {"dl.c", "signals.c", "threads.c", "hatch_wasi_dl.h", "hatch_wasi_trampoline.h"} <= set(recipe.guest_files())
    assert len(recipe.recipe_id()) == 12


def test_configure_is_relative_and_names_both_machines() -> None:
    argv = recipe.configure_wasi(
        VERSION, "../../configure", build="x86_64-pc-linux-gnu", build_python=Path("/b/python")
    )
    assert argv[0] == "../../configure"
    assert {"--host=wasm32-wasip1", "--build=x86_64-pc-linux-gnu", "--with-build-python=/b/python"} <= set(argv)
    assert "--with-pymalloc" in argv


def test_the_environment_makes_dlopen_part_of_python() -> None:
    env = recipe.wasi_environment(VERSION, SDK, Path("/src"))
    assert env["DYNLOADFILE"] == "dynload_shlib.o"
    assert env["CC"] == "/sdk/bin/clang --target=wasm32-wasip1 --sysroot=/sdk/share/wasi-sysroot"
    assert env["CONFIG_SITE"] == "/src/Tools/wasm/config.site-wasm32-wasi hatch_wasi.site"


def test_only_what_the_sysroot_has_is_linked(tmp_path: Path) -> None:
    sdk = WasiSdk(root=tmp_path, provider="release", id="", llvm="22.1.0", wasi_libc="b9ef79d")
    sdk.library_dir.mkdir(parents=True)
    for name in ("libc.a", "libc-printscan-long-double.a", "libwasi-emulated-pthread.a"):
        (sdk.library_dir / name).touch()
    assert recipe.libraries(sdk) == ["-lc-printscan-long-double", "-lwasi-emulated-pthread"]
    assert {path.name for path in recipe.archives(sdk)} == {
        "libc.a", "libc-printscan-long-double.a", "libwasi-emulated-pthread.a"
    }  # fmt: skip


def test_the_link_exports_everything() -> None:
    words = recipe.link_arguments(VERSION, ["strtok"], ["dl.o"]).split("\n")
    for word in ("-Wl,--export-all", "-Wl,--growable-table", "-Wl,--export=__stack_pointer", "-Wl,--undefined=strtok"):
        assert word in words
    assert words.index("dl.o") < words.index("-lc-printscan-long-double")
    assert "-Wl,-z,stack-size=16777216" in words


def test_every_python_that_is_offered_has_its_data() -> None:
    assert versions.known() == pins.supported_pythons() == ("3.13", "3.14", "3.15")
    for name in versions.known():
        version = versions.version(name)
        assert set(version.libraries) <= set(libraries.LIBRARIES)
        assert version.stack_size < version.initial_memory
        assert version.initial_memory % 65536 == 0
        for edit in version.edits:  # each `old` stands once in its file, whatever the other edits put there
            others = [other for other in version.edits if other is not edit and other.file == edit.file]
            assert not any(edit.old in text for other in others for text in (other.old, other.new))


@pytest.mark.parametrize(
    ("name", "site"),
    [("3.13", "Tools/wasm"), ("3.14", "Tools/wasm/wasi"), ("3.15", "Platforms/WASI")],
)
def test_each_python_has_its_own_answers_for_configure(name: str, site: str) -> None:
    env = recipe.wasi_environment(versions.version(name), SDK, Path("/src"))
    assert env["CONFIG_SITE"].split()[0] == f"/src/{site}/config.site-wasm32-wasi"
