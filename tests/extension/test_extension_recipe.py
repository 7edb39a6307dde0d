"""The argv builders: pure, so tables."""

from dataclasses import replace
from pathlib import Path

import pytest

from hatch_wasi.config import Extension
from hatch_wasi.cxx_library import LIBRARIES, CxxLibrary
from hatch_wasi.errors import ToolchainError
from hatch_wasi.extension import FOLDER
from hatch_wasi.extension.native import NativeRecipe
from hatch_wasi.extension.recipe import module_file, signature, source_flags
from hatch_wasi.extension.wasi import WasiRecipe
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.target import Target
from hatch_wasi.wasi_python import WasiPython

ROOT = Path("/project")


@pytest.fixture(autouse=True)
def _project_that_may_be_written_to(monkeypatch):
    """There is no folder ROOT, and only root could make it: modules would be made elsewhere (`work_folder`)."""
    monkeypatch.setattr("hatch_wasi.extension.recipe.work_folder", lambda root: root / FOLDER)


SETJMP = ["-mllvm", "-wasm-enable-sjlj"]


def extension(**values):
    return Extension(**{"name": "p.m", "key": "extensions[0]", "sources": ("m.c",), **values})


def target(**variables):
    return Target(
        python_version="3.13.5",
        soabi="cpython-313-x86_64-linux-gnu",
        ext_suffix=".cpython-313-x86_64-linux-gnu.so",
        platform="linux-x86_64",
        triple="",
        include_dirs=(Path("/py/include"),),
        variables={
            "CC": "gcc -pthread",
            "CXX": "g++ -pthread",
            "CFLAGS": "-DNDEBUG -O3",
            "CCSHARED": "-fPIC",
            "LDSHARED": "gcc -pthread -shared",
            **variables,
        },
    )


def native(environ=(), **variables):
    return NativeRecipe(target(**variables), ROOT, 0, dict(environ))


@pytest.fixture
def wasi(tmp_path):
    sdk_root, python_root = tmp_path / "sdk", tmp_path / "python"
    builtins = sdk_root / "lib/clang/22/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a"
    builtins.parent.mkdir(parents=True)
    builtins.touch()
    (sdk_root / "share/wasi-sysroot/lib/wasm32-wasip1").mkdir(parents=True)
    sdk = WasiSdk(root=sdk_root, provider="debian", id="debian-1", llvm="22.1.8", wasi_libc="574b88d", version="25")
    python = WasiPython(
        root=python_root, version="3.13.5", wasi_libc="574b88d", sdk="debian-1", sdk_version="25", llvm="22.1.8"
    )
    python.sysconfigdata.parent.mkdir(parents=True)
    python.sysconfigdata.write_text(
        "build_time_vars = {'SOABI': 'cpython-313-wasm32-wasi', 'EXT_SUFFIX': '.cpython-313-wasm32-wasi.so'}\n"
    )
    return WasiRecipe(sdk, python, ROOT, 7)


@pytest.fixture
def cxx(wasi, tmp_path):
    root = tmp_path / "cxx"
    for variant, names in LIBRARIES.items():
        (root / "lib" / variant).mkdir(parents=True)
        for name in names:
            (root / "lib" / variant / name).touch()
    library = CxxLibrary(
        root=root, id="cxx-1", llvm="22.1.9", include=root / "include" / "c++" / "v1", lib=root / "lib"
    )
    return replace(wasi, cxx=library)


@pytest.mark.parametrize(
    ("values", "variables", "file"),
    [
        ({}, {}, "p/m.cpython-313-x86_64-linux-gnu.so"),
        ({"name": "m"}, {}, "m.cpython-313-x86_64-linux-gnu.so"),
        ({"py_limited_api": "3.11"}, {}, "p/m.abi3.so"),
        ({"py_limited_api": "3.11"}, {"Py_GIL_DISABLED": 1}, "p/m.cpython-313-x86_64-linux-gnu.so"),
        ({"py_limited_api": "3.11"}, {"Py_GIL_DISABLED": 0}, "p/m.abi3.so"),
    ],
)
def test_module_file(values, variables, file):
    assert module_file(extension(**values), target(**variables)) == file


