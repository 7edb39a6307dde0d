"""The build's commands, as data."""

from pathlib import Path

from hatch_wasi.cpython import recipe
from hatch_wasi.sdk import WasiSdk

SDK = WasiSdk(root=Path("/sdk"), provider="existing", id="existing-1", llvm="22.1.8", wasi_libc="574b88d")


def test_the_recipe_names_the_guest_and_the_options() -> None:
    assert {"dl.c", "signals.c", "threads.c", "hatch_wasi_dl.h", "hatch_wasi_trampoline.h"} <= set(recipe.guest_files())
    assert len(recipe.recipe_id()) == 12


def test_configure_is_relative_and_names_both_machines() -> None:
    argv = recipe.configure_wasi("../../configure", build="x86_64-pc-linux-gnu", build_python=Path("/b/python"))
    assert argv[0] == "../../configure"
    assert {"--host=wasm32-wasip1", "--build=x86_64-pc-linux-gnu", "--with-build-python=/b/python"} <= set(argv)
    assert "--with-pymalloc" in argv


def test_the_environment_makes_dlopen_part_of_python() -> None:
    env = recipe.wasi_environment(SDK, Path("/src"))
    assert env["DYNLOADFILE"] == "dynload_shlib.o"
    assert env["CC"] == "/sdk/bin/clang --target=wasm32-wasip1 --sysroot=/sdk/share/wasi-sysroot"
    assert env["CONFIG_SITE"] == "/src/Tools/wasm/config.site-wasm32-wasi hatch_wasi.site"


def test_only_what_the_sysroot_has_is_linked(tmp_path: Path) -> None:
    sdk = WasiSdk(root=tmp_path, provider="release", id="", llvm="22.1.0", wasi_libc="b9ef79d")
    sdk.library_dir.mkdir(parents=True)
    for name in ("libc.a", "libc-printscan-long-double.a", "libwasi-emulated-mman.a"):
        (sdk.library_dir / name).touch()
    assert recipe.libraries(sdk) == ["-lc-printscan-long-double", "-lwasi-emulated-mman"]
    assert {path.name for path in recipe.archives(sdk)} == {
        "libc.a", "libc-printscan-long-double.a", "libwasi-emulated-mman.a"
    }  # fmt: skip


def test_the_link_exports_everything() -> None:
    words = recipe.link_arguments(["strtok"], ["dl.o"]).split("\n")
    for word in ("-Wl,--export-all", "-Wl,--growable-table", "-Wl,--export=__stack_pointer", "-Wl,--undefined=strtok"):
        assert word in words
    assert words.index("dl.o") < words.index("-lc-printscan-long-double")
