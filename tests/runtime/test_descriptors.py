"""Descriptors in the guest: duplicates, devices, a folder for temporary files, users."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from hatch_wasi.cpython import recipe

PRELUDE = "import os, stat, sys\n"


def says(guest, code: str, **options: object) -> list[str]:
    done = guest("-c", PRELUDE + code, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_call_that_is_wrapped_has_a_wrapper_and_no_other():
    texts = "".join(text for name, text in recipe.guest_files().items() if name.endswith(".c"))
    found = re.findall(
        r"^PASS\((\w+),|^__wasi_errno_t (?:WRAPPED\((\w+)\)|__wrap___wasi_(\w+))\(", texts, flags=re.MULTILINE
    )
    assert sorted("".join(names) for names in found) == sorted(recipe.WRAPPED)


def test_duplicates_share_offset_and_outlive_each_other(guest):
    assert says(
        guest,
        """
f = os.open("data", os.O_RDWR | os.O_CREAT); os.write(f, b"0123456789"); d = os.dup(f); e = os.dup(d)
os.lseek(d, 2, 0); print(os.read(f, 2), os.read(e, 2))
os.close(f); print(os.read(d, 1)); os.close(d); print(os.read(e, 1)); os.close(e)
for gone in (f, d, e):
    try: os.fstat(gone)
    except OSError as error: print(error.strerror)
""",
    ) == ["b'23' b'45'", "b'6'", "b'7'", *["Bad file descriptor"] * 3]


def test_the_lowest_number_is_taken(guest):
    code = """
f = os.open("data", os.O_RDWR | os.O_CREAT); os.write(f, b"abc"); os.lseek(f, 0, 0)
os.close(0); print(os.dup(f), os.read(0, 1)); d = os.dup(f); e = os.dup(f); os.close(d); print(os.dup(f) == d)
"""
    assert says(guest, code) == ["0 b'a'", "True"]


@pytest.mark.parametrize("number", [1, 2, 7, 60, 900])
def test_dup2_takes_a_number_and_gives_it_back(guest, number):
    assert says(
        guest,
        f"""
f = os.open("data", os.O_RDWR | os.O_CREAT)
saved = os.dup({number}) if {number} < 3 else None
os.dup2(f, {number}); os.write({number}, b"written\\n");
if saved is None: os.close({number})
else: os.dup2(saved, {number}); os.close(saved)
os.lseek(f, 0, 0); os.write(1, os.read(f, 100)); os.write(1, b"again\\n")
""",
    ) == ["written", "again"]


def test_chains_of_duplicates_keep_their_files(guest):
    """Many moves in both directions, followed in a model: every number reads what it should."""
    code = """
import random
chance = random.Random(7)
for letter in "abcd":
    with open(letter, "w") as file: file.write(letter * 5000)
low = {os.open(letter, os.O_RDONLY): letter for letter in "abcd"}
for step in range(3000):
    what, number = chance.choice("ddcno"), chance.choice(list(low))
    if what == "d":
        other = chance.randrange(20, 90)
        os.dup2(number, other); low[other] = low[number]
    elif what == "n" and len(low) < 60: low[os.dup(number)] = low[number]
    elif what == "c" and len(low) > 8: os.close(number); del low[number]
    elif what == "o" and len(low) < 60:
        letter = chance.choice("abcd"); low[os.open(letter, os.O_RDONLY)] = letter
    number = chance.choice(list(low))
    os.lseek(number, 0, 0)
    assert os.read(number, 1).decode() == low[number], (step, number)
for number in low: os.close(number)
print("done", len(os.listdir(".")))
"""
    assert says(guest, code)[0].startswith("done")


def test_what_cannot_be_duplicated(guest):
    code = """
for call in (lambda: os.dup(99), lambda: os.dup(-1), lambda: os.dup2(99, 5), lambda: os.dup2(1, -1), lambda: os.dup2(1, 5000)):
    try: call()
    except OSError as error: print(error.strerror)
print(os.dup2(1, 1))
"""
    assert says(guest, code) == [*["Bad file descriptor"] * 5, "1"]


def test_a_directory_and_a_wait_through_duplicates(guest):
    code = """
