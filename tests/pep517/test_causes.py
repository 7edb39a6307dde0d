"""What the messages of a failed build mean."""

import pytest

from hatch_wasi.pep517 import causes


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("x.c:3:5: error: call to undeclared function 'fork'; ISO C99 and later do not support", "processes"),
        ("a.c:1:10: fatal error: 'sys/wait.h' file not found", "processes"),
        ("error: use of undeclared identifier 'pthread_create'", "threads"),
        ("fatal error: 'netdb.h' file not found", "sockets"),
        ("error: call to undeclared function 'sigaction'", "signals"),
        ("x.c:9: error: call to undeclared function 'dladdr'", "dlopen"),
        ("fatal error: 'immintrin.h' file not found", "other processors"),
        ("error: can't find Rust compiler: cargo, the Rust package manager, is not installed", "Rust"),
        ("meson.build:80:0: ERROR: Unknown compiler(s): [['gfortran'], ['flang']]", "Fortran"),
        ('../meson.build:4:11: ERROR: Dependency "libpq" not found, tried pkgconfig', "library that there is no build"),
        ("fatal error: 'ft2build.h' file not found", "header"),
        ("platform wasi is not supported", "neither WASI nor"),
        ("x.hpp:73:6: error: needs to be ported to this platform", "neither WASI nor"),
        ("RuntimeError: Unsupported operating system: wasi", "neither WASI nor"),
        (
            "error: Unable to load dependency HDF5, make sure HDF5 is installed properly",
            "library that there is no build",
        ),
        ("proj executable not found. Please set the PROJ_DIR variable.", "library that there is no build"),
        (
            "RequiredDependencyException: The headers or library files could not be found for jpeg,",
            "library that there is",
        ),
        (
            "typedefs.h:51:2: error: Please add support for your architecture in typedefs.h",
            "neither WASI nor WebAssembly",
        ),
        ('blis.h:81:4: error: "Cannot determine operating system"', "neither WASI nor WebAssembly"),
        ("error: call to undeclared function 'system'", "processes"),
        ("CMake Error at x.cmake:39 (message): Failed to clone repository: 'https://x.example/y.git'", "downloads"),
        ("wasm-ld: error: unable to find library -llapack", "library that there is no build"),
        ("error: Could not find the FFTW header 'fftw3.h'", "library that there is no build"),
        ("core.c:196:12: fatal error: 'longintrepr.h' file not found", "older Python"),
        ("x.c:9:1: error: no member named 'use_tracing' in 'struct _ts'", "older Python"),
        ("ModuleNotFoundError: No module named '_sqlite3'", "HATCH_WASI_BUILD_PYTHON"),
        ('config.h:9:2: error: "Unknown target architecture"', "neither WASI nor WebAssembly"),
    ],
)
def test_likely_causes(message, expected):
    assert expected in (causes.likely(message) or "")


def test_nothing_is_made_up():
    assert causes.likely("error: expected ';' after expression") is None
    assert causes.likely("ValueError: bad version 1.x") is None


def test_a_cause_that_shows_elsewhere():
    told = "error: failed to get `ahash` as a dependency of package `x v1.0`"
    assert causes.likely(told) is None
    assert "Rust" in (causes.likely(told, ["WARNING: maturin", told, "maturin failed"]) or "")
    assert causes.likely(told, ["WARNING: maturin", told]) is None


def test_the_telling_line_is_the_first_error_of_a_compiler():
    lines = [
        "creating build",
        "warning: no files found",
        "a.c:1:10: fatal error: 'x.h' file not found",
        "b.c:1:10: fatal error: 'y.h' file not found",
        "error: command '/usr/bin/cc' failed with exit code 1",
    ]
    assert causes.telling(lines) == lines[2]
    assert (
        causes.telling(["a", "ModuleNotFoundError: No module named 'x'", "b"])
        == "ModuleNotFoundError: No module named 'x'"
    )
    assert causes.telling(["a", "b"]) == "b"
    wrapped = [
        "CMake Error at CMakeLists.txt:16 (find_package):",
        "Could not find a package",
        "of any of these names:",
        "x",
    ]
    assert causes.telling(wrapped) == " ".join(wrapped[:3])
    assert causes.telling(["CMake Error: no such thing", "of any name."]) == "CMake Error: no such thing"
    assert causes.telling([]) == ""


def test_a_compiler_is_believed_before_its_caller():
    lines = ["configure: error: no", "src/a.c:3:10: fatal error: 'x/x.h' file not found", "b.c:1:2: error: y"]
    assert causes.compiling(lines) == lines[1]
    assert causes.compiling(["wasm-ld: error: unknown file type: a.o"]).startswith("wasm-ld")
    assert not causes.compiling(["error: command 'cc' failed", "NameError: x"])


def test_where_configure_is_does_not_tell_what_is_wrong():
    lines = ["checking x... configure: error: in '/tmp/x':", "configure: error: cannot run C compiled programs."]
    assert causes.telling(lines) == lines[1]


def test_rust_shows_in_what_builds_it():
    assert "Rust" in (causes.language(["setuptools", "setuptools-rust>=1.7"]) or "")
    assert "Rust" in (causes.language(["maturin>=1,<2"]) or "")
    assert causes.language(["setuptools", "maturing"]) is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["[3/5] Generating table.h", "FAILED: table.h", "/bin/sh: 1: mktable: not found", "*** CMake build failed"],
            2,
        ),
        (["FAILED: table.h", "hatch-wasi: ./mktable: wasm trap: unreachable", "*** CMake build failed"], 1),
        (
            ["[3/5] Generating table.h", "FAILED: [code=9] table.h", "cd build && ./mktable", "*** CMake build failed"],
            1,
        ),
        (["FAILED: a.o", "a.c:1:2: error: no", "/bin/sh: 1: x: not found"], 1),
    ],
)
def test_a_step_that_fails_says_more_than_what_ran_it(lines, expected):
    assert causes.telling(lines) == lines[expected]
