"""`hatch-wasi run -m pytest` without a flag: the real pytest, from the index, on a project in the working directory."""

import re
import subprocess
import sys

import pytest

PLUGINS = ("pytest>=8.3", "pytest-mock", "hypothesis<6.140")  # later ones are native
ROOT_CONFTEST = """\
import pytest

def pytest_addoption(parser): parser.addoption("--shade", default="none")
def pytest_report_header(config): return f"shade: {config.getoption('--shade')}"

@pytest.fixture(scope="session")
def five(): return 5
"""
INNER_CONFTEST = """\
import pytest

@pytest.fixture
def six(five): return five + 1
"""
OUTCOMES = """\
import logging, os, subprocess, sys, unittest, warnings
import pytest

def test_fixtures(five, six): assert (five, six) == (5, 6)
def test_that_fails(five):
    print("told out"); os.write(2, b"told err\\n"); logging.getLogger("told").warning("log")
    assert [five, 1] == [5, 2]
def test_that_breaks(nothing_of_that_name): pass
def test_warns(): warnings.warn("watch this", UserWarning)
def test_warns_as_it_should():
    with pytest.warns(DeprecationWarning, match="old"): warnings.warn("old", DeprecationWarning)
@pytest.mark.skip(reason="not today")
def test_skipped(): raise AssertionError
@pytest.mark.xfail(reason="known")
def test_known(): raise AssertionError
@pytest.mark.xfail
def test_better_than_known(): pass
@pytest.mark.parametrize("number", range(3))
def test_numbers(number): assert number != 1
class TestGroup(unittest.TestCase):
    def setUp(self): self.addCleanup(lambda: None)
    def test_one(self): self.assertEqual(1, 1)
    def test_sub(self):
        for number in range(3):
            with self.subTest(number): self.assertLess(number, 3)
"""
TOTALS = {"passed": 7, "failed": 2, "error": 1, "skipped": 1, "xfailed": 1, "xpassed": 1, "warning": 1}
STREAMS = """\
import faulthandler, os, sys
import pytest

def test_capfd(capfd):
    os.write(1, b"low\\n"); print("high", flush=True); os.write(2, b"err")
    assert capfd.readouterr() == ("low\\nhigh\\n", "err")
    with capfd.disabled(): os.write(1, b"[through]\\n")
    print("after", flush=True)
    assert capfd.readouterr() == ("after\\n", "")

def test_capfdbinary(capfdbinary):
    os.write(1, b"\\xff\\0"); assert capfdbinary.readouterr().out == b"\\xff\\0"

def test_capsys(capsys):
    print("x"); print("y", file=sys.stderr); assert capsys.readouterr() == ("x\\n", "y\\n")

def test_much(capfd):
    for _ in range(3000): os.write(1, b"0123456789" * 10)
    assert len(capfd.readouterr().out) == 300000

@pytest.mark.parametrize("again", range(40))
def test_many_captures(capfd, again):
    os.write(1, str(again).encode()); assert capfd.readouterr().out == str(again)

def test_stdin_is_not_to_be_read():
    with pytest.raises(OSError, match="reading from stdin"): input()

def test_no_descriptor_stays():
    def count():
        found = 0
        for fd in range(100):
            try: os.fstat(fd)
            except OSError: continue
            found += 1
        return found
    before = count()
    for _ in range(5): os.close(os.dup(1))
    assert count() == before

def test_faulthandler(): assert faulthandler.is_enabled()
"""
FOLDERS = """\
import os, pathlib, tempfile

def test_tmp_path(tmp_path, tmp_path_factory):
    (tmp_path / "a").write_text("x"); assert tmp_path.is_relative_to(tempfile.gettempdir())
    assert tmp_path_factory.mktemp("b").is_dir() and (tmp_path / "a").resolve(strict=True).read_text() == "x"

def test_tmpdir(tmpdir): tmpdir.join("x").write("y"); assert tmpdir.join("x").check()

def test_chdir(monkeypatch, tmp_path, request):
    monkeypatch.chdir(tmp_path); assert os.getcwd() == str(tmp_path)
    open("made", "w").close(); assert (tmp_path / "made").exists()
    (tmp_path / "in").mkdir(); monkeypatch.chdir("in/"); assert pathlib.Path.cwd() == tmp_path / "in"
    monkeypatch.chdir(".."); assert pathlib.Path.cwd() == tmp_path
    monkeypatch.chdir("/"); assert os.getcwd() == "/" and not os.path.exists("made")
    monkeypatch.undo(); assert pathlib.Path.cwd() == request.config.invocation_params.dir

def test_the_project_is_where_it_is(request):
    root = request.config.rootpath
    assert root.resolve(strict=True) == root and (root / "tests" / ".." / "conftest.py").is_file()
    assert all(parent.is_dir() for parent in root.parents)
    assert not (root / ".." / ".." / "nothing").exists() and not os.path.exists("/etc/passwd")

def test_environment(monkeypatch):
    monkeypatch.setenv("SHADE", "red"); assert os.environ["SHADE"] == "red"
    monkeypatch.syspath_prepend("/nowhere")
"""
EXTRAS = """\
import os
from hypothesis import HealthCheck, given, settings, strategies

@settings(deadline=None, suppress_health_check=list(HealthCheck))  # a busy machine is no failure
@given(strategies.lists(strategies.integers()))
def test_property(numbers): assert sorted(sorted(numbers, reverse=True)) == sorted(numbers)

def test_mocked(mocker):
    mocker.patch("os.getpid", return_value=7); assert os.getpid() == 7
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pytest") / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(folder)]
    done = subprocess.run([*pip, *PLUGINS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(tmp_path):
    """A project with tests in two folders; nothing in it knows of WASI."""
    root = tmp_path / "project"
    files = {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-ra"\nmarkers = ["slow"]\n',
        "conftest.py": ROOT_CONFTEST,
        "tests/conftest.py": INNER_CONFTEST,
        "tests/test_outcomes.py": OUTCOMES,
        "tests/io/test_streams.py": STREAMS,
        "tests/io/test_folders.py": FOLDERS,
        "tests/test_extras.py": EXTRAS,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def tested(guest, site, project):
    def run(*arguments, cwd=project, ours=(), **options):
        return guest("--site", site, *ours, "-m", "pytest", *arguments, cwd=cwd, **options)

    return run


def counts(done):
    """Read the last line that tells of outcomes."""
    told = re.findall(r"(\d+) (passed|failed|error|skipped|xfailed|xpassed|warning|deselected)", done.stdout)
    return {name: int(count) for count, name in told}


def test_a_project_is_tested_without_a_flag(tested, project):
    done = tested(env={"PYTHONDONTWRITEBYTECODE": ""})
    assert done.stderr == ""
    assert done.returncode == 1, done.stdout
    others = 8 + 39 + 5 + 2
    assert counts(done) == {**TOTALS, "passed": TOTALS["passed"] + others}
    assert "[through]\n" in done.stdout  # in the middle of a line of progress
    for line in (
        f"rootdir: {project}", "configfile: pyproject.toml", "shade: none",
        "E       assert [5, 1] == [5, 2]", "told out", "told err", "WARNING  told:test_outcomes.py:6 log",
        "E       fixture 'nothing_of_that_name' not found", "  " + f"{project}/tests/test_outcomes.py:9: UserWarning: watch this",
        "FAILED tests/test_outcomes.py::test_numbers[1] - assert 1 != 1",
    ):  # fmt: skip
        assert line in done.stdout.splitlines(), done.stdout
    assert (project / ".pytest_cache" / "v" / "cache" / "lastfailed").is_file()
    assert len(list(project.rglob("__pycache__/*-pytest-*.pyc"))) == 6


@pytest.mark.parametrize(
    ("arguments", "expected", "status"),
    [
        (("-x", "-q", "tests/test_outcomes.py"), {"passed": 1, "failed": 1}, 1),
        (("tests/io",), {"passed": 52}, 0),
        (("tests/io/test_folders.py::test_tmpdir", "-q"), {"passed": 1}, 0),
        (("-k", "capfd and not many", "-s", "tests/io"), {"passed": 2, "deselected": 50}, 0),
        (("--capture=sys", "-k", "capsys", "tests/io"), {"passed": 1, "deselected": 51}, 0),
        (("-p", "no:cacheprovider", "--basetemp=base", "tests/io/test_folders.py"), {"passed": 5}, 0),
        (
            ("-W", "error", "-k", "test_warns", "tests/test_outcomes.py"),
            {"passed": 1, "failed": 1, "deselected": 11},
            1,
        ),
        (("--import-mode=importlib", "tests/test_extras.py"), {"passed": 2}, 0),
        (("nowhere",), {}, 4),
        (("-k", "nothing_at_all", "tests/test_extras.py"), {"deselected": 2}, 5),
        (("--shade=red", "--collect-only", "tests/test_extras.py"), {}, 0),
    ],
)
def test_options(tested, arguments, expected, status):
    done = tested(*arguments)
    assert (counts(done), done.returncode) == (expected, status), done.stdout + done.stderr


def test_failures_first_and_again(tested):
    assert counts(tested("tests/test_outcomes.py", "-k", "numbers"))["failed"] == 1
    done = tested("--lf", "-v", "--durations=2", "--junitxml=out/report.xml")
    assert counts(done) == {"failed": 1, "deselected": 2}
    assert "test_numbers[1] FAILED" in done.stdout


def test_from_a_folder_inside_of_the_project(tested, project):
    """The rest of the project is not shown then; with it shown, pytest finds the configuration as it does elsewhere."""
    inner = project / "tests" / "io"
    shown = tested("..", "-q", "-k", "fixtures or tmp_path or project", cwd=inner, ours=("--dir", project))
    assert counts(shown)["passed"] == 3, shown.stdout + shown.stderr
    alone = tested("-k", "not where_it_is", cwd=inner)
    assert (counts(alone), alone.returncode) == ({"passed": 51, "deselected": 1}, 0), alone.stdout


def test_version_and_a_run_that_fails_to_begin(tested, project):
    assert re.fullmatch(r"pytest \d+\.\d+\.\d+\n", tested("--version").stdout)
    (project / "tests" / "test_extras.py").write_text("import nothing_of_that_name")
    done = tested("tests/test_extras.py")
    assert (counts(done), done.returncode) == ({"error": 1}, 2)
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in done.stdout


def test_below_a_folder_for_temporary_files(tested, project, tmp_path):
    """A project below /tmp, and the guest's own /tmp around it."""
    assert project.is_relative_to(tmp_path)
    done = tested("-q", "tests/io", ours=("--dir", f"{project}::/tmp/deep/project"))
    assert counts(done) == {"passed": 52}, done.stdout