import select
open("here", "w").close()
d = os.dup(os.open(".", os.O_RDONLY)); print(stat.S_ISDIR(os.fstat(d).st_mode), os.stat("here", dir_fd=d).st_size)
s = os.dup(0); print(select.select([s], [], [], 5)[0] == [s], os.read(s, 3))
"""
    assert says(guest, code, input="abc") == ["True 0", "True b'abc'"]


def test_null(guest):
    code = """
n = os.open(os.devnull, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
print(os.write(n, b"x" * 100), os.read(n, 5), os.isatty(n), stat.S_ISCHR(os.fstat(n).st_mode), os.fstat(n).st_size)
print(stat.S_ISCHR(os.stat("/dev/null").st_mode), os.path.exists("/dev/null"), sorted(os.listdir("/dev")))
with open(os.devnull, "w") as file: print("nothing", file=file)
os.dup2(n, 1); print("unseen", flush=True); os.write(2, b"seen")
"""
    done = guest("-c", PRELUDE + code)
    first = "100 b'' False True 0\nTrue True ['null', 'random', 'urandom', 'zero']\n"
    assert (done.stdout, done.stderr, done.returncode) == (first, "seen", 0)


def test_other_devices(guest):
    code = """
print(open("/dev/zero", "rb").read(3), len(set(open("/dev/urandom", "rb", buffering=0).read(64))) > 16)
try: open("/dev/other", "w")
except OSError as error: print(error.strerror)
open("null", "w").write("a file"); print(open("null").read(), stat.S_ISREG(os.stat("null").st_mode))
"""
    told = says(guest, code)
    assert told[0] == r"b'\x00\x00\x00' True"
    assert told[2] == "a file True"
    assert told[1] in ("Operation not permitted", "Read-only file system", "No such file or directory")


def test_users(guest):
    code = """
open("mine", "w").close()
print({os.getuid(), os.getgid(), os.stat("mine").st_uid}, hasattr(os, "geteuid"), oct(os.umask(0o77)), oct(os.umask(0)))
"""
    assert says(guest, code) == ["{0} False 0o22 0o77"]


def test_temporary_files_have_a_folder_of_their_own(guest, tmp_path):
    code = """
import tempfile
print(tempfile.gettempdir(), [name for name in os.listdir("/tmp") if not PLACE.startswith(f"/tmp/{name}/")])
with open("/tmp/left", "w") as file: file.write("x")
os.makedirs("/tmp/deep/er")
"""
    place = tmp_path / "place"
    place.mkdir()
    for words in ([], ["--isolated"]):
        done = guest(*words, "-c", PRELUDE + f"PLACE = {str(place)!r}" + code, env={"TMPDIR": str(place)})
        assert (done.stdout, done.returncode) == ("/tmp []\n", 0), done.stderr
        assert list(place.iterdir()) == []


def test_what_a_person_shows_as_tmp_is_shown(guest, tmp_path):
    (tmp_path / "own").mkdir()
    guest("--dir", "own::/tmp", "-c", "open('/tmp/x', 'w').write('kept')")
    assert (tmp_path / "own" / "x").read_text() == "kept"


def test_the_folder_goes_when_the_guest_is_interrupted(toolchain, tmp_path):
    argv = [sys.executable, "-m", "hatch_wasi", "run", "-c", "import time; print(1, flush=True); time.sleep(60)"]
    with subprocess.Popen(
        argv, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert len(list(tmp_path.glob("hatch-wasi-run-*"))) == 1
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert list(tmp_path.iterdir()) == []


def test_large_files_in_one_call(guest):
    """wasmtime refuses transfers of 128 MiB and more."""
    code = """
size = 150 << 20
with open("large", "wb") as file: print(file.write(bytes(size)))
with open("large", "rb", buffering=0) as file: print(len(file.read()))
with open("large", "rb") as file: print(len(file.read(size)))
os.remove("large")
"""
    assert says(guest, code) == [str(150 << 20)] * 3
