"""pytest in the guest, as a person calls it: no options, its own defaults."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """\
import pytest
@pytest.fixture
def place(tmp_path):
    (tmp_path / "here").write_text("there")
    return tmp_path
"""
TESTS = """\
import os, sys, warnings
import pytest

def test_files(place, monkeypatch):
    monkeypatch.chdir(place)
    assert open("here").read() == "there" and os.getcwd() == str(place)

def test_what_is_written_to_descriptors_is_captured(capfd):
    os.write(1, b"to the descriptor")
    print("to the stream", file=sys.stderr)
    assert capfd.readouterr() == ("to the descriptor", "to the stream\\n")

def test_streams(capsys):
    print("hidden")
    assert capsys.readouterr().out == "hidden\\n"

def test_that_fails():
    os.write(1, b"seen only because it fails\\n")
    assert sorted([3, 1, 2]) == [1, 2, 4]

def test_warns():
    warnings.warn("careful")

@pytest.mark.skipif(sys.platform == "wasi", reason="elsewhere")
def test_elsewhere():
    raise SystemError

@pytest.mark.parametrize("number", range(5))
def test_many(number, tmp_path_factory):
    assert tmp_path_factory.mktemp("many").name.startswith("many")

@pytest.mark.xfail(raises=RuntimeError, strict=True)
def test_threads():
    import threading
    threading.Thread(target=print).start()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", folder]
    subprocess.run([*pip, "pytest>=8.3"], check=True)
    return folder


@pytest.fixture
def project(tmp_path) -> Path:
    """A project in a folder below the one that is shown, with a configuration that is found from there."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\ntestpaths = ['tests']\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text(CONFTEST)
    (tmp_path / "tests" / "test_things.py").write_text(TESTS)
    return tmp_path


def counts(text: str) -> dict[str, int]:
    last = text.strip().splitlines()[-1]
    return {
        what.rstrip("s"): int(count)
        for count, what in re.findall(r"(\d+) (passed|failed|skipped|xfailed|warnings?|error)", last)
    }


def test_a_project_is_tested_without_any_option(guest, site, project):
    done = guest("--site", site, "-m", "pytest", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert counts(done.stdout) == {"passed": 9, "failed": 1, "skipped": 1, "xfailed": 1, "warning": 1}
    assert f"rootdir: {project}" in done.stdout
    assert "configfile: pyproject.toml" in done.stdout
    assert "seen only because it fails" in done.stdout
    assert done.stdout.count("hidden") == 0
    assert "assert [1, 2, 3] == [1, 2, 4]" in done.stdout
    assert done.stderr == ""
    assert (project / ".pytest_cache" / "v" / "cache" / "lastfailed").is_file()


@pytest.mark.parametrize(
    "words", [["-q", "tests/test_things.py"], ["-s", "tests"], ["--capture=sys", "-v"], ["-p", "no:cacheprovider"]]
)
def test_with_options(guest, site, project, words):
    done = guest(
        "--site", site, "-m", "pytest", "--deselect", "tests/test_things.py::test_that_fails", *words, cwd=project
    )
    # Nothing is captured from a descriptor where pytest is told to capture Python's streams alone, or nothing.
    assert counts(done.stdout)["passed"] == 9, done.stdout + done.stderr
    assert done.returncode == 0


def test_the_first_failure_ends_it_and_the_last_ones_come_again(guest, site, project):
    assert counts(guest("--site", site, "-m", "pytest", "-x", cwd=project).stdout)["failed"] == 1
    again = guest("--site", site, "-m", "pytest", "--lf", cwd=project)
    assert counts(again.stdout) == {"failed": 1}


def test_its_version_and_its_errors(guest, site, project):
    assert guest("--site", site, "-m", "pytest", "--version", cwd=project).stdout.startswith("pytest ")
    assert guest("--site", site, "-m", "pytest", "nowhere.py", cwd=project).returncode == 4
