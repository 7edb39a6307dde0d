"""Libraries that python.wasm has (zlib, bzip2, xz, SQLite), found by builds as they find others, and linked by none."""

import pytest
from making import made, unpack
from projects import CMAKE, EXTENSION, MESON, C, write

CALLS = "(zlibVersion() && BZ2_bzlibVersion() && lzma_version_string() && sqlite3_libversion() ? 39 : 0)"
USE = C.replace("sizeof(long)", CALLS).replace(
    "#include <math.h>",
    "#include <math.h>\n#include <bzlib.h>\n#include <lzma.h>\n#include <sqlite3.h>\n#include <zlib.h>",
)
CHANGED = {
    "setuptools-c": {"setup.py": EXTENSION.format("answer.c", "libraries=['z', 'bz2', 'lzma', 'sqlite3']")},
    "scikit-build-core": {
        "CMakeLists.txt": CMAKE + "find_package(ZLIB 1.2 REQUIRED)\nfind_package(BZip2 REQUIRED)\n"
        "find_package(LibLZMA REQUIRED)\nfind_package(SQLite3 REQUIRED)\n"
        "target_link_libraries(answer PRIVATE ZLIB::ZLIB BZip2::BZip2 LibLZMA::LibLZMA SQLite::SQLite3)\n"
    },
    "meson-python": {
        "meson.build": MESON.replace(
            "dependencies: ", "dependencies: [dependency('zlib', version: '>=1.2'), dependency('bzip2'), "
            "dependency('liblzma'), dependency('sqlite3')] + [",
        ).replace("required: false)", "required: false)]")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_they_are_found_and_are_those_of_python(wheel, guest, tmp_path, name):
    project = write(name, tmp_path / "project")
    for file, text in {"answer.c": USE, **CHANGED[name]}.items():
        (project / file).write_text(text)
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert (site / "answer.cpython-313-wasm32-wasi.so").stat().st_size < 20000, "they are not in it"
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(9.0))")
    assert ran.stdout == "42.0\n", ran.stderr


def test_one_that_the_project_brings_is_its_own(wheel, guest, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    text = EXTENSION.format("answer.c", "libraries=['z']").replace(
        "setup(", "setup(libraries=[('z', {'sources': ['z.c']})], "
    )
    (project / "setup.py").write_text(text)
    (project / "z.c").write_text("int own(void) { return 39; }\n")
    (project / "answer.c").write_text("extern int own(void);\n" + C.replace("sizeof(long)", "own()"))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(9.0))")
    assert ran.stdout == "42.0\n", ran.stderr
