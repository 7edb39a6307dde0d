"""A password in an address is in nothing that is printed, and in no file that is left, whether all goes well or not."""

import os
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import index_server
import pytest
from wheel_making import metadata, record_hash

PASSWORD = "hunter2%40SECRET"
LOGIN = "user:hunter2@SECRET"
MARKS = (b"hunter2@SECRET", b"hunter2%40SECRET", b"hunter2", b"SECRET", b"dXNlcjpodW50ZXIyQFNFQ1JFVA")
TOOLCHAIN = {"sdk", "python", "aot", "cxx", "build-python", "libraries", "apt"}
ZEROS = "0" * 64

BACKEND = f"""\
import pathlib, zipfile
FILES = {{"thing.py": "", **{metadata("thing", "1.0")!r}}}
RECORD = {"".join(f"{name},{record_hash(text)}," + chr(10) for name, text in {"thing.py": "", **metadata("thing", "1.0")}.items())!r}
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as file:
        for member, text in {{**FILES, "thing-1.0.dist-info/RECORD": RECORD}}.items():
            file.writestr(member, text)
    return name
"""


def sdist(folder: Path) -> Path:
    """The sdist `thing`, of a backend of its own that needs nothing."""
    project = folder / "thing-1.0"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "thing"\nversion = "1.0"\n'
    )
    (project / "backend.py").write_text(BACKEND)
    with tarfile.open(folder / "thing-1.0.tar.gz", "w:gz") as file:
        file.add(project, "thing-1.0")
    return folder / "thing-1.0.tar.gz"


@pytest.fixture
def index(tmp_path, make_wheel):
    with index_server.serving(tmp_path / "index", LOGIN) as served:
        served.add(
            make_wheel("app", "1.0", {"app.py": ""}, extra="Requires-Dist: one\n"),
            make_wheel("one", "1.0", {"one.py": ""}),
            sdist(tmp_path),
        )
        yield served


@pytest.fixture
def run(tmp_path, toolchain, cache):
    """Run `hatch-wasi`, look for the password in what it printed and left, and give the exit status and the output."""
    work = tmp_path / "work"
    work.mkdir()
    places = {name: work / name for name in ("tmp", "data", "pip", "home")}
    for place in places.values():
        place.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env = {
        **clean, "TMPDIR": str(places["tmp"]), "HATCH_WASI_DATA_DIR": str(places["data"]), "PIP_RETRIES": "0",
        "PIP_CACHE_DIR": str(places["pip"]), "PIP_CONFIG_FILE": os.devnull, "HOME": str(places["home"]),
        "HATCH_WASI_CACHE_DIR": str(cache.root), "no_proxy": "127.0.0.1", "PIP_NO_PROXY": "127.0.0.1",
    }  # fmt: skip

    def left(began: float) -> list[Path]:
        roots = [work, *(path for path in cache.root.iterdir() if path.name not in TOOLCHAIN)]
        every = [path for root in roots for path in (root, *root.rglob("*"))]
        return [path for path in every if path.lstat().st_mtime >= began]

    def call(*words: object, **extra: str) -> tuple[int, str]:
        began = time.time() - 1
        argv = [sys.executable, "-m", "hatch_wasi", *map(str, words)]
        done = subprocess.run(argv, cwd=work, env={**env, **extra}, capture_output=True, timeout=900, check=False)
        said = done.stdout + done.stderr
        assert [mark for mark in MARKS if mark in said] == [], said.decode()
        for path in left(began):
            assert [mark for mark in MARKS if mark in os.fsencode(path)] == []
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                assert [mark for mark in MARKS if mark in content] == [], path
                assert "logs" not in path.parts or stat.S_IMODE(path.stat().st_mode) == 0o600
        return done.returncode, said.decode()

    return call


@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_install(run, index, tmp_path, verbose):
    with_login = index.url.replace("://", f"://user:{PASSWORD}@")
    wrong = index.url.replace("://", "://user:SECRET@")
    nowhere = f"http://user:{PASSWORD}@127.0.0.1:9/"
    site = tmp_path / "site"
    options = ("install", *verbose, "--target", site)
    assert run(*options, "--index-url", with_login, "app")[0] == 0
    assert (site / "one.py").is_file()
    for words in (
        ("--index-url", with_login, "no-such-thing"),
        ("--index-url", with_login, "thing"),
        ("--index-url", wrong, "other"),
        ("--index-url", nowhere, "other"),
        ("--extra-index-url", nowhere, "--no-index", "other"),
        ("--find-links", f"{nowhere}?token=SECRET", "--no-index", "other"),
        ("--no-index", f"other @ {nowhere}other-1.0-py3-none-any.whl?X-Amz-Signature=SECRET"),
        ("--no-index", f"other @ git+{nowhere}other.git"),
        ("--no-index", "other @ git+http://SECRET@127.0.0.1:9/other.git"),
    ):
        assert run(*options, *words)[0] == 1, words


def test_install_from_an_address(run, index, tmp_path):
    with_login = index.url.replace("://", f"://user:{PASSWORD}@")
    site = tmp_path / "site"
    word = f"one @ {with_login}one/one-1.0-py3-none-any.whl"
    status, said = run("install", "--no-index", "--target", site, word)
    assert status == 0, said
    (tmp_path / "site" / "one-1.0.dist-info" / "direct_url.json").read_text().index(index.url)
    assert run("freeze", "--target", site)[1].startswith(f"one @ {index.url}one/one-1.0-py3-none-any.whl#sha256=")
    assert (
        run("install", "--build", "--no-index", "--target", site, f"thing @ {with_login}thing/thing-1.0.tar.gz")[0] == 0
    )
    assert (site / "thing.py").is_file()


@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_wheel(run, index, tmp_path, verbose):
    with_login = index.url.replace("://", f"://user:{PASSWORD}@")
    nowhere = f"http://user:{PASSWORD}@127.0.0.1:9/"
    options = ("wheel", *verbose, "-w", tmp_path / "out")
    assert run(*options, "--index-url", with_login, "app", "thing")[0] == 0
    assert run(*options, "--rebuild", "--no-index", f"thing @ {with_login}thing/thing-1.0.tar.gz")[0] == 0
    assert sorted(path.name.partition("-")[0] for path in (tmp_path / "out").iterdir()) == ["app", "one", "thing"]
    for words in (
        ("--index-url", with_login, "no-such-thing"),
        ("--index-url", nowhere, "other"),
        ("--no-index", f"other @ {nowhere}other-1.0.tar.gz?token=SECRET"),
        ("--no-index", f"thing @ {index.url.replace('://', '://user:SECRET@')}thing/thing-1.0.tar.gz"),
        ("--no-index", f"other @ git+{nowhere}other.git"),
    ):
        assert run(*options, *words)[0] == 1, words


def test_import_and_index(run, index, tmp_path):
    with_login = index.url.replace("://", f"://user:{PASSWORD}@")
    for url in (
        f"{with_login}thing/thing-1.0.tar.gz",
        f"{with_login}gone.tar.xz?sig=SECRET",
        f"http://user:{PASSWORD}@127.0.0.1:9/x.tar.xz",
        "http://SECRET@127.0.0.1:9/x.tar.xz",
    ):
        assert run("import", url, "--sha256", ZEROS)[0] == 1
    assert run("import", f"{with_login}x")[0] == 2
    assert (
        run("bootstrap", "--python", "3.12", HATCH_WASI_MIRROR=with_login, HATCH_WASI_CPYTHON_SOURCE="/nowhere")[0] != 0
    )
    (tmp_path / "served").mkdir()
    assert run("index", tmp_path / "served", "--url", with_login)[0] == 2
