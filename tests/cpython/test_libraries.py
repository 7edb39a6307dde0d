"""zlib, bz2, lzma and sqlite3 in python.wasm."""

import bz2
import json
import lzma
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from hatch_wasi.cpython import libraries, versions
from hatch_wasi.cpython.libraries import LIBRARIES, configure_words, files_of
from hatch_wasi.errors import ToolchainError
from hatch_wasi.wasi_python import WasiPython

DATA = b"".join(b"%d" % (number * number) for number in range(20_000))
PACK = """
import bz2, lzma, sys, zlib
data = open("data", "rb").read()
for module in (bz2, lzma, zlib):
    assert module.decompress(open(f"{module.__name__}.in", "rb").read()) == data, module
    open(f"{module.__name__}.out", "wb").write(module.compress(data))
"""


def test_what_is_packed_here_is_unpacked_there(guest, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    for module in (bz2, lzma, zlib):
        (tmp_path / f"{module.__name__}.in").write_bytes(module.compress(DATA))
    done = guest("-c", PACK)
    assert done.returncode == 0, done.stderr
    for module in (bz2, lzma, zlib):
        assert module.decompress((tmp_path / f"{module.__name__}.out").read_bytes()) == DATA


def test_archives(guest, tmp_path: Path) -> None:
    code = """
import gzip, io, tarfile, zipfile
for kind in ("gz", "bz2", "xz"):
    with tarfile.open(f"a.tar.{kind}", f"w:{kind}") as tar:
        info = tarfile.TarInfo("name"); info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    assert tarfile.open(f"a.tar.{kind}").extractfile("name").read() == b"abc"
for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
    with zipfile.ZipFile("a.zip", "w", method) as file:
        file.writestr("name", b"abc" * 1000)
    assert zipfile.ZipFile("a.zip").read("name") == b"abc" * 1000
"""
    done = guest("-c", code)
    assert done.returncode == 0, done.stderr


def test_a_database_file(guest, tmp_path: Path) -> None:
    """Written in one process and read in another; natively too."""
    code = """
import os, sqlite3
db = sqlite3.connect("file.db")
with db:
    db.execute("create table t (x integer, y text)")
    db.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(1000)])
try:
    with db:
        db.execute("delete from t")
        assert "file.db-journal" in os.listdir(".")
        raise KeyError
except KeyError:
    pass
assert db.execute("select count(*) from t").fetchone() == (1000,)
db.execute("create virtual table words using fts5(text)")
print(*db.execute("select max(x), sqrt(4), json('[1, 2]') from t").fetchone())
db.close()
print(os.listdir("."))
"""
    done = guest("-c", code)
    assert (done.returncode, done.stdout) == (0, "999 2.0 [1,2]\n['file.db']\n"), done.stderr
    again = guest("-c", "import sqlite3; print(sqlite3.connect('file.db').execute('select sum(x) from t').fetchone())")
    assert again.stdout == "(499500,)\n", again.stderr
    with closing(sqlite3.connect(tmp_path / "file.db")) as db:
        assert db.execute("select count(*) from t").fetchone() == (1000,)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_locked_database_is_not_written(guest) -> None:
    code = """
import sqlite3
first = sqlite3.connect("file.db")
first.execute("create table t (x)")
first.execute("begin immediate")
second = sqlite3.connect("file.db", timeout=0)
try:
    second.execute("insert into t values (1)")
except sqlite3.OperationalError as error:
    print(error)
first.commit()
second.execute("insert into t values (2)")
print(first.execute("select * from t").fetchall())
second.commit()
print(first.execute("select * from t").fetchall())
"""
    done = guest("-c", code)
    assert (done.returncode, done.stdout) == (0, "database is locked\n[]\n[(2,)]\n"), done.stderr


def test_programs_can_lock_each_other_out(guest, tmp_path: Path) -> None:
    """By a VFS that they choose."""
    code = """
import os, sqlite3
db = sqlite3.connect("file:file.db?vfs=unix-dotfile", uri=True)
db.execute("create table t (x)")
db.execute("begin immediate")
print(sorted(os.listdir(".")))
"""
    done = guest("-c", code)
    assert (done.returncode, done.stdout) == (0, "['file.db', 'file.db.lock']\n"), done.stderr


def test_a_transaction_that_was_killed_is_rolled_back(guest, tmp_path: Path) -> None:
    """By whoever opens the file next; no lock is left."""
    done = guest("-c", "import sqlite3; db = sqlite3.connect('file.db'); db.execute('create table t (x)'); db.commit()")
    assert done.returncode == 0, done.stderr
    code = """
import sqlite3
db = sqlite3.connect("file.db")
db.execute("pragma cache_size = 5")
db.executemany("insert into t values (?)", [("x" * 1000,) for _ in range(2000)])
print("there", flush=True)
while True: pass
"""
    child = subprocess.Popen(
        [sys.executable, "-m", "hatch_wasi", "run", "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    child.kill()
    child.communicate()
    assert (tmp_path / "file.db").stat().st_size > 1_000_000
    read = "import sqlite3; print(sqlite3.connect('file.db', timeout=0).execute('select count(*) from t').fetchone())"
    done = guest("-c", read)
    assert done.stdout == "(0,)\n", done.stderr


def test_a_database_in_a_folder_that_cannot_be_written(guest, tmp_path: Path) -> None:
    package = tmp_path / "elsewhere"
    package.mkdir()
    with closing(sqlite3.connect(package / "data.db")) as db, db:
        db.execute("create table t (x)")
        db.execute("insert into t values (42)")
    (tmp_path / "work").mkdir()
    code = f"""
import sqlite3
db = sqlite3.connect("{package}/data.db")
print(db.execute("select * from t").fetchone())
try:
    db.execute("delete from t")
except sqlite3.OperationalError as error:
    print(error)
"""
    done = guest("--site", package, "-c", code, cwd=tmp_path / "work")
    assert (done.returncode, done.stdout) == (0, "(42,)\nattempt to write a readonly database\n"), done.stderr


def test_archives_and_licences_are_installed(wasi_python: WasiPython) -> None:
    manifest = json.loads((wasi_python.root / "manifest.json").read_text())["inputs"]["libraries"]
    assert (
        set(manifest)
        == set(versions.version(wasi_python.short_version).libraries)
        == {"zlib", "bz2", "lzma", "sqlite3"}
    )
    for name, inputs in manifest.items():
        archive = LIBRARIES[name].archive
        assert (wasi_python.root / "static" / archive).read_bytes().startswith(b"!<arch>\n")
        assert list((wasi_python.root / "static" / "licenses" / archive.removesuffix(".a")).iterdir())
        assert inputs["version"][0].isdigit()
        assert len(inputs["sha256"]) == 64
    headers = {"bzlib.h", "lzma.h", "sqlite3.h", "zconf.h", "zlib.h"}
    assert {path.name for path in (wasi_python.root / "static" / "include").iterdir()} >= headers
    assert not list(wasi_python.include.rglob("zlib.h"))


def test_the_wasi_sysroot_has_no_headers_of_theirs(wasi_sdk) -> None:
    assert not list(wasi_sdk.sysroot.rglob("sqlite3.h"))


def test_zstd_belongs_to_3_14() -> None:
    assert "zstd" not in versions.version("3.13").libraries
    assert versions.version("3.14").libraries == tuple(LIBRARIES)


def test_configure_is_told_by_relative_paths() -> None:
    words = configure_words(["zlib", "sqlite3"])
    assert words[:2] == ["ZLIB_CFLAGS=-Ilibraries/include", "ZLIB_LIBS=libraries/libz.a"]
    assert "ac_cv_lib_sqlite3_sqlite3_load_extension=no" in words
    assert not any("LIBLZMA" in word for word in words)


def test_sources_of_another_shape_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bzip2.c").write_text("int main(void) { return 0; }\n")
    with pytest.raises(ToolchainError, match=r"the sources of libbz2.a have no \*.c"):
        files_of(LIBRARIES["bz2"], tmp_path)


def test_every_library_has_a_recipe_of_its_own() -> None:
    assert len({libraries.recipe_of(name) for name in LIBRARIES}) == len(LIBRARIES)
