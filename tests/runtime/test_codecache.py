"""Compiled code is kept, and believed only while it is what was kept."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_wasi.errors import UsageError
from hatch_wasi.runtime import codecache
from hatch_wasi.runtime.capi import Api, find_library
from hatch_wasi.runtime.codecache import CodeCache
from hatch_wasi.runtime.engine import I32, Engine, Rejected

# (module (func (export "f") (result i32) i32.const 42))
WASM = b"\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\7\5\1\1f\0\0\x0a\6\1\4\0\x41\x2a\x0b"
OTHER = WASM.replace(b"\x41\x2a", b"\x41\x07")


class Kept:
    """A code cache that counts how often it had to compile."""

    def __init__(self, folder: Path) -> None:
        library, version = find_library()
        self.engine = Engine(Api(library))
        self.folder = folder
        self.cache = CodeCache(str(folder), self.engine, version)
        self.compiled = 0

    def value(self, data: bytes = WASM) -> int:
        def describe() -> dict[str, int]:
            self.compiled += 1
            return {"size": len(data)}

        entry = self.cache.load(data, describe)
        assert entry.description == {"size": len(data)}
        return self.engine.function(self.engine.instantiate_with(entry.module, []), b"f", b"", I32)()

    def file(self, suffix: str) -> Path:
        return next(path for path in self.folder.iterdir() if path.suffix == suffix)


@pytest.fixture
def kept(tmp_path) -> Kept:
    return Kept(tmp_path / "aot")


def again(kept: Kept) -> Kept:
    return Kept(kept.folder)


def test_code_is_compiled_once(kept):
    assert [kept.value(), kept.value(), again(kept).value()] == [42, 42, 42]
    assert kept.compiled == 1
    assert again(kept).cache.problem is None
    assert kept.value(OTHER) == 7
    assert kept.compiled == 2


def test_folder_and_files_are_private(kept):
    kept.value()
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in kept.folder.iterdir()} == {0}


@pytest.mark.parametrize("suffix", [".cwasm", ".info"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove", "other"])
def test_damaged_entry_is_made_again(kept, suffix, damage):
    kept.value()
    path = kept.file(suffix)
    data = path.read_bytes()
    changed = {
        "flip": data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
        "truncate": data[: len(data) // 2],
        "empty": b"",
        "other": b"x" * len(data),
    }
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    after = again(kept)
    assert (after.value(), after.compiled) == (42, 1)
    assert (after.value(), again(kept).value(), after.compiled) == (42, 42, 1)


def test_code_of_another_module_is_not_taken(kept):
    """Swapped behind our back, hash and all: the file's name and stamp do not fit."""
    kept.value()
    first = kept.file(".cwasm")
    kept.value(OTHER)
    second = next(path for path in kept.folder.iterdir() if path.suffix == ".cwasm" and path != first)
    data = second.read_bytes()
    second.write_bytes(first.read_bytes())
    first.write_bytes(data)
    after = again(kept)
    assert (after.value(), after.value(OTHER), after.compiled) == (42, 7, 2)


def test_untouched_file_with_new_times_is_checked_and_kept(kept):
    kept.value()
    os.utime(kept.file(".cwasm"), (1, 1))
    after = again(kept)
    assert (after.value(), after.compiled) == (42, 0)


def modes(kept: Kept) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in (kept.folder, *kept.folder.iterdir())}


def test_modes_that_a_copy_lost_are_repaired(kept):
    """Others could only read: nothing is compiled again."""
    kept.value()
    kept.folder.chmod(0o755)
    for path in kept.folder.iterdir():
        path.chmod(0o644)
    after = again(kept)
    assert after.cache.problem is None
    assert (after.value(), after.compiled) == (42, 0)
    assert modes(kept) == {0o700, 0o600}


def test_a_copy_of_the_folder_is_believed(kept, tmp_path):
    kept.value()
    shutil.copytree(kept.folder, tmp_path / "copy", copy_function=shutil.copyfile)
    (tmp_path / "copy").chmod(0o755)
    after = Kept(tmp_path / "copy")
    assert (after.value(), after.compiled) == (42, 0)
    assert (Kept(tmp_path / "copy").value(), modes(after)) == (42, {0o700, 0o600})


@pytest.mark.parametrize("folder", [0o777, 0o755])
def test_what_others_could_write_is_compiled_again_once(kept, folder):
    kept.value()
    for path in kept.folder.iterdir():
        path.chmod(0o666)
    kept.folder.chmod(folder)
    after = again(kept)
    assert after.cache.problem is None
    assert (after.value(), again(kept).value(), after.compiled) == (42, 42, 1)
    assert modes(kept) == {0o700, 0o600}


