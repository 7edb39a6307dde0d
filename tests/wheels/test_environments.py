"""`hatch-wasi venv`, and the commands that use an environment: as a person has them, in a shell."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from wheel_making import frozen

from hatch_wasi import environment

RUN = [sys.executable, "-m", "hatch_wasi"]
SCRIPT = {
    "demo.py": "import sys\ndef main():\n    print('demo', sys.argv[1:], sys.platform)\n",
    "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ndemo = demo:main\n",
}


@pytest.fixture
def shell(tmp_path, toolchain):
    """Run a line in a shell, with hatch-wasi on the PATH and a data folder of its own."""

    def run(line: str, cwd: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "HATCH_WASI_DATA_DIR": str(tmp_path / "data")}
        env.pop("VIRTUAL_ENV", None)
        return subprocess.run(["sh", "-c", line], cwd=cwd, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def venv(shell, tmp_path):
    folder = tmp_path / "my env"
    done = shell("hatch-wasi venv 'my env'")
    assert done.returncode == 0, done.stderr
    assert f"{folder.name}/bin/python" in done.stderr
    return folder


def test_its_python_runs_on_wasi_with_its_packages(shell, venv, make_wheel, guest):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    done = shell("'my env/bin/python' -c 'import demo, sys; print(sys.platform)'")
    assert (done.stdout, done.returncode) == ("wasi\n", 0), done.stderr
    assert shell("'my env/bin/demo' a 'b c'").stdout == "demo ['a', 'b c'] wasi\n"
    # Elsewhere it is not there.
    assert "No module named 'demo'" in guest("-c", "import demo").stderr


def test_it_is_used_while_it_is_active(shell, venv, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    done = shell(
        f". 'my env/bin/activate' && cd / && hatch-wasi install {wheel} && hatch-wasi list && demo x && python -m demo"
        " && hatch-wasi run -c 'import demo; print(demo.__file__)' && hatch-wasi uninstall -y demo && hatch-wasi freeze"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == ["Package Version", "------- -------", "demo    1.0"]
    assert lines[3] == "demo ['x'] wasi"
    assert lines[-1] == "/usr/lib/python3.13/site-packages/demo.py"
    assert (venv / "bin" / "python").is_file()
    assert not (venv / "bin" / "demo").exists()


def test_it_is_used_by_whoever_is_in_it(shell, venv, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    inner = venv / "work" / "deep"
    inner.mkdir(parents=True)
    assert shell(f"hatch-wasi install {wheel}", cwd=inner).returncode == 0
    assert shell("hatch-wasi run -m demo", cwd=inner).returncode == 0
    assert shell("hatch-wasi freeze", cwd=inner).stdout == f"demo @ {frozen(wheel)}\n"
    assert shell("hatch-wasi freeze").stdout == ""


def test_what_is_installed_for_all_is_not_in_it(shell, venv, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert shell(f"hatch-wasi install {wheel}").returncode == 0
    assert shell("hatch-wasi run -m demo").returncode == 0
    assert "No module named demo" in shell("'my env/bin/python' -m demo").stderr


def test_its_pip_installs_into_it(shell, venv, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    done = shell(f". 'my env/bin/activate' && cd / && pip install {wheel} && pip freeze && pip3 uninstall -y demo")
    assert done.returncode == 0, done.stderr
    assert f"installed demo 1.0 in {venv}/" in done.stderr
    assert done.stdout == f"demo @ {frozen(wheel)}\n"
    assert shell("'my env/bin/pip' list").stdout == ""


def test_pip_is_provided(shell, venv, make_wheel):
    """`pip install -U pip` is in every second instruction: it must neither fail nor change what `bin/pip` is."""
    before = (venv / "bin" / "pip").read_bytes()
    offline = "HATCH_WASI_OFFLINE=1 'my env/bin/pip'"
    for line in ("install -U pip", "install --upgrade 'pip>=24' PIP", "uninstall -y pip", "install pip==25.0"):
        done = shell(f"{offline} {line}")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "pip is provided by hatch-wasi" in done.stderr
    assert shell("'my env/bin/pip' freeze").stdout == ""
    # With others, those are installed.
    wheel = make_wheel("demo", "1.0", SCRIPT)
    done = shell(f"'my env/bin/pip' install -U pip {wheel}")
    assert done.returncode == 0, done.stderr
    assert shell("'my env/bin/demo'").stdout == "demo [] wasi\n"
    assert (venv / "bin" / "pip").read_bytes() == before


@pytest.mark.parametrize("name", ["pip", "setuptools", "wheel"])
def test_installing_tools_are_libraries_for_wasi(shell, venv, make_wheel, name):
    """Packages import them; what they bring as programs must not take the place of the environment's own."""
    programs = "[console_scripts]\n" + "".join(
        f"{program} = tool:main\n" for program in {"pip", "pip3", "python", name}
    )
    wheel = make_wheel(name, "1.0", {"tool.py": "version = 1\n", f"{name}-1.0.dist-info/entry_points.txt": programs})
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    assert shell("'my env/bin/python' -c 'import tool; print(tool.version)'").stdout == "1\n"
    for program in ("pip", "pip3", "pip3.13"):
        assert shell(f"'my env/bin/{program}' --version").stdout.startswith("hatch-wasi ")
    assert shell(f"'my env/bin/pip' uninstall -y {name}").returncode == 0
    assert shell("'my env/bin/pip' --version").stdout.startswith("hatch-wasi ")
    assert shell("'my env/bin/python' -c 'import tool'").returncode == 1