@pytest.mark.parametrize(
    ("values", "source", "flags"),
    [
        ({}, "m.c", []),
        ({"include_dirs": ("i", "j")}, "m.c", ["-Ii", "-Ij"]),
        ({"define_macros": (("A", None), ("B", "1"))}, "m.c", ["-DA", "-DB=1"]),
        ({"define_macros": (("A", None),), "undef_macros": ("A",)}, "m.c", ["-DA", "-UA"]),
        ({"py_limited_api": "3.11"}, "m.c", ["-DPy_LIMITED_API=0x030b0000"]),
        ({"std": "c11"}, "m.c", ["-std=c11"]),
        ({"std": "c11"}, "m.cpp", []),
        ({"std": "c++17"}, "m.cpp", ["-std=c++17"]),
        ({"std": "gnu++17"}, "m.c", []),
        ({"extra_compile_args": ("-O0",), "std": "c11"}, "m.c", ["-std=c11", "-O0"]),
    ],
)
def test_source_flags(values, source, flags):
    assert source_flags(extension(**values), source, target()) == flags


class TestNative:
    def test_compile(self):
        argv = native().compile(extension(extra_compile_args=("-O1",)), "m.c", "m.o", "m.d")
        assert argv == [
            "gcc", "-pthread", "-DNDEBUG", "-O3", "-fPIC", "-ffile-prefix-map=/project=.", "-O1", "-I/py/include",
            "-MD", "-MF", "m.d", "-c", "m.c", "-o", "m.o",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("environ", "source", "begins", "holds"),
        [
            ({"CC": "ccache clang"}, "m.c", ["ccache", "clang", "-DNDEBUG"], []),
            ({"CFLAGS": "-g3", "CPPFLAGS": "-DX"}, "m.c", ["gcc"], ["-g3", "-DX"]),
            ({}, "m.cpp", ["g++", "-pthread"], []),
            ({"CXX": "clang++", "CXXFLAGS": "-fx"}, "m.cpp", ["clang++"], ["-fx"]),
        ],
    )
    def test_environment_has_a_say(self, environ, source, begins, holds):
        argv = native(environ).compile(extension(), source, "m.o", "m.d")
        assert argv[: len(begins)] == begins
        assert set(holds) <= set(argv)

    def test_what_only_c_knows_is_kept_from_cxx(self):
        argv = native(CFLAGS="-Wstrict-prototypes -std=c99 -O3").compile(extension(), "m.cpp", "m.o", "m.d")
        assert "-O3" in argv
        assert not {"-Wstrict-prototypes", "-std=c99"} & set(argv)

    @pytest.mark.parametrize(
        ("environ", "variables", "values", "linker"),
        [
            ({}, {}, {}, ["gcc", "-pthread", "-shared"]),
            ({"CC": "clang"}, {}, {}, ["clang", "-shared"]),
            ({"LDSHARED": "ld -x"}, {}, {}, ["ld", "-x"]),
            ({"LDFLAGS": "-Lq"}, {}, {}, ["gcc", "-pthread", "-shared", "-Lq"]),
            ({}, {}, {"sources": ("m.cc",)}, ["g++", "-pthread", "-shared"]),
            ({}, {}, {"language": "c++"}, ["g++", "-pthread", "-shared"]),
            ({}, {"CC": "clang", "CXX": "clang++", "LDSHARED": "clang -bundle -undefined dynamic_lookup"}, {},
             ["clang", "-bundle", "-undefined", "dynamic_lookup"]),
        ],
    )  # fmt: skip
    def test_link(self, environ, variables, values, linker):
        asked = extension(libraries=("m",), library_dirs=("d",), extra_link_args=("-y",), **values)
        argv = native(environ, **variables).link(asked, ["a.o", "b.o"], "m.so")
        assert argv == [*linker, "-o", "m.so", "a.o", "b.o", "-Ld", "-lm", "-y"]

    def test_environment_is_the_users(self):
        assert native({"CPATH": "x"}).environment == {"CPATH": "x", "SOURCE_DATE_EPOCH": "0"}