def test_files_of_other_users_are_removed(kept, monkeypatch):
    """Only root can give a file away, so the folder and this process seem to be another user's instead."""
    kept.value()
    kept.folder.chmod(0o755)
    status, another = os.lstat(kept.folder), os.geteuid() + 1
    folder = os.stat_result((*status[:4], another, *status[5:]))
    lstat = os.lstat
    monkeypatch.setattr(os, "geteuid", lambda: another)
    monkeypatch.setattr(os, "lstat", lambda path: folder if str(path) == str(kept.folder) else lstat(path))
    after = again(kept)
    assert (after.value(), after.compiled) == (42, 1)


def test_the_folder_of_another_user_is_not_used(kept, monkeypatch):
    kept.value()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    after = again(kept)
    assert after.cache.problem == f"{kept.folder} is not a folder of this user"
    assert (after.value(), after.value(), after.compiled) == (42, 42, 2)


def numbered(number: int) -> bytes:
    """A module whose f gives a number below 64."""
    return WASM.replace(b"\x41\x2a", b"\x41" + bytes([number]))


def used(kept: Kept) -> int:
    return sum(path.stat().st_size for path in kept.folder.iterdir())


def test_the_folder_has_a_largest_size(kept, monkeypatch):
    kept.value(numbered(0))
    each = used(kept)
    monkeypatch.setenv(codecache.VARIABLE, str(5 * each))
    limited = again(kept)
    for number in range(1, 12):
        # Used an hour after the one before.
        assert limited.value(numbered(number)) == number
        for path in kept.folder.glob("*.info"):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 3600))
    assert used(kept) <= 5 * each
    compiled = limited.compiled
    assert [limited.value(numbered(number)) for number in (11, 10)] == [11, 10]
    assert limited.compiled == compiled
    assert limited.value(numbered(1)) == 1
    assert limited.compiled == compiled + 1


def test_code_that_starts_python_stays(kept, monkeypatch):
    kept.value(numbered(0))
    (kept.folder / "run.state").write_text(f"request\t\t{kept.file('.cwasm')}\n")
    for path in kept.folder.glob("*.info"):
        os.utime(path, (1, 1))
    monkeypatch.setenv(codecache.VARIABLE, str(2 * used(kept)))
    limited = again(kept)
    for number in range(1, 8):
        assert limited.value(numbered(number)) == number
    compiled = limited.compiled
    assert (again(kept).value(numbered(0)), limited.value(numbered(0)), limited.compiled) == (0, 0, compiled)


def test_what_a_killed_process_left_is_removed(kept):
    kept.value()
    old, new = kept.folder / ".old.cwasm.1-1", kept.folder / ".new.cwasm.1-1"
    for path in (old, new):
        path.touch()
    os.utime(old, (1, 1))
    kept.value(OTHER)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("size", ["much", "-1", "1.5G", "1X", "9" * 30, "\u0663"])
def test_a_size_that_is_none_is_refused(kept, monkeypatch, size):
    monkeypatch.setenv(codecache.VARIABLE, size)
    with pytest.raises(UsageError, match=codecache.VARIABLE):
        again(kept)


def test_folder_that_cannot_be_made_is_no_failure(tmp_path):
    (tmp_path / "file").touch()
    kept = Kept(tmp_path / "file" / "aot")
    assert "cannot be made" in kept.cache.problem
    assert kept.value() == 42


def test_what_is_no_wasm_leaves_nothing(kept):
    with pytest.raises(Rejected):
        kept.cache.load(b"nothing", dict)
    assert list(kept.folder.iterdir()) == []


def test_formats_are_told_apart(kept, monkeypatch):
    kept.value()
    monkeypatch.setattr(codecache, "FORMAT", "next")
    after = again(kept)
    assert (after.value(), after.compiled) == (42, 1)


def test_many_writers_at_once(tmp_path):
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_codecache import Kept\n"
        "print([Kept(Path(sys.argv[1])).value() for _ in range(5)])"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "aot"), str(Path(__file__).parent)]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert {process.communicate()[0] for process in running} == {f"{[42] * 5}\n"}
    after = Kept(tmp_path / "aot")
    assert (after.value(), after.compiled) == (42, 0)
    assert len(list((tmp_path / "aot").iterdir())) == 2


def test_main_module_survives_damage_to_its_code(guest, compiled_code, wasi_python):
    env = {"HATCH_WASI_CACHE_DIR": str(compiled_code)}
    code = ["--python", str(wasi_python.root), "-c", "print(6 * 7)"]
    assert guest(*code, env=env).stdout == "42\n"
    for path in (compiled_code / "aot").iterdir():
        path.write_bytes(path.read_bytes()[:-100] + b"damage")
        done = guest(*code, env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", ""), path.name


def test_unwritable_cache_still_runs(guest, compiled_code, wasi_python):
    """What cannot be written by anybody, root included: a file where the folder should be."""
    (compiled_code / "aot").write_text("")
    env = {"HATCH_WASI_CACHE_DIR": str(compiled_code)}
    done = guest("--python", str(wasi_python.root), "-c", "print(6 * 7)", env=env)
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert done.stderr.startswith(f"warning: compiled code is not kept: {compiled_code}/aot cannot be made: ")
