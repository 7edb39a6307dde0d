"""`hatch-wasi install` of requirements: pip's resolution, from real index servers, read as WASI Python's."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile

import index_server
import pytest
from wheel_making import frozen, metadata, tree

from hatch_wasi.cli import main


@pytest.fixture
def index(tmp_path, make_wheel):
    with index_server.serving(tmp_path / "index") as served:
        yield served


@pytest.fixture
def install(tmp_path, monkeypatch, index, site, toolchain):
    """`hatch-wasi install` from the index alone, whatever this machine's pip is configured with."""
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HATCH_WASI_PYTHON", raising=False)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)

    def run(*words, index_url=index.url):
        return main(["install", "--target", str(site), "--index-url", index_url, *map(str, words)])

    return run


@pytest.fixture
def listed(site, capfd):
    """What is installed, as `freeze` prints it."""

    def run():
        capfd.readouterr()
        assert main(["freeze", "--target", str(site)]) == 0
        return capfd.readouterr().out.split()

    return run


def test_a_pip_that_is_too_old_is_named(install, monkeypatch, tmp_path, capfd):
    """Another distribution's metadata on the path is what an older pip would look like."""
    old = tmp_path / "old" / "pip-23.0.1.dist-info"
    old.mkdir(parents=True)
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: pip\nVersion: 23.0.1\n")
    monkeypatch.syspath_prepend(str(old.parent))
    assert install("app") == 2
    said = capfd.readouterr().err
    assert "error: pip 23.0.1 is too old" in said
    assert "25.1" in said
    assert "hint: pip install 'hatch-wasi[wheel]'" in said


def test_dependencies_by_the_markers_of_wasi(install, index, make_wheel, listed):
    needs = (
        "one; sys_platform == 'wasi' and platform_machine == 'wasm32'", "no-such-thing; sys_platform == 'linux'",
        "two>=1.5; python_full_version >= '3.13.0' and os_name == 'posix'", "nothing; platform_system == 'Linux'",
        "three; extra == 'more'",
    )  # fmt: skip
    index.add(
        make_wheel(
            "app",
            "1.0",
            {"app.py": ""},
            extra="Provides-Extra: more\n" + "".join(f"Requires-Dist: {need}\n" for need in needs),
        )
    )
    for name, version in (("one", "1.0"), ("two", "1.0"), ("two", "2.0"), ("three", "3.0")):
        index.add(make_wheel(name, version, {f"{name}.py": ""}))
    assert install("app") == 0
    assert listed() == ["app==1.0", "one==1.0", "two==2.0"]
    assert install("app[more]") == 0
    assert listed() == ["app==1.0", "one==1.0", "three==3.0", "two==2.0"]


def test_the_wheel_that_fits_best_is_taken(install, index, make_wheel, side_module, listed, site):
    module = side_module(None)
    name = "native.cpython-313-wasm32-wasi.so"
    for version, tag in (
        ("1.0", "cp313-cp313-wasi_wasm32"), ("1.1", "cp313-cp313-wasi_0_0_0_wasm32"), ("1.2", "cp312-cp312-wasi_wasm32"),
        ("1.3", "cp313-cp313-manylinux_2_17_x86_64"), ("1.4", "cp314-cp314-wasi_wasm32"),
    ):  # fmt: skip
        index.add(make_wheel("native", version, {name: module}, tag=tag))
    assert install("native") == 0
    assert listed() == ["native==1.1"]
    assert (site / name).read_bytes() == module


def test_what_is_there_is_left_and_upgraded_when_asked(install, index, make_wheel, listed, capfd):
    index.add(make_wheel("one", "1.0", {"one.py": "1"}))
    assert install("one") == 0
    index.add(make_wheel("one", "2.0", {"one.py": "2"}))
    capfd.readouterr()
    assert install("one") == 0
    assert "all requirements are already installed" in capfd.readouterr().err
    assert listed() == ["one==1.0"]
    assert install("--upgrade", "one") == 0
    assert listed() == ["one==2.0"]
    assert install("one<2") == 0
    assert listed() == ["one==1.0"]


def test_requirements_and_constraints_files(install, index, make_wheel, listed, tmp_path):
    for version in ("1.0", "2.0"):
        index.add(make_wheel("one", version, {"one.py": ""}), make_wheel("two", version, {"two.py": ""}))
    (tmp_path / "requirements.txt").write_text("one  # the first\ntwo\n")
    (tmp_path / "constraints.txt").write_text("two<2\n")
    assert install("-r", tmp_path / "requirements.txt", "-c", tmp_path / "constraints.txt") == 0
    assert listed() == ["one==2.0", "two==1.0"]


