"""`hatch-wasi venv`, and the commands that use an environment: as a person has them, in a shell."""

import os
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


def test_a_pip_that_is_installed_takes_its_place(shell, venv, make_wheel, site):
    entry = {"pip-1.0.dist-info/entry_points.txt": "[console_scripts]\npip = demo:main\n"}
    wheel = make_wheel("pip", "1.0", {"demo.py": SCRIPT["demo.py"], **entry})
    assert shell(f"hatch-wasi install --target 'my env' {wheel}").returncode == 0
    assert shell("hatch-wasi venv 'my env' && 'my env/bin/pip' x").stdout == "demo ['x'] wasi\n"
    assert shell("hatch-wasi uninstall -y --target 'my env' pip && hatch-wasi venv 'my env'").returncode == 0
    assert shell("'my env/bin/pip' --version").stdout.startswith("hatch-wasi ")
    # Anybody else's program of this name stays.
    (site / "bin").mkdir(parents=True)
    (site / "bin" / "pip").write_text("mine")
    assert "'bin/pip' is there already" in shell(f"hatch-wasi install --target {site} {wheel}").stderr


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
