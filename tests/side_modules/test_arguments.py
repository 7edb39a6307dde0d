"""The argument table of the compiler driver, row by row."""

import pytest

from hatch_wasi.side_modules.arguments import rewrite


def words(text: str, **options: object) -> str:
    return " ".join(rewrite(text.split(), **options).words)


@pytest.mark.parametrize(
    "word",
    [
        "-march=native", "-mtune=generic", "-mavx2", "-mavx512f", "-msse4.2", "-mfpmath=sse", "-fcf-protection",
        "-fstack-clash-protection", "-fno-semantic-interposition", "-pthread", "-m32", "-m64", "-fopenmp", "-flto",
        "-flto=auto", "-static", "-static-libgcc", "-static-libstdc++", "-rdynamic", "-Werror", "--target=x86_64-linux",
        "-fuse-ld=gold", "-fPIC", "-lstdc++", "-lgcc_s", "-latomic", "-lpython3.13", "-lpthread", "-ldl", "-lm", "-lc",
        "-lrt", "-lutil", "-lffi", "-l m", "-Wl,--start-group", "-Wl,--end-group", "-Wl,--as-needed", "-Wl,--no-as-needed",
        "-fno-gnu-unique", "-fipa-pta", "-fno-tree-loop-distribute-patterns", "-fvect-cost-model=dynamic", "-pg",
        "-fsanitize=address", "-fprofile-generate", "--coverage", "-mno-avx", "-mcpu=native", "-matomics", "-mno-bulk-memory", "-mthread-model posix", "-mabi=lp64", "-mlong-double-64",
        "-fno-PIC", "-fno-pic", "-ftls-model=local-exec", "-femulated-tls", "-Ttext=0x1000", "-Wa,--noexecstack", "-lgomp",
        "-Xclang -target-feature -Xclang +atomics", "-Xclang -target-abi -Xclang experimental-mv",
        "-lstdc++fs", "-lgcc_eh", "-l:libm.a", "-l:libpthread.so.0", "-l:libstdc++.a", "--library=m", "--library m",
        "-Wl,--library=stdc++", "-Xlinker --library=m", "-Wl,-l:libm.a", "-symbolic", "-freg-struct-return", "-qopenmp",
        "-static-libgfortran", "--shared", "-Xpreprocessor -fopenmp", "-Wl,--shared-memory", "-Wl,--import-memory,env,other", "-Wl,--global-base=1024",
        "-Wl,-Ttext=0x1000", "-Wl,--stack-first", "-Wl,-z,stack-size=65536", "-Wl,--initial-memory=131072",
        "-Wl,--max-memory=131072", "-Wl,--export-memory", "-Wl,--export-table", "-Wl,--entry,main", "-Wl,-lpthread",
        "-Wl,--something-of-another-linker", "-Wl,-rpath,/x", "-Wl,-rpath -Wl,/x", "-Wl,--version-script=a.map", "-Wl,--version-script,a.map",
        "-Wl,--exclude-libs,ALL", "-Wl,--hash-style=gnu", "-Wl,--no-undefined", "-Wl,--enable-new-dtags",
        "-Wl,--dynamic-list=x", "-Wl,--push-state,--pop-state", "-Wl,--icf=safe", "-Wl,-x", "-Wl,-Bsymbolic-functions",
        "-Wl,-z,relro,-z,now", "-Wl,--fatal-warnings", "-Wl,-soname,libx.so.1", "-Wl,-soname=libx.so.1", "-z now",
        "-Xlinker -rpath -Xlinker /x", "-arch x86_64", "-isysroot /sdk", "-undefined dynamic_lookup", "-Wl,-O1 -Wl,-z,now",
    ],
)  # fmt: skip
def test_what_is_dropped(word: str) -> None:
    kept = ["-Wl,-O1"] if "-O1" in word else []
    command = rewrite(f"x.o {word} y.o".split())
    assert command.words == ["x.o", *kept, "y.o"]
    assert command.dropped or kept


@pytest.mark.parametrize(
    "word",
    [
        "-O2", "-DNAME=1", "-D NAME", "-UX", "-std=c11", "-fvisibility=hidden", "-Wall", "-Werror=implicit", "-c x.c",
        "-fno-exceptions", "-MMD -MF x.d", "-include x.h", "-lz", "-la.b", "-l:libz.a", "-l:libmine.so.1", "-Wl,--library=mine", "libfoo.a", "-Wl,--gc-sections",
        "-Wl,--strip-all", "-Wl,-Map=x", "-x c", "-msimd128", "-fopenmp-simd", "-fno-tree-vectorize", "-Xclang -target-feature -Xclang +simd128",
        "-Wl,--whole-archive liba.a -Wl,--no-whole-archive libb.a", "-Wl,-u,symbol", "-Wl,-z,muldefs", "-mno-simd128",
    ],
)  # fmt: skip
def test_what_stays(word: str) -> None:
    assert words(word) == word


@pytest.mark.parametrize(
    ("line", "shared"),
    [
        ("-shared x.o -o x", True),
        ("-bundle x.o -o x", True),
        ("--shared x.o -o x", True),
        ("x.o -o mod.cpython-313-wasm32-wasi.so", True),
        ("x.o -o libx.so.1.2", True),
        ("x.o -omod.so", True),
        ("-shared -c x.c -o x.so", False),
        ("x.o -o program", False),
        ("x.o -o so", False),
    ],
)
def test_what_is_a_side_module(line: str, shared: bool) -> None:
    assert rewrite(line.split()).shared is shared


def test_folders_are_placed() -> None:
    def place(kind: str, folder: str) -> str | None:
        return {"/usr/include": None, "/venv/numpy": "/target/numpy"}.get(folder, folder)

    line = "-I/usr/include -I /venv/numpy -isystem /venv/numpy -L/usr/include -Lhere -Iinclude"
    assert words(line, place=place) == "-I/target/numpy -isystem /target/numpy -Lhere -Iinclude"


def test_what_a_command_does() -> None:
    compile_only = rewrite(["-c", "x.c", "-o", "x.o"])
    assert (compile_only.compile_only, compile_only.sources, compile_only.output) == (True, True, "x.o")
    link = rewrite(["x.o", "-lz", "-o", "y"])
    assert (link.compile_only, link.sources, link.libraries) == (False, False, True)


@pytest.mark.parametrize("word", ["-fpack-struct", "-fpack-struct=1", "-fshort-wchar"])
def test_what_is_refused(word: str) -> None:
    [(refused, reason)] = rewrite(["-c", "x.c", word]).refused
    assert refused == word
    assert reason
