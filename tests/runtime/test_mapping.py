"""mmap in the guest: copies that are written back (guest/mapping.c)."""

from pathlib import Path

import pytest

PRELUDE = "import mmap, os\nsize = mmap.PAGESIZE\n"


def says(guest, code: str) -> str:
    done = guest("-c", PRELUDE + code)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def data(tmp_path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(b"0123456789" * 20000)
    return path


def test_memory(guest):
    code = "m = mmap.mmap(-1, 100); m[:3] = b'abc'; print(m[:5], len(m), m.find(b'c')); m.resize(200); print(m[:3], len(m))"
    assert says(guest, code) == "b'abc\\x00\\x00' 100 2\nb'abc' 200\n"


def test_what_is_written_comes_into_the_file(guest, data):
    code = """
with open("data.bin", "r+b") as file:
    m = mmap.mmap(file.fileno(), 0)
m[10:14] = b"WXYZ"; m.flush(); print(open("data.bin", "rb").read()[8:16])
m[150000:150004] = b"far!"; m.close(); print(open("data.bin", "rb").read()[149998:150006])
"""
    assert says(guest, code) == "b'89WXYZ45'\nb'89far!45'\n"
    assert data.stat().st_size == 200000


def test_it_comes_there_when_the_program_ends(guest, data):
    says(guest, "m = mmap.mmap(os.open('data.bin', os.O_RDWR), 0); m[:5] = b'ended'")
    assert data.read_bytes()[:6] == b"ended5"


def test_only_what_was_changed_is_written(guest, data):
    """Two maps of one file do not undo each other, and what others write meanwhile stays."""
    code = """
f = os.open("data.bin", os.O_RDWR)
a, b = mmap.mmap(f, 0), mmap.mmap(f, 0)
a[0:1] = b"a"; b[100000:100001] = b"b"; os.pwrite(f, b"other", 50000); a.close(); b.close()
"""
    says(guest, code)
    content = data.read_bytes()
    assert (content[:2], content[100000:100002], content[50000:50005]) == (b"a1", b"b1", b"other")


def test_private_and_read_only_maps(guest, data):
    code = """
f = os.open("data.bin", os.O_RDONLY)
copy = mmap.mmap(f, 0, access=mmap.ACCESS_COPY); copy[:1] = b"?"; print(copy[:2]); copy.close()
read = mmap.mmap(f, 10, access=mmap.ACCESS_READ, offset=size); print(read[:] == open("data.bin", "rb").read()[size:size + 10])
try: mmap.mmap(f, 0)
except OSError as error: print(error.strerror)
"""
    assert says(guest, code) == "b'?1'\nTrue\nPermission denied\n"
    assert data.read_bytes()[:1] == b"0"


def test_a_map_that_grows_with_its_file(guest, data):
    code = "m = mmap.mmap(os.open('data.bin', os.O_RDWR), 10); m.resize(300000); m[299999:] = b'!'; m.close()"
    says(guest, code)
    content = data.read_bytes()
    assert (len(content), content[:3], content[-1:]) == (300000, b"012", b"!")


def test_what_cannot_be_mapped(guest, data):
    code = """
for work in (lambda: mmap.mmap(-1, 10, flags=0), lambda: mmap.mmap(99, 10), lambda: mmap.mmap(os.open(".", os.O_RDONLY), 10),
             lambda: mmap.mmap(os.open("data.bin", os.O_RDWR), 10, offset=7),
             lambda: mmap.mmap(-1, 10, prot=mmap.PROT_EXEC | mmap.PROT_WRITE)):
    try: work(); print("mapped")
    except (OSError, ValueError) as error: print(type(error).__name__)
"""
    assert says(guest, code).splitlines() == ["OSError"] * 5


def test_memory_cannot_be_locked_and_the_caller_learns_it(guest):
    code = """
import ctypes, errno
lib = ctypes.CDLL(None, use_errno=True)
block = ctypes.create_string_buffer(16)
for name in ("mlock", "munlock"):
    print(getattr(lib, name)(block, 16), ctypes.get_errno() == errno.ENOSYS)
"""
    assert says(guest, code) == "-1 True\n-1 True\n"