def test_no_deps_and_no_index(install, index, make_wheel, listed, tmp_path, capfd):
    wheel = make_wheel("app", "1.0", {"app.py": ""}, extra="Requires-Dist: one\n")
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    assert install("--no-deps", "--no-index", "--find-links", wheel.parent, "app") == 0
    assert "app 1.0 needs what is not installed: one" in capfd.readouterr().err
    assert listed() == ["app==1.0"]


def test_a_file_brings_what_it_needs(install, index, make_wheel, listed):
    wheel = make_wheel("app", "1.0", {"app.py": ""}, extra="Requires-Dist: one\n")
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    assert install(wheel) == 0
    assert listed() == ["app", "@", frozen(wheel), "one==1.0"]


def test_a_file_that_was_built_anew_is_installed_again(install, index, make_wheel, site):
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    for text in ("a = 1", "a = 2"):
        assert install(make_wheel("app", "1.0", {"app.py": text}, extra="Requires-Dist: one\n")) == 0
        assert (site / "app.py").read_text() == text


def test_a_url_and_where_things_came_from(install, index, make_wheel, site):
    index.add(make_wheel("app", "1.0", {"app.py": ""}, extra="Requires-Dist: one\n"))
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    url = f"{index.url}app/app-1.0-py3-none-any.whl"
    assert install(url) == 0
    told = json.loads((site / "app-1.0.dist-info" / "direct_url.json").read_text())
    assert told["url"] == url
    assert (site / "app-1.0.dist-info" / "REQUESTED").is_file()
    others = {path.name for path in (site / "one-1.0.dist-info").iterdir()}
    assert not {"direct_url.json", "REQUESTED"} & others


def test_hashes(install, index, make_wheel, listed, tmp_path, capfd):
    wheel = make_wheel("one", "1.0", {"one.py": ""})
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    index.add(wheel)
    file = tmp_path / "requirements.txt"
    file.write_text("one==1.0\n")
    assert install("--require-hashes", "-r", file) == 1
    assert "error: " in capfd.readouterr().err
    file.write_text(f"one==1.0 --hash=sha256:{'0' * 64}\n")
    assert install("-r", file) == 1
    assert "HASH" in capfd.readouterr().err.upper()
    assert listed() == []
    file.write_text(f"one==1.0 --hash=sha256:{sha256}\n")
    assert install("--require-hashes", "-r", file) == 0
    assert listed() == ["one==1.0"]


def test_a_name_is_a_requirement_whatever_is_here(install, index, make_wheel, listed, tmp_path, monkeypatch):
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path)
    assert install("one") == 0
    assert listed() == ["one==1.0"]


def test_a_dry_run_changes_nothing(install, index, make_wheel, site, capfd):
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    assert install("--dry-run", "one") == 0
    assert f"would install one 1.0 in {site}" in capfd.readouterr().err
    assert not site.exists()


SETUP = "from setuptools import Extension, setup\nsetup(name='thing', version='1.0', ext_modules=[Extension('thing', ['thing.c'])])\n"
SOURCE = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "thing", "", -1, NULL};
PyMODINIT_FUNC PyInit_thing(void) { return PyModule_Create(&definition); }
"""


def sdist(folder):
    """A setuptools project with an extension module, as an sdist."""
    project = folder / "thing-1.0"
    project.mkdir()
    (project / "setup.py").write_text(SETUP)
    (project / "thing.c").write_text(SOURCE)
    (project / "PKG-INFO").write_text(metadata("thing", "1.0")["thing-1.0.dist-info/METADATA"])
    with tarfile.open(folder / "thing-1.0.tar.gz", "w:gz") as archive:
        archive.add(project, "thing-1.0")
    return folder / "thing-1.0.tar.gz"


@pytest.fixture
def setuptools(tmp_path):
    """setuptools' wheel, from where this machine has it: asked for before `install` has its index alone."""
    argv = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-d",
        tmp_path / "got",
    ]
    subprocess.run([*argv, "setuptools>=77"], check=True)
    (wheel,) = (tmp_path / "got").iterdir()
    return wheel


def test_what_has_only_an_sdist(setuptools, install, index, make_wheel, listed, tmp_path, capfd, site, guest):
    index.add(setuptools)
    index.add(make_wheel("app", "1.0", {"app.py": ""}, extra="Requires-Dist: thing\n"), sdist(tmp_path))
    assert install("app") == 1
    said = capfd.readouterr().err
    assert "there is no wheel of thing for WASI Python" in said
    assert "--build" in said
    assert listed() == []
    assert install("--build", "app") == 0
    assert listed() == ["app==1.0", "thing==1.0"]
    done = guest("--site", site, "-c", "import app, thing; print(thing.__file__)")
    assert "thing.cpython-313-wasm32-wasi.so" in done.stdout, done.stderr


