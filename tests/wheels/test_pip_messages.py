"""What `hatch-wasi install` says of pip's answers: which requirement, why, and what to do; with real pip and servers."""

import hashlib
import os

import index_server
import pytest

from hatch_wasi.cli import main


@pytest.fixture
def index(tmp_path):
    with index_server.serving(tmp_path / "index") as served:
        yield served


@pytest.fixture
def said(tmp_path, monkeypatch, index, site, toolchain, capfd):
    """`hatch-wasi install` from the index alone; its status and what it says."""
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP_NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "HATCH_WASI_PYTHON", "HATCH_WASI_OFFLINE"):
        monkeypatch.delenv(name, raising=False)

    def run(*words, index_url=index.url):
        capfd.readouterr()
        status = main(["install", "--target", str(site), "--index-url", index_url, *map(str, words)])
        return status, capfd.readouterr().err

    yield run
    os.environ.pop("HATCH_WASI_OFFLINE", None)  # --offline sets it


@pytest.fixture
def add(index, make_wheel):
    def run(name, version, *needs, tag="py3-none-any", extra=""):
        lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
        wheel = make_wheel(name, version, {f"{name}.py": ""}, tag=tag, extra=extra + lines)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        index.add(wheel)
        return digest

    return run


def test_a_dependency_without_a_wheel_is_named_whatever_releases_need_it(said, add):
    for version in ("1.0", "1.1", "2.0"):
        add("app", version, f"lib>={version}")
        add("lib", version, tag="cp313-cp313-manylinux_2_17_x86_64")
    status, text = said("app")
    assert status == 1
    assert "there is no wheel of lib>=2.0 for WASI Python, which app needs\n" in text
    assert "--build builds it" in text


def test_one_that_is_installed_is_not_what_is_missing(said, add, index):
    add("lib", "1.0")
    assert said("lib")[0] == 0
    (index.folder / "lib" / "lib-1.0-py3-none-any.whl").unlink()
    for version in ("1.0", "2.0"):
        add("app", version, "lib", "one<2")
    add("one", "1.0")
    add("one", "2.0")
    status, text = said("app", "one>=2")
    assert status == 1
    assert "not all of this can be installed together: " in text
    assert "you ask for one>=2" in text
    assert "app 2.0 depends on one<2" in text


def test_what_excludes_each_other(said, add, tmp_path):
    add("one", "1.0")
    add("one", "2.0")
    assert said("one==1.0", "one==2.0")[1].count("you ask for one==") == 2
    (tmp_path / "constraints.txt").write_text("one>5\n")
    assert "you ask for (constraint) one>5" in said("one", "-c", tmp_path / "constraints.txt")[1]


def test_why_there_is_no_wheel(said, add):
    add("one", "1.0")
    add("one", "2.0")
    add("old", "1.0", extra="Requires-Python: <3.5\n")
    add("app", "1.0", "missing>=4")
    for word, told in (
        ("one==9", "there is no wheel of one==9 for WASI Python; there are wheels of 1.0, 2.0\n"),
        ("nothing", "for WASI Python: there is no such project ("),
        ("app", "there is no wheel of missing>=4 for WASI Python, which app needs: there is no such project ("),
        ("old", "Package 'old' requires a different Python: 3.13"),
    ):
        status, text = said(word)
        assert status == 1
        assert told in text, text


def test_no_server_is_no_missing_project(said):
    status, text = said("one", index_url="http://127.0.0.1:9/")
    assert status == 1
    assert "http://127.0.0.1:9/one/ cannot be read: " in text
    assert "--build" not in text
    status, text = said("http://127.0.0.1:9/one-1.0-py3-none-any.whl")
    assert status == 1
    assert "while fetching http://127.0.0.1:9/one-1.0-py3-none-any.whl: " in text