def test_again_keeps_packages_and_clear_does_not(shell, venv, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    assert shell("hatch-wasi venv 'my env'").returncode == 0
    assert "demo" in shell("hatch-wasi list --target 'my env'").stdout
    assert shell("hatch-wasi venv --clear 'my env'").returncode == 0
    assert shell("hatch-wasi list --target 'my env'").stdout == ""
    assert shell("'my env/bin/python' -c 'print(1)'").stdout == "1\n"


def test_it_can_be_moved(shell, venv, make_wheel, tmp_path):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    venv.rename(tmp_path / "moved")
    assert shell("moved/bin/demo").stdout == "demo [] wasi\n"
    assert shell("moved/bin/python -c 'import demo; demo.main()'").stdout == "demo [] wasi\n"


def test_it_can_be_moved_while_it_is_used_by_its_name(shell, venv, tmp_path):
    venv.rename(tmp_path / "moved")
    done = shell(
        "bash -c '. moved/bin/activate && cd / && python -c \"print(1)\" && pip --version && echo $VIRTUAL_ENV'"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "1"
    assert done.stdout.splitlines()[-1] == str(tmp_path / "moved")


NAMES = ["it's", 'a "b"', "$(touch ran)", "`touch ran`", "back\\slash", "two\nlines", "sp ace", "!x", "%d", "-n", "ü"]


@pytest.mark.parametrize(("name", "sh"), [*((name, "sh") for name in NAMES), *((name, "bash") for name in NAMES[:4])])
def test_its_name_is_no_command(shell, tmp_path, make_wheel, name, sh):
    folder = tmp_path / name / "env"
    (tmp_path / name).mkdir()
    wheel = make_wheel("demo", "1.0", SCRIPT)
    line = (
        'hatch-wasi venv "$DIR" && . "$DIR/bin/activate" && cd / && test "$VIRTUAL_ENV" = "$DIR" && '
        "python -c 'import sys; print(sys.platform)' && pip install \"$WHEEL\" && demo 'a b' && python3 -m demo && "
        'eval "echo \\"$PS1\\"" && deactivate && ! command -v demo'
    )
    done = shell(f"DIR={shlex.quote(str(folder))} WHEEL={wheel} {sh} -c {shlex.quote(line)}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["wasi", "demo ['a b'] wasi"]
    assert {path.name for path in tmp_path.iterdir()} <= {name, "wheels", "data"}


@pytest.mark.parametrize("prompt", ["$(touch ran)", "`touch ran`", "@ENVIRONMENT@", "a'b", "x\ny"])
def test_its_prompt_is_no_command(shell, tmp_path, prompt):
    line = f'hatch-wasi venv --prompt {shlex.quote(prompt)} env && . env/bin/activate && eval "echo \\"$PS1\\""'
    done = shell(line)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"env", "data"}
    assert "hatch-wasi = 1" in (tmp_path / "env" / "pyvenv.cfg").read_text().splitlines()


def test_a_name_that_would_be_two_on_the_path(shell):
    done = shell("hatch-wasi venv a:b")
    assert done.returncode == 2


def test_it_knows_its_program(shell, venv, make_wheel, tmp_path):
    """Activated in place of the environment that hatch-wasi is in, which is not on the PATH any more."""
    wheel = make_wheel("demo", "1.0", SCRIPT)
    bare = "PATH=/usr/bin:/bin"
    done = shell(f"{bare}; . 'my env/bin/activate' && hatch-wasi install {wheel} && demo && python -m demo && pip list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("demo [] wasi\n")
    assert shell(f"{bare} 'my env/bin/hatch-wasi' freeze").stdout == f"demo @ {frozen(wheel)}\n"
    # A folder of packages that is no environment has only the scripts.
    assert shell(f"hatch-wasi install --target plain {wheel}").returncode == 0
    assert shell(f"{bare} plain/bin/demo x").stdout == "demo ['x'] wasi\n"


def test_variables_of_its_python_are_for_wasi(shell, venv, make_wheel, tmp_path):
    """What PYTHONPATH names is not imported by the Python of this machine that runs hatch-wasi."""
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert (
        shell(f"hatch-wasi install --target 'my env' {wheel} && hatch-wasi install --target plain {wheel}").returncode
        == 0
    )
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    ran = tmp_path / "ran"
    for name in ("sitecustomize", "usercustomize", "argparse", "wasmtime", "platformdirs", "hatch_wasi"):
        text = f"import sys\nif sys.platform != 'wasi':\n    open({str(ran)!r}, 'a').write(__name__)\n    sys.exit(3)\n"
        (libraries / f"{name}.py").write_text(text)
    steering = f"PYTHONPATH={libraries} PYTHONHOME={libraries} PYTHONSTARTUP={libraries}/os.py PYTHONINSPECT="
    for line in ("'my env/bin/python' -c 'print(1)'", "'my env/bin/pip' list", "'my env/bin/demo'", "plain/bin/demo"):
        done = shell(f"{steering} {line}")
        assert done.returncode == 0, done.stderr
    assert not ran.exists()


def test_the_path_is_the_fallback(shell, venv, make_wheel, tmp_path):
    """hatch-wasi was moved: another one is taken, but never an environment's launcher, which looks in turn."""
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert shell(f"hatch-wasi install --target 'my env' {wheel} && hatch-wasi venv other").returncode == 0
    for folder in (venv, tmp_path / "other"):
        for launcher in (folder / "bin").iterdir():
            text = launcher.read_text()
            moved = re.sub("^program=.+$", "program=/nowhere/hatch-wasi", text, flags=re.MULTILINE, count=1)
            launcher.chmod(0o755)
            launcher.write_text(moved)
    ours = Path(sys.executable).parent
    line = "'my env/bin/python' -c 'print(1)' && 'my env/bin/demo' && 'my env/bin/pip' freeze"
    done = shell(f"PATH='{venv}/bin:{tmp_path}/other/bin:{ours}:/usr/bin:/bin'; {line}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1\ndemo [] wasi\ndemo @ ")
    done = shell(f"PATH='{venv}/bin:{tmp_path}/other/bin:/usr/bin:/bin'; 'my env/bin/python' -c 'print(1)'")
    assert (done.returncode, done.stdout) == (127, "")
    assert "not found" in done.stderr


@pytest.mark.parametrize("name", ["readlink", "dirname", "sh", "git", "test", "command", "cat"])
def test_programs_of_packages_do_not_get_between(shell, venv, make_wheel, name):
    """They may have names of this machine's programs; they run on WASI, and launchers do not call them."""
    entry = {
        "demo.py": SCRIPT["demo.py"],
        "demo-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{name} = demo:main\n",
    }
    wheel = make_wheel("demo", "1.0", entry)
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    done = shell(f". 'my env/bin/activate'; python -c 'print(1)' && pip freeze && env {name} x")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1", f"demo @ {frozen(wheel)}", "demo ['x'] wasi"]


def test_it_may_be_read_only(shell, venv, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    assert shell("chmod -R a-w 'my env'").returncode == 0
    try:
        assert shell("'my env/bin/demo'").stdout == "demo [] wasi\n"
        assert shell(". 'my env/bin/activate' && cd / && python -m demo").returncode == 0
    finally:
        shell("chmod -R u+w 'my env'")


@pytest.mark.parametrize("content", ["file", "folder"])
def test_a_folder_of_something_else_is_left_alone(shell, tmp_path, content):
    place = tmp_path / "taken"
    place.write_text("mine") if content == "file" else (place / "mine").mkdir(parents=True)
    done = shell("hatch-wasi venv taken")
    assert done.returncode == 2
    assert done.stderr.count("error: ") == 1
    assert place.is_file() or [path.name for path in place.iterdir()] == ["mine"]


def test_a_python_of_this_machine_is_no_environment_of_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.13.0\n")
    assert environment.current({"VIRTUAL_ENV": str(tmp_path)}) is None
    assert environment.of_folder(str(tmp_path)) is None


def test_another_python_is_asked_for(shell, venv):
    done = shell("hatch-wasi install --python 3.14 --target 'my env' demo")
    assert done.returncode == 2
    assert "is an environment for Python 3.13, not 3.14" in done.stderr


OTHER = 65534


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """An environment above the working folder."""
    root = tmp_path / "shared"
    site = root / "lib" / "python3.13" / "site-packages"
    site.mkdir(parents=True)
    (root / "pyvenv.cfg").write_text("hatch-wasi = 1\nversion = 3.13.5\n")
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    mine = root / "mine" / "deep"
    mine.mkdir(parents=True)
    monkeypatch.chdir(mine)
    return root


PARTS = ["", "pyvenv.cfg", "lib", "lib/python3.13", "lib/python3.13/site-packages"]


def found(told, **variables):
    place = environment.current(variables, told.append)
    return None if place is None else place.root


def test_an_environment_around_is_used_if_it_is_ones_own(planted):
    told = []
    assert found(told) == str(planted)
    assert told == []


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mode", [0o020, 0o002, 0o1002])
def test_one_that_others_may_write_to_is_not(planted, part, mode):
    file = planted / part
    file.chmod(file.stat().st_mode | mode)
    told = []
    assert found(told) is None
    (line,) = told
    assert str(planted) in line
    # Who names it has chosen it.
    assert found([], VIRTUAL_ENV=str(planted)) == str(planted)
    assert environment.of_folder(str(planted)) is not None


@pytest.mark.parametrize("part", PARTS)
def test_one_of_another_user_is_not(planted, part, monkeypatch):
    if os.geteuid() == 0:
        os.chown(planted / part, OTHER, OTHER)
    else:  # only root gives files to others: be another
        monkeypatch.setattr(os, "geteuid", lambda: OTHER + 1)
    told = []
    assert found(told) is None
    assert len(told) == 1


def test_one_further_up_may_still_be_ones_own(planted, tmp_path):
    (planted / "mine" / "pyvenv.cfg").write_text("hatch-wasi = 1\nversion = 3.13.5\n")
    (planted / "mine" / "pyvenv.cfg").chmod(0o666)
    told = []
    assert found(told) == str(planted)
    assert len(told) == 1


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge", "other", "version"])
def test_what_only_looks_like_one(planted, kind):
    """Nothing is said of other Pythons' files; a pipe must not make `run` wait."""
    config = planted / "pyvenv.cfg"
    config.unlink()
    if kind == "pipe":
        os.mkfifo(config, 0o666)
    elif kind == "folder":
        config.mkdir()
    elif kind == "huge":
        config.write_text("x" * (1 << 20) + "\nhatch-wasi = 1\nversion = 3.13.5\n")
    elif kind == "version":
        config.write_text("hatch-wasi = 1\nversion = 3.../../../x\n")
    else:
        config.write_text("home = /usr/bin\nversion = 3.13.0\n")
    told = []
    assert found(told) is None
    assert told == []


def test_commands_ignore_a_planted_one_and_say_so_once(shell, planted):
    (planted / "lib" / "python3.13" / "site-packages" / "planted.py").write_text("x = 1\n")
    planted.chmod(0o777)
    mine = planted / "mine"
    for line in ("hatch-wasi list", "hatch-wasi check", "hatch-wasi run -c 'print(1)'"):
        done = shell(line, cwd=mine)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("is ignored") == 1
    done = shell("hatch-wasi run -c 'import planted'", cwd=mine)
    assert "No module named 'planted'" in done.stderr
    for line in ("hatch-wasi run --quiet -c 'print(1)'", "hatch-wasi list --quiet"):
        assert shell(line, cwd=mine).stderr == ""


def test_what_venv_makes_is_ones_own_whatever_the_umask(shell, make_wheel):
    wheel = make_wheel("demo", "1.0", SCRIPT)
    done = shell(f"umask 000; hatch-wasi venv env && cd env && hatch-wasi install {wheel} && hatch-wasi run -m demo")
    assert done.returncode == 0, done.stderr
    assert "is ignored" not in done.stderr