def test_what_is_built_is_from_where_a_file_says(setuptools, install, index, tmp_path, site, capfd):
    index.add(setuptools, sdist(tmp_path))
    lines = tmp_path / "requirements.txt"
    lines.write_text(f"--index-url {index.url}\nthing\n")
    assert install("--build", "-r", lines, index_url="http://127.0.0.1:9/") == 0, capfd.readouterr().err
    assert (site / "thing.cpython-313-wasm32-wasi.so").is_file()
    lines.write_text("--no-index\nthing\n")
    assert install("--build", "--force-reinstall", "-r", lines) == 1
    assert "no release of thing" in capfd.readouterr().err


def test_sources_that_are_named_by_a_url_are_not_built_by_pip(setuptools, install, index, tmp_path, capfd, site):
    index.add(setuptools, sdist(tmp_path))
    word = f"thing @ {index.url}thing/thing-1.0.tar.gz"
    assert install(word) == 1
    assert "there is no wheel of thing" in capfd.readouterr().err
    assert not site.exists()
    assert install("--build", word) == 0
    assert (site / "thing.cpython-313-wasm32-wasi.so").is_file()
    assert install("--build", "--force-reinstall", word.partition(" @ ")[2]) == 0


def commit(project):
    """Make a folder a git repository; gives the commit."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b", "-C", project]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        subprocess.run([*git, *words], env=environment, check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("kind", ["folder", "sdist", "git", "url"])
def test_sources_that_a_file_lists_are_what_was_installed(
    kind, setuptools, install, index, tmp_path, capfd, site, listed
):
    file, project = sdist(tmp_path), tmp_path / "thing-1.0"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if kind == "url":
        index.add(setuptools, file)
    else:
        index.add(setuptools)
    revision = commit(project)
    word, url, detail = {
        "folder": (str(project), project.as_uri(), {"dir_info": {}}),
        "sdist": (str(file), file.as_uri(), None),
        "git": (f"git+{project.as_uri()}", project.as_uri(), {"vcs_info": {"commit_id": revision, "vcs": "git"}}),
        "url": (f"{index.url}thing/thing-1.0.tar.gz", f"{index.url}thing/thing-1.0.tar.gz", None),
    }[kind]
    detail = detail or {"archive_info": {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}}
    (tmp_path / "needs.txt").write_text(f"{word}\n")
    assert install("-r", tmp_path / "needs.txt") == 1
    assert "--build" in capfd.readouterr().err
    assert not site.exists()
    assert install("--build", "-r", tmp_path / "needs.txt") == 0
    assert (site / "thing.cpython-313-wasm32-wasi.so").is_file()
    told = json.loads((site / "thing-1.0.dist-info" / "direct_url.json").read_text())
    assert told == {"url": url, **detail}
    assert (site / "thing-1.0.dist-info" / "REQUESTED").exists()
    frozen = {"folder": url, "git": f"git+{url}@{revision}"}.get(kind, f"{url}#sha256={digest}")
    assert listed() == ["thing", "@", frozen]


@pytest.mark.parametrize("harm", ["truncated", "other", "no wheel"])
def test_an_index_that_lies(install, index, make_wheel, site, harm, capfd):
    wheel = make_wheel("one", "1.0", {"one.py": "a = 1\n" * 1000})
    data = wheel.read_bytes()
    if harm == "other":
        data = make_wheel("two", "2.0", {"two.py": ""}).read_bytes()
    wheel.write_bytes({"truncated": data[: len(data) // 2], "no wheel": b"<html>"}.get(harm, data))
    index.add(wheel)
    assert install("one") == 1
    said = capfd.readouterr().err
    assert said.count("error: ") == 1
    assert not site.exists() or tree(site) == set()


def test_no_server_is_one_line(install, index, site, capfd):
    assert install("one", index_url="http://127.0.0.1:9/") == 1
    said = capfd.readouterr().err
    assert said.count("error: ") == 1
    assert "there is no wheel of one for WASI Python: http://127.0.0.1:9/one/ cannot be read: " in said
    assert not site.exists()


def test_what_pip_is_configured_with_does_not_lead_elsewhere(install, index, make_wheel, listed, monkeypatch, tmp_path):
    index.add(make_wheel("one", "1.0", {"one.py": ""}))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    monkeypatch.setenv("PIP_USER", "1")
    assert install("one") == 0
    assert listed() == ["one==1.0"]
    assert not (tmp_path / "elsewhere").exists()
