"""The C++ library of extension modules: which one serves, and what is in the one that is built."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.cxx_library import LIBRARIES, CxxLibrary, serves
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain import cmake, runtimes

OURS = "#define _LIBCPP_HAS_THREADS 1\n#define _LIBCPP_TYPEINFO_COMPARISON_IMPLEMENTATION 2\n"


def sdk_at(root: Path, site: str = OURS) -> WasiSdk:
    """An SDK laid out as wasi-sdk 33, as far as its C++ library goes."""
    lib, include = (root / "share" / "wasi-sysroot" / kind / "wasm32-wasip1" for kind in ("lib", "include"))
    for variant, names in LIBRARIES.items():
        (lib / variant).mkdir(parents=True)
        for name in names:
            (lib / variant / name).touch()
    (include / "c++" / "v1").mkdir(parents=True)
    (include / "c++" / "v1" / "__config_site").write_text(site)
    return WasiSdk(root=root, provider="source", id="source-1", llvm="22.1.0", wasi_libc="161b319")


@pytest.mark.parametrize(
    ("site", "served"),
    [
        (OURS, True),
        # wasi-sdk 33's own: types are compared by address.
        ("#define _LIBCPP_HAS_THREADS 1\n/* #undef _LIBCPP_TYPEINFO_COMPARISON_IMPLEMENTATION */\n", False),
        (OURS.replace("THREADS 1", "THREADS 0"), False),
        (OURS.replace("IMPLEMENTATION 2", "IMPLEMENTATION 1"), False),
    ],
)
def test_an_sdks_own_library_serves_if_modules_can_be_linked_with_it(tmp_path, site, served):
    assert serves(site) is served
    sdk = sdk_at(tmp_path / "sdk", site)
    found = bootstrap.ready_cxx(Cache(tmp_path / "cache"), sdk)
    assert (found is not None) is served
    if found is not None:
        assert bootstrap.ensure_cxx(Cache(tmp_path / "cache"), Console(), sdk) == found
        assert found.has_exceptions
        lib = sdk.library_dir
        assert found.link_words(exceptions=False) == (f"{lib}/noeh/libc++.a", f"{lib}/noeh/libc++abi.a")
        (lib / "noeh" / "libc++.a").unlink()
        assert CxxLibrary.of_sdk(sdk) is None


def test_an_entry_belongs_to_its_sdk_and_recipe(tmp_path):
    cache, sdk = Cache(tmp_path / "cache"), replace(sdk_at(tmp_path / "sdk", "other"), id="debian-1")
    for name in ("debian-2-22.1.8-abcdef-r2", f"debian-1-22.1.8-abcdef-r{runtimes.RECIPE + 1}"):
        cache.make("cxx", name, lambda _: {"cxx": {"llvm": "22.1.8"}})
    assert bootstrap.ready_cxx(cache, sdk) is None
    entry = cache.make("cxx", f"debian-1-22.1.8-abcdef-r{runtimes.RECIPE}", lambda _: {"cxx": {"llvm": "22.1.8"}})
    found = bootstrap.ready_cxx(cache, sdk)
    assert (found.root, found.llvm, found.has_exceptions) == (entry, "22.1.8", False)


def test_what_is_no_library_is_told(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1}))
    with pytest.raises(ToolchainError, match=r"is not a C\+\+ library for WASI"):
        CxxLibrary.from_tree(tmp_path)


def test_old_compilers_cannot_have_exceptions(tmp_path):
    sdk = replace(sdk_at(tmp_path / "sdk"), llvm="19.1.7")
    tools = cmake.CMake(cmake=tmp_path, ninja=tmp_path, origin="none")
    with pytest.raises(ToolchainError, match=r"clang 19\.1\.7 has no exceptions that WASI engines run"):
        runtimes.build_runtimes(sdk, tmp_path, tmp_path, exceptions=True, cmake=tools, log=tmp_path / "log")


@pytest.fixture(scope="module")
def library(toolchain: bootstrap.Toolchain, cache: Cache) -> CxxLibrary:
    return bootstrap.ensure_cxx(cache, Console(), toolchain.sdk)


class TestBuilt:
    def test_nothing_names_where_it_was_built(self, library, cache):
        for path in library.root.rglob("*"):
            assert path.is_dir() or os.fsencode(cache.root) not in path.read_bytes(), path
        assert serves((library.include / "__config_site").read_text())

    def test_the_manifest_names_every_input(self, library, toolchain):
        manifest = json.loads((library.root / "manifest.json").read_text())
        assert manifest["cxx"] == {"llvm": library.llvm, "sdk": toolchain.sdk.id, "variants": ["eh", "noeh"]}
        assert set(manifest["inputs"]["llvm"]) == {"identity", "origin"}
        assert library.llvm.startswith(f"{toolchain.sdk.llvm_major}.")

    def test_code_without_setjmp_is_the_same_with_its_flags(self, toolchain, tmp_path):
        source = Path(__file__).parents[1] / "packages" / "craft" / "src" / "craft" / "nodes.c"
        include = [f"-isystem{folder}" for folder in toolchain.python.target().include_dirs]
        defines = [f"-D_WASI_EMULATED_{name}" for name in ("SIGNAL", "GETPID", "PROCESS_CLOCKS")]
        flags = ["-mllvm", "-wasm-enable-sjlj", "-mllvm", "-wasm-use-legacy-eh=false"]
        texts = []
        for extra in ([], flags):
            target = tmp_path / f"{len(extra)}.s"
            argv = [*toolchain.sdk.cc, "-O2", "-fPIC", *extra, *defines, *include, "-S", source, "-o", target]
            subprocess.run([str(word) for word in argv], check=True)
            texts.append(target.read_text().split("target_features")[0])
        assert texts[0] == texts[1]
        assert len(texts[0].splitlines()) > 500
