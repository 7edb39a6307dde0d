"""Python's environment variables: what reaches the guest, what is shown for them, and what is said of the others."""

import json
from pathlib import Path

import pytest

from hatch_wasi.runtime.variables import IGNORED, ignored

SEEN = "import json, os; print(json.dumps(dict(os.environ)))"


def test_folders_of_modules(guest, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "src" / "pkg").mkdir(parents=True)
    (here / "src" / "pkg" / "__main__.py").write_text("import other, sys; print(other.NAME, sys.path[1:3] == SITES)\n")
    there.mkdir()
    (there / "other.py").write_text("NAME = 'other'\ntry: open(__file__, 'w')\nexcept OSError: NAME += ' read-only'\n")
    sites = [str(here / "src"), str(there)]
    program = here / "src" / "pkg" / "__main__.py"
    program.write_text(program.read_text().replace("SITES", repr(sites)))
    done = guest("-m", "pkg", cwd=here, env={"PYTHONPATH": f"src:{there}:{tmp_path}/missing"})
    assert (done.stdout, done.stderr) == ("other read-only True\n", "")
    assert (there / "other.py").read_text().startswith("NAME")


def test_a_folder_of_modules_is_all_that_is_shown(guest, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "modules").mkdir()
    (tmp_path / "secret").write_text("")
    code = (
        f"import os; print(os.path.isdir({str(tmp_path / 'modules')!r}), os.path.exists({str(tmp_path / 'secret')!r}))"
    )
    env = {"PYTHONPATH": str(tmp_path / "modules")}
    assert guest("-c", code, cwd=tmp_path / "here", env=env).stdout == "True False\n"
    assert guest("--isolated", "-c", code, env=env).stdout == "False False\n"
    assert guest("-I", "-c", code, cwd=tmp_path / "here", env=env).stdout == "False False\n"


def test_sites_come_before_the_variable(guest, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shared.py").write_text(f"NAME = {name!r}")
    done = guest("--site", "one", "-c", "import shared; print(shared.NAME)", env={"PYTHONPATH": str(tmp_path / "two")})
    assert done.stdout == "one\n"


@pytest.mark.parametrize("entry", ["/", "/usr/lib", "/usr", "/usr/lib/python3/dist-packages"])
def test_entries_that_the_guest_may_not_have(guest, entry):
    if not Path(entry).is_dir():
        entry = "/usr/lib"
    done = guest("-c", "import sys; print(sys.path)", env={"PYTHONPATH": entry})
    assert "python313.zip" in done.stdout
    assert repr(entry) not in done.stdout
    assert done.stderr.startswith(f"Note: {entry}, an entry of PYTHONPATH, is ignored: ")
    assert done.stderr.count("\n") == 1
    assert guest("--quiet", "-c", "pass", env={"PYTHONPATH": entry}).stderr == ""
    assert guest("-E", "-c", "pass", env={"PYTHONPATH": entry}).stderr == ""


def test_variables_for_python(guest):
    env = {
        "PYTHONBREAKPOINT": "0",
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONNODEBUGRANGES": "1",
        "PYTHONPYCACHEPREFIX": "/nowhere",
        "PYTHON_HISTORY": "/secret/place",
        "PYTHONNOUSERSITE": "1",
    }
    seen = json.loads(guest("-c", SEEN, env=env).stdout)
    assert {name: seen.get(name) for name in env} == {**env, "PYTHON_HISTORY": None}
    assert not {name for name in json.loads(guest("-E", "-c", SEEN, env=env).stdout) if name in env}
    code = "import asyncio, sys\nasync def f(): return asyncio.get_running_loop().get_debug()\n"
    assert (
        guest("-c", f"{code}breakpoint(); print(asyncio.run(f()), sys.pycache_prefix)", env=env).stdout
        == "True /nowhere\n"
    )


def test_what_cannot_be_honoured_is_said_once(guest):
    # The others of these would be obeyed by the Python that runs hatch-wasi.
    name = "PYTHONUSERBASE"
    done = guest("-c", SEEN, env={name: "/opt/python"})
    assert done.stderr == f"Note: {name} is ignored: {IGNORED[name]}\n"
    assert name not in json.loads(done.stdout)
    for options in (["-E"], ["-I"], ["--isolated"], ["--quiet"]):
        assert guest(*options, "-c", "pass", env={name: "/opt/python"}).stderr == ""


def test_each_variable_that_is_ignored_is_named():
    assert ignored({**dict.fromkeys(IGNORED, "/x"), "PYTHONVERBOSE": "1"}) == [
        f"{name} is ignored: {reason}" for name, reason in IGNORED.items()
    ]
    assert {"PYTHONHOME", "PYTHONPLATLIBDIR"} <= IGNORED.keys()
    assert ignored({"PYTHONHOME": ""}) == []


def test_modules_for_the_guest_do_not_replace_this_programs(guest, tmp_path):
    (tmp_path / "modules").mkdir()
    for name in ("difflib", "hatchling", "tempfile", "select", "shutil"):
        (tmp_path / "modules" / f"{name}.py").write_text("raise SystemExit('imported by the wrong Python')")
    done = guest("--isolatd", env={"PYTHONPATH": str(tmp_path / "modules")})
    assert (done.returncode, "did you mean --isolated?" in done.stderr) == (2, True)


def test_startup_file(terminal, tmp_path, monkeypatch):
    (tmp_path / "rc").mkdir()
    (tmp_path / "rc" / "startup.py").write_text(
        "import os, sys; ready = sorted(os.listdir(os.path.dirname(__file__)))\n"
    )
    (tmp_path / "rc" / "secret").write_text("")
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "rc" / "startup.py"))
    shell = terminal("-q")
    shell.until(">>> ")
    shell.say("ready\n")
    shell.until("\r\n['startup.py']\r\n>>> ")
    shell.say("exit()\n")
    assert shell.ended() == 0
    for options in (["-q", "-E"], ["--isolated", "-q"]):
        shell = terminal(*options)
        shell.until(">>> ")
        shell.say("ready\n")
        shell.until("NameError")
        shell.until(">>> ")
        shell.say("exit()\n")
        assert shell.ended() == 0


