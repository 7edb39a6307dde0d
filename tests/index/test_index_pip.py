"""An index served by `python -m http.server`, and those who install from it."""

import http.client
from urllib.parse import urlsplit

import pytest
from serving import BIN, run

from hatch_wasi.index.entry import Entry


@pytest.fixture(params=["in place", "another folder"])
def served(request, index, native_wheel, wheels, tmp_path, serve):
    """Address of the index, and its newest wheel that is not yanked."""
    native_wheel("demo", "1.0")
    good = native_wheel("demo", "1.1", extra="Requires-Python: >=3.12\n")
    native_wheel("demo", "1.2")
    native_wheel("demo", "2.0", extra="Requires-Python: >=3.14\n")
    (wheels / "yanked.toml").write_text('"demo==1.2" = "it is broken"')
    root = wheels if request.param == "in place" else tmp_path / "public"
    assert index(wheels, "-o", root) == 0
    return f"{serve(root)}/simple/", good


def test_pip_downloads_what_fits(served, pip_download):
    """Not the yanked one, nor the one for another Python."""
    url, good = served
    (got,) = pip_download(url, "demo")
    assert got.name == good.name
    assert got.read_bytes() == good.read_bytes()


def test_pip_takes_a_yanked_one_that_is_named(served, pip_download):
    url, _ = served
    (got,) = pip_download(url, "Demo==1.2")
    assert got.name == "demo-1.2-cp313-cp313-wasi_wasm32.whl"


def test_pip_checks_the_hash_that_the_page_gives(served, pip_download, wheels, tmp_path):
    url, good = served
    for path in [good, *(tmp_path / "public" / "files").glob(f"*/{good.name}")]:
        path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(AssertionError, match="DO NOT MATCH THE HASHES"):
        pip_download(url, "demo==1.1")


def test_pip_requires_hashes(served, pip_download, tmp_path):
    url, good = served
    (tmp_path / "requirements.txt").write_text(f"demo==1.1 --hash=sha256:{Entry.from_file(good).sha256}\n")
    (got,) = pip_download(url, "--require-hashes", "-r", tmp_path / "requirements.txt")
    assert got.name == good.name


def test_hatch_wasi_installs_what_fits(served, install_from, guest):
    url, good = served
    site = install_from(url, "demo")
    done = guest("--site", site, "-c", "from importlib.metadata import version; print(version('demo'))")
    assert done.stdout == f"{good.name.split('-')[1]}\n", done.stderr


def test_uv_resolves_by_metadata_alone(index, make_wheel, wheels, serve, tmp_path):
    """uv reads the metadata file (PEP 658), which lies beside the wheel; the wheel itself is not needed."""
    need = make_wheel("need", "1.0", {"need.py": ""})
    demo = make_wheel("demo", "1.0", {"demo.py": ""}, extra="Requires-Dist: need\n")
    index(wheels)
    for path in (need, demo):
        path.unlink()
    (tmp_path / "requirements.in").write_text("demo\n")
    words = ["--no-cache", "--no-config", "--no-header", "--no-annotate", "--default-index", f"{serve(wheels)}/simple/"]
    text = run(BIN / "uv", "pip", "compile", "--quiet", *words, tmp_path / "requirements.in")
    assert text.split() == ["demo==1.0", "need==1.0"]


@pytest.mark.parametrize(
    ("path", "kind"), [("", "text/html"), ("demo/", "text/html"), ("demo/index.json", "application/json")]
)
def test_a_plain_server_gives_the_right_type(served, path, kind):
    url, _ = served
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", f"/simple/{path}")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers.get_content_type() == kind
    answer.read()
    connection.close()
