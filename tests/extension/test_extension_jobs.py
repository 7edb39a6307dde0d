import os
import sys
import tempfile
import time

import pytest

from hatch_wasi.console import Console
from hatch_wasi.errors import BuildError, HatchWasiError
from hatch_wasi.extension.jobs import Crew, Job
from hatch_wasi.extension.ledger import Ledger


@pytest.fixture
def root(tmp_path):
    (tmp_path / "in").touch()
    os.utime(tmp_path / "in", ns=(1, 1))
    return tmp_path


@pytest.fixture
def said():
    return []


@pytest.fixture
def run(root, said, monkeypatch):
    def run(*jobs, processors=1, verbosity=0):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
        ledger = Ledger(root / "ledger.json", root)
        try:
            crew = Crew(ledger, root, dict(os.environ), Console(verbosity=verbosity, write=said.append))
            return crew.run(jobs, "making", "file")
        finally:
            ledger.save()

    return run


def job(output, code="", *, signature="1", **options):
    """Run `code`; then make `output`."""
    program = f"import pathlib, sys, time\n{code}\npathlib.Path({output!r}).write_text('made')"
    argv = (sys.executable, "-S", "-c", program)
    return Job(
        **{
            "what": f"making {output}",
            "extension": f"for {output}",
            "argv": argv,
            "signature": signature,
            "output": output,
            "inputs": ("in",),
            **options,
        }
    )


def test_made_once(root, run, said):
    assert run(job("deep/er/a"), job("b")) == {}
    assert said == ["making: 2 files …"]
    assert (root / "deep/er/a").read_text() == "made"
    run(job("deep/er/a", "1 / 0"), job("b", "1 / 0"))
    assert len(said) == 1
    run(job("deep/er/a"), job("b", signature="2"))
    assert said[1:] == ["making: 1 of 2 files …"]


def test_at_once(root, run):
    """Each waits for what the other makes."""
    wait = "\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.01)"
    one = job("a", "pathlib.Path('a.begun').touch()" + wait.format("b.begun"))
    other = job("b", "pathlib.Path('b.begun').touch()" + wait.format("a.begun"))
    run(one, other, processors=2)
    assert (root / "a").exists()
    assert (root / "b").exists()


def test_failure(root, run):
    code = "print('note: words'); print('x.c:1:2: error: first'); print('x.c:3:4: error: second'); sys.exit(3)"
    with pytest.raises(BuildError) as caught:
        run(job("a", f"pathlib.Path('a').touch(); {code}"), job("b"))
    error = caught.value
    assert error.message == "for a: making a failed: x.c:1:2: error: first"
    assert error.output.startswith(f"+ {sys.executable} -S -c ")
    assert error.output.endswith("note: words\nx.c:1:2: error: first\nx.c:3:4: error: second")
    assert error.log is None  # all of it is shown, and the file may soon be gone
    assert not (root / "a").exists()
    assert not (root / "b").exists()  # none is started after a failure


def test_log_of_a_long_output_outlives_a_build_in_a_temporary_folder(root, run, monkeypatch, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("HATCH_WASI_CACHE_DIR", str(cache))
    monkeypatch.setattr(tempfile, "tempdir", str(root.parent))
    with pytest.raises(BuildError) as caught:
        run(job("a", "print('x.c:1:2: error: first'); print('x' * 40_000); sys.exit(3)"))
    assert caught.value.log.is_relative_to(cache)
    assert caught.value.log.read_text().count("x") > 40_000
    assert len(caught.value.output) < 40_000


def test_failure_without_words(run):
    with pytest.raises(BuildError, match=r"^for a: making a failed: python[\d.]*, exit status 3$"):
        run(job("a", "sys.exit(3)"))


def test_optional_failure(root, run):
    failures = run(job("a", "sys.exit(3)", optional=True), job("b"))
    assert set(failures) == {"for a"}
    assert (root / "b").exists()


def test_bad_output(root, run):
    def check(path, said):
        message = f"{path.name} is not good{said}"
        raise HatchWasiError(message, hint="make it better")

    with pytest.raises(BuildError, match=r"^a is not good$") as caught:
        run(job("a", check=check))
    assert caught.value.hint == "make it better"
    assert not (root / "a").exists()


def test_dubious_output(root, run, said):
    run(job("a", check=lambda path, said: f"{path.name} is dubious"))
    assert said[1:] == ["warning: a is dubious"]
    assert (root / "a").exists()


def test_depfile(root, run):
    (root / "header").touch()
    os.utime(root / "header", ns=(1, 1))
    first = job("a", "pathlib.Path('a.d').write_text('a: in header\\n')", depfile="a.d")
    run(first)
    (root / "header").write_text("changed")
    began = time.time_ns()
    run(first)
    assert (root / "a").stat().st_mtime_ns >= began - 20_000_000
    assert Ledger(root / "ledger.json", root).inputs() == {"in", "header"}


def test_commands_and_warnings_are_details(run, said):
    run(job("a", "print('a warning')"), verbosity=1)
    assert said[1].startswith(f"+ {sys.executable} -S -c ")
    assert said[2] == "a warning"