class TestWasi:
    def test_compile(self, wasi):
        sdk, python = wasi.sdk.root, wasi.python.root
        argv = wasi.compile(extension(include_dirs=("i",), extra_compile_args=("-O1",)), "m.c", "m.o", "m.d")
        assert argv == [
            f"{sdk}/bin/clang", "--target=wasm32-wasip1", f"--sysroot={sdk}/share/wasi-sysroot",
            "-O2", "-DNDEBUG", "-fno-strict-overflow", "-Wall", "-Wsign-compare", "-fPIC",
            "-ffile-prefix-map=/project=.", f"-ffile-prefix-map={python}=/usr", f"-ffile-prefix-map={sdk}=/wasi-sdk",
            "-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_GETPID", "-D_WASI_EMULATED_PROCESS_CLOCKS",
            "-D_WASI_EMULATED_MMAN", "-D_WASI_EMULATED_PTHREAD", "-fvisibility=default", *SETJMP, "-mllvm",
            "-wasm-use-legacy-eh=false", "-isystem.hatch/wasi/cpython-313-wasm32-wasi/include",
            f"-isystem{python}/include/python3.13", "-Ii", "-O1",
            "-MMD", "-MF", "m.d", "-c", "m.c", "-o", "m.o",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("arguments", "inlines"),
        [((), 1), (("-O3",), 1), (("-Os",), 0), (("-O3", "-O0"), 0), (("-mllvm", "-inline-threshold=9"), 0)],
    )
    def test_more_is_inlined_where_speed_is_asked_for(self, wasi, arguments, inlines):
        argv = wasi.compile(extension(extra_compile_args=arguments), "m.c", "m.o", "m.d")
        assert argv.count("-inline-threshold=500") == inlines

    def test_link(self, wasi):
        sdk = wasi.sdk.root
        asked = extension(libraries=("m", "z", "pthread"), library_dirs=("d",), extra_link_args=("-Wl,--strip-all",))
        assert wasi.link(asked, ["a.o", "b.o"], "m.so") == [
            f"{sdk}/bin/clang", "--target=wasm32-wasip1", f"--sysroot={sdk}/share/wasi-sysroot", "-nostdlib",
            "-Wl,-pie,--import-memory,--no-entry,--unresolved-symbols=import-dynamic",
            "-Wl,--export-if-defined=__wasm_call_ctors,--experimental-pic,--strip-debug",
            "-Wl,--export-if-defined=hatch_wasi_describe_exception", "-Wl,--export-if-defined=PyInit_m",
            "-Wl,--export-if-defined=PyModExport_m", "-o", "m.so", "a.o", "b.o", "-Ld", "-lz", str(wasi.sdk.builtins),
            "-Wl,--strip-all",
        ]  # fmt: skip

    def test_what_is_for_other_machines_is_left_out(self, wasi):
        asked = extension(
            include_dirs=("include", "/usr/include", "/usr/lib/python3/dist-packages/bound/include"),
            library_dirs=("/usr/lib/x86_64-linux-gnu", "lib"),
            libraries=("m", "pthread", "stdc++", "own"),
            extra_compile_args=("-march=native", "-pthread", "-fopenmp", "-O1"),
            extra_link_args=("-Wl,--as-needed,-rpath,$ORIGIN", "-pthread", "-Wl,-z,now", "a.a"),
        )
        argv = wasi.compile(asked, "m.c", "m.o", "m.d")
        package = "/usr/lib/python3/dist-packages/bound/include"
        assert argv[argv.index("-Iinclude") : -7] == [
            "-Iinclude", f"-I{package}", f"-ffile-prefix-map={package}=/include", "-O1"
        ]  # fmt: skip
        linked = wasi.link(asked, ["m.o"], "m.so")
        assert linked[-5:] == ["m.o", "-Llib", "-lown", str(wasi.sdk.builtins), "a.a"]
        assert wasi.left_out(asked) == [
            "-march=native", "-pthread", "-fopenmp", "-I/usr/include", "-L/usr/lib/x86_64-linux-gnu", "-lm", "-lpthread",
            "-lstdc++", "-Wl,--as-needed", "-Wl,-rpath,$ORIGIN", "-pthread", "-Wl,-z,now",
        ]  # fmt: skip

    def test_what_changes_layouts_is_refused(self, wasi):
        assert "-fpack-struct=1 cannot be used" in wasi.obstacle(extension(extra_compile_args=("-fpack-struct=1",)))

    def test_cxx_without_its_library_is_refused(self, wasi):
        assert wasi.obstacle(extension()) is None
        asked = extension(sources=("m.cxx",))
        assert wasi.obstacle(asked).startswith("extensions[0]: p.m is C++, which cannot be built here: there is no")
        with pytest.raises(ToolchainError, match="no C\\+\\+ library"):
            wasi.link(asked, ["m.o"], "m.so")

    def test_cxx(self, cxx):
        library = cxx.cxx.root
        headers = ["-nostdinc++", "-isystem", f"{library}/include/c++/v1"]
        asked = extension(sources=("m.cxx", "n.c"))
        assert cxx.obstacle(asked) is None
        argv = cxx.compile(asked, "m.cxx", "m.o", "m.d")
        at = argv.index("-nostdinc++")
        assert argv[at - 1] == "-fvisibility=default"
        encoding = ["-mllvm", "-wasm-use-legacy-eh=false"]
        assert argv[at : at + 8] == [*headers, "-fwasm-exceptions", *encoding, *SETJMP]
        # An option of LLVM's may be given once.
        assert argv.count("-wasm-use-legacy-eh=false") == 1
        assert "-nostdinc++" not in cxx.compile(asked, "n.c", "n.o", "n.d")
        words = cxx.link(asked, ["m.o"], "m.so")
        names = ["libc++.a", "libc++abi.a", "libunwind.a"]
        assert words[-4:] == [*(f"{library}/lib/eh/{name}" for name in names), str(cxx.sdk.builtins)]
        assert sorted(cxx.support(asked)) == ["abi-cxx.s", "cxx.c", "exceptions.cpp", "setjmp.c"]
        assert sorted(cxx.support(extension())) == ["abi.s", "setjmp.c"]
        assert "22.1.9" in cxx.support(asked)["abi-cxx.s"]
        assert cxx.toolchain.endswith(" cxx-1")

    def test_what_the_project_says_to_llvm_is_not_said_twice(self, cxx):
        for said in (["-wasm-use-legacy-eh=false"], ["-wasm-enable-sjlj", "-wasm-use-legacy-eh=false"]):
            words = tuple(word for option in said for word in ("-mllvm", option))
            for source in ("m.cxx", "m.c"):
                argv = cxx.compile(extension(sources=(source,), extra_compile_args=words), source, "m.o", "m.d")
                assert [argv[at + 1] for at, word in enumerate(argv) if word == "-mllvm"].count(said[0]) == 1
                assert argv.count("-mllvm") == 3  # the third is about inlining
                assert sum(word.startswith("-wasm-") for word in argv) == 2

    def test_cxx_without_exceptions(self, cxx):
        asked = extension(sources=("m.cxx",), exceptions=False)
        argv = cxx.compile(asked, "m.cxx", "m.o", "m.d")
        assert "-fno-exceptions" in argv
        assert "-fwasm-exceptions" not in argv
        library = cxx.cxx.root
        names = ["libc++.a", "libc++abi.a"]
        assert cxx.link(asked, [], "m.so")[-3:-1] == [f"{library}/lib/noeh/{name}" for name in names]
        assert "exceptions.cpp" not in cxx.support(asked)

    def test_old_compilers_have_no_exceptions(self, cxx):
        (cxx.cxx.root / "lib" / "eh" / "libunwind.a").unlink()
        old = replace(cxx, sdk=replace(cxx.sdk, llvm="19.1.7"))
        asked = extension(sources=("m.cxx",))
        assert "clang 19.1.7 has none that WASI engines run" in old.obstacle(asked)
        assert "(or say exceptions = false)" in old.obstacle(asked)
        without = replace(asked, exceptions=False)
        assert old.obstacle(without) is None
        assert not any("wasm-use" in word or "sjlj" in word for word in old.compile(without, "m.cxx", "m.o", "m.d"))
        assert sorted(old.support(without)) == ["abi-cxx.s", "cxx.c"]

    def test_environment_is_not_the_users(self, wasi, monkeypatch):
        monkeypatch.setenv("CPATH", "/usr/include")
        assert "CPATH" not in wasi.environment
        assert wasi.environment["SOURCE_DATE_EPOCH"] == "7"


def test_signature_tells_commands_and_environments_apart():
    plain = native()
    same = signature(plain, ["cc", "a b"])
    assert signature(native(), ["cc", "a b"]) == same
    assert signature(plain, ["cc", "a", "b"]) != same
    assert signature(native({"CPATH": "x"}), ["cc", "a b"]) != same
    assert signature(NativeRecipe(target(), ROOT, 1, {}), ["cc", "a b"]) != same