def test_hashes(said, add, tmp_path):
    good = add("one", "1.0")
    lines = tmp_path / "requirements.txt"
    lines.write_text(f"one==1.0 --hash=sha256:{'0' * 64}\n")
    status, text = said("-r", lines)
    assert status == 1
    assert f"one==1.0 has not the hash that is asked for: expected sha256 {'0' * 64}, got {good}\n" in text
    status, text = said("--require-hashes", "one")
    assert status == 1
    assert "one from http" in text
    lines.write_text(f"one==1.0 --hash=sha256:{good}\n")
    assert said("-r", lines)[0] == 0


@pytest.mark.parametrize("line", ["-e .", "-e git+https://127.0.0.1:9/a/b#egg=b"])
def test_editable_installs_are_refused_before_anything_is_fetched(said, tmp_path, monkeypatch, line):
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[project]\nname = 'b'\nversion = '1'\n")
    (project / "requirements.txt").write_text(f"{line}\n")
    monkeypatch.chdir(project)
    status, text = said("-r", "requirements.txt")
    assert status == 1
    assert "there are no editable installs for WASI; leave -e out" in text


def test_what_pip_warns_of_is_said(said, add, index, site):
    add("one", "1.0")
    status, text = said("one[nosuch]", "two; sys_platform == 'win32'")
    assert status == 0
    assert "warning: one 1.0 does not provide the extra 'nosuch'\n" in text
    assert 'left out, as its marker does not hold on WASI: two; sys_platform == "win32"\n' in text
    page = index.folder / "three" / "index.html"
    page.parent.mkdir()
    add("three", "1.0")
    page.write_text('<a href="three-1.0-py3-none-any.whl" data-yanked="it is broken">three-1.0-py3-none-any.whl</a>')
    status, text = said("three==1.0")
    assert status == 0
    assert text.count("warning: three 1.0 is yanked: it is broken\n") == 1


def test_more_is_said_where_more_is_asked_for(said, add):
    add("one", "1.0")
    assert "Collecting one" in said("-v", "one")[1]
    assert "Looking in indexes" not in said("--force-reinstall", "one")[1]


def test_words_that_are_none(said):
    for words, told in (
        ([""], "an empty word is no requirement"),
        (["./nothing"], "./nothing: no such file or folder"),
        (["nothing.tar.gz"], "nothing.tar.gz: no such file or folder"),
        (["-e", "."], "-e .: there are no editable installs for WASI"),
        (["-r", "nothing.txt"], "nothing.txt: no such file"),
    ):
        status, text = said(*words)
        assert (status, text.count("error: ")) == (2, 1)
        assert told in text


def test_requirements_from_a_pipe(said, add):
    add("one", "1.0")
    add("one", "2.0")
    words = []
    for option, line in (("-r", b"one\n"), ("-c", b"one<2\n")):
        reader, writer = os.pipe()
        os.write(writer, line)
        os.close(writer)
        words += [option, f"/dev/fd/{reader}"]
    status, text = said(*words)
    assert status == 0
    assert "installed one 1.0" in text


def test_offline_asks_no_index(said, add, index, make_wheel, tmp_path):
    add("one", "1.0")
    status, text = said("--offline", "one")
    assert status == 1
    assert f"{index.url}one/ is not read, offline\n" in text
    status, text = said("--offline", f"{index.url}one/one-1.0-py3-none-any.whl")
    assert status == 1
    assert f"{index.url}one/one-1.0-py3-none-any.whl is not fetched: offline\n" in text
    status, text = said("--offline", f"git+{index.url}one")
    assert status == 1
    assert "git: transport 'http' not allowed" in text
    make_wheel("two", "1.0", {"two.py": ""})
    assert said("--offline", "--find-links", tmp_path / "wheels", "two")[0] == 0
    page = tmp_path / "simple" / "three"
    page.mkdir(parents=True)
    make_wheel("three", "1.0", {"three.py": ""}).rename(page / "three-1.0-py3-none-any.whl")
    (page / "index.html").write_text('<a href="three-1.0-py3-none-any.whl">three-1.0-py3-none-any.whl</a>')
    assert said("--offline", "three", index_url=(tmp_path / "simple").as_uri())[0] == 0