@pytest.mark.parametrize(("module", "instead"), [("pip", "hatch-wasi install"), ("venv", "hatch-wasi venv"),
                                                 ("ensurepip", "hatch-wasi install"), ("pip.__main__", "install")])  # fmt: skip
def test_modules_that_have_no_place_here(guest, module, instead):
    done = guest("-m", module, "install", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert instead in done.stderr
    assert "Traceback" not in done.stderr


def test_modules_of_that_name_that_somebody_wrote(guest, tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "pip.py").write_text("import sys; print('my pip', sys.argv[1:])")
    assert guest("-m", "pip", "list").stdout == "my pip ['list']\n"
    assert guest("-Im", "pip").returncode == 1
    assert guest("-mvenv", "x").returncode == 1
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "ensurepip.py").write_text("print('mine')")
    assert guest("--site", "site", "-m", "ensurepip").stdout == "mine\n"
    (tmp_path / "pathed").mkdir()
    (tmp_path / "pathed" / "venv.py").write_text("print('pathed')")
    assert guest("-m", "venv", env={"PYTHONPATH": str(tmp_path / "pathed")}).stdout == "pathed\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--isolatd", "-c", "pass"], "did you mean --isolated?"),
        (["--pyhton=3.13", "x.py"], "did you mean --python?"),
        (["-B", "--isolated", "-c", "pass"], "own options come before python's"),
        (["--verison"], "did you mean --version?"),
    ],
)
def test_misspelt_options(guest, words, hint):
    done = guest(*words)
    assert done.returncode == 2
    assert hint in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_programs_options_are_its_own(guest, tmp_path):
    (tmp_path / "show.py").write_text("import sys; print(sys.argv[1:])")
    assert guest("show.py", "--isolatd", "--verison").stdout == "['--isolatd', '--verison']\n"
    assert guest("-m", "show", "--pyhton").stdout == "['--pyhton']\n"
    assert (
        guest("-W", "ignore", "-X", "dev", "-c", "import sys; print(sys.argv[1:])", "--dirr").stdout == "['--dirr']\n"
    )
    assert guest("--check-hash-based-pycs", "never", "--", "show.py", "--isolatd").stdout == "['--isolatd']\n"
