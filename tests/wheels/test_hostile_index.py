"""An index that names files of this machine, redirects to them or lies: `install` and `wheel` refuse the same."""

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import hostile_index
import pytest
from packaging.requirements import Requirement

from hatch_wasi.cache import Cache
from hatch_wasi.cli import main
from hatch_wasi.errors import BuildError, FetchError, HatchWasiError
from hatch_wasi.fetch import download
from hatch_wasi.pep517.candidates import Finder, NoRelease
from hatch_wasi.pep517.requirements import Sources

LOGIN = "user:SECRET@"


@pytest.fixture(autouse=True)
def plain_network(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "HATCH_WASI_PYTHON"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def index():
    with hostile_index.serving() as host:
        yield host


@pytest.fixture
def other():
    with hostile_index.serving() as host:
        yield host


@pytest.fixture
def install(toolchain, site, index):
    def run(*words: object, login: str = "") -> int:
        url = index.url.replace("://", f"://{login}")
        return main(["install", "--target", str(site), "--index-url", f"{url}/simple", *map(str, words)])

    return run


@pytest.fixture
def fetch(index, tmp_path):
    """Find a release and fetch it, as `hatch-wasi wheel` does."""

    def run(requirement: str, login: str = "") -> Path:
        url = index.url.replace("://", f"://{login}")
        finder = Finder("3.13", Sources(index_url=f"{url}/simple"))
        wanted = Requirement(requirement)
        folder = tmp_path / "fetched"
        if wanted.url:
            return finder.fetch_url(wanted, folder).path
        return finder.fetch(finder.find(wanted), folder).path

    return run


@pytest.fixture
def secure(tmp_path, monkeypatch):
    """A server that speaks TLS, with a certificate that everything here trusts."""
    certificate = tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate, "-out", tmp_path / "public.pem"]
    subprocess.run(["openssl", *words, *files], check=True, capture_output=True)
    certificate.write_bytes(certificate.read_bytes() + (tmp_path / "public.pem").read_bytes())
    for name in ("SSL_CERT_FILE", "PIP_CERT"):
        monkeypatch.setenv(name, str(tmp_path / "public.pem"))
    with hostile_index.serving(certificate) as host:
        yield host


def sdist(name: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as file:
        info = tarfile.TarInfo(f"{name}-1.0/setup.py")
        file.addfile(info, io.BytesIO())
    return made.getvalue()


@pytest.fixture
def local(make_wheel) -> Path:
    """A wheel on this machine that an index must not reach."""
    return make_wheel("local", "1.0", {"local.py": ""})


@pytest.mark.parametrize("base", ["", "file:///"])
def test_a_page_on_a_server_does_not_name_files_of_this_machine(install, fetch, index, local, site, base):
    index.page("local", local.as_uri(), base=base)
    assert install("local") == 1
    assert not site.exists()
    with pytest.raises(NoRelease):
        fetch("local")
    assert install("--find-links", local.parent, "local") == 0


@pytest.mark.parametrize("place", ["page", "file"])
def test_a_redirect_does_not_lead_to_files_of_this_machine(install, fetch, index, local, site, tmp_path, place):
    if place == "page":
        (tmp_path / "page.html").write_text(f'<a href="{local.as_uri()}">{local.name}</a>')
        index.redirect("/simple/local/", (tmp_path / "page.html").as_uri())
    else:
        index.page("local", index.redirect(f"/{local.name}", local.as_uri()))
    assert install("local") == 1
    assert not site.exists()
    with pytest.raises(BuildError):
        fetch("local")
    if place == "file":
        assert install(f"local @ {index.url}/{local.name}") == 1
        with pytest.raises(BuildError):
            fetch(f"local @ {index.url}/{local.name}")


def test_redirects_on_the_web_are_followed(install, fetch, index, other, make_wheel, site):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""})
    index.page("real", index.redirect(f"/{wheel.name}", other.file(f"/files/{wheel.name}", wheel.read_bytes())))
    index.redirect("/simple/demo/", f"{index.url}/simple/real/")
    assert install("demo") == 0
    assert (site / "demo.py").is_file()
    assert fetch("demo").read_bytes() == wheel.read_bytes()
    index.redirect("/a/x-1.0.tar.gz", "/b/x-1.0.tar.gz")
    index.file("/b/x-1.0.tar.gz", sdist("x"))
    assert (fetch(f"x @ {index.url}/a/x-1.0.tar.gz") / "setup.py").is_file()
    assert fetch(f"demo @ {index.url}/{wheel.name}").read_bytes() == wheel.read_bytes()


def test_a_redirect_does_not_give_up_tls(install, fetch, secure, index, make_wheel, site, tmp_path):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""})
    content, sha256 = wheel.read_bytes(), hashlib.sha256(wheel.read_bytes()).hexdigest()
    plain, other = index.file(f"/{wheel.name}", content), secure.file(f"/other/{wheel.name}", content)
    lost, kept = secure.redirect(f"/lost/{wheel.name}", plain), secure.redirect(f"/kept/{wheel.name}", other)
    for url in (lost, f"{secure.url}/simple/gone/"):
        with pytest.raises(FetchError):
            download(Cache(tmp_path / "cache"), [url], sha256=sha256)
    with pytest.raises(BuildError):
        fetch(f"demo @ {lost}")
    assert install(f"demo @ {lost}") == 1
    assert index.asked == []
    assert install(f"demo @ {kept}") == 0
    assert fetch(f"demo @ {kept}").read_bytes() == content
    assert download(Cache(tmp_path / "cache"), [kept], sha256=sha256).read_bytes() == content


def test_a_download_does_not_lead_to_files_of_this_machine(index, other, tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    sha256 = hashlib.sha256(b"x").hexdigest()
    with pytest.raises(FetchError):
        download(Cache(tmp_path / "cache"), [index.redirect("/x", (tmp_path / "x").as_uri())], sha256=sha256)
    moved = index.redirect("/moved", other.file("/x", b"x")).replace("://", f"://{LOGIN}")
    assert download(Cache(tmp_path / "cache"), [moved], sha256=sha256).read_bytes() == b"x"
    assert [bool(login) for _, login in index.asked] == [False, True]
    assert [bool(login) for _, login in other.asked] == [False]


def test_a_login_stays_with_its_host(install, fetch, index, other, make_wheel):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""})
    direct, hidden = (
        other.file(f"/{wheel.name}", wheel.read_bytes()),
        index.redirect("/r.whl", f"{other.url}/{wheel.name}"),
    )
    index.page("demo", direct)
    assert install("demo", login=LOGIN) == 0
    assert fetch("demo", login=LOGIN).is_file()
    index.page("demo", hidden.replace("/r.whl", f"/r/{wheel.name}"))
    index.redirect(f"/r/{wheel.name}", direct)
    assert install("--force-reinstall", "demo", login=LOGIN) == 0
    assert fetch("demo", login=LOGIN).is_file()
    assert {path for path, login in index.asked if login} >= {"/simple/demo/"}
    assert other.asked != []
    assert {login for _, login in other.asked} == {None}


def test_a_name_of_a_file_is_no_path(install, fetch, index, make_wheel, tmp_path, site):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""}).read_bytes()
    headers = {"Content_Disposition": 'attachment; filename="../../../evil-1.0-py3-none-any.whl"'}
    index.page("demo", index.file("/x/demo-1.0-py3-none-any.whl", wheel, **headers))
    assert install("demo") == 0
    assert (site / "demo.py").is_file()
    assert fetch("demo").name == "demo-1.0-py3-none-any.whl"
    index.page("dots", index.file("/x/..%2f..%2f..%2fdots-1.0.tar.gz", sdist("dots")))
    assert (fetch("dots") / "setup.py").is_file()
    assert set(tmp_path.parent.parent.glob("*/evil*")) | set(tmp_path.rglob("evil*")) == set()
    assert list(tmp_path.rglob("dots-1.0.tar.gz")) == [tmp_path / "fetched" / "dots-1.0.tar.gz"]


@pytest.mark.parametrize("part", ["..", "%2e%2e", "/etc", "a/../../.."])
def test_a_subdirectory_stays_in_its_archive(fetch, index, part):
    index.file("/x-1.0.tar.gz", sdist("x"))
    with pytest.raises(BuildError):
        fetch(f"x @ {index.url}/x-1.0.tar.gz#subdirectory={part}")


def test_a_wrong_hash_is_refused(install, fetch, index, make_wheel, site):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""})
    index.page("demo", index.file(f"/{wheel.name}", wheel.read_bytes()) + f"#sha256={'0' * 64}")
    assert install("demo") == 1
    assert not site.exists()
    with pytest.raises(BuildError):
        fetch("demo")


def test_a_yanked_release_and_its_reason(install, fetch, index, make_wheel, capfd):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""})
    address = index.file(f"/{wheel.name}", wheel.read_bytes())
    index.page("demo", f'data-yanked="\x1b[31mRED\x1b]0;own\x07\u202e"|{address}')
    assert install("demo") == 1
    said = capfd.readouterr().err
    assert "yanked" in said
    assert "1.0" in said
    with pytest.raises(NoRelease) as caught:
        fetch("demo")
    assert "yanked" in caught.value.message
    assert "1.0" in caught.value.message
    assert install("demo==1.0") == 0
    assert fetch("demo==1.0").is_file()
    said += capfd.readouterr().err + caught.value.render()
    assert "RED" in said
    assert all(line.isprintable() for line in said.split("\n"))


def test_an_sdist_at_an_address_is_not_unpacked_by_pip(install, index, capfd, tmp_path):
    bomb = io.BytesIO()
    with tarfile.open(fileobj=bomb, mode="w:gz") as file:
        file.addfile(tarfile.TarInfo("../../evil"), io.BytesIO())
    address = index.file("/x-1.0.tar.gz", bomb.getvalue())
    assert install(f"x @ {address}") == 1
    assert "there is no wheel of x" in capfd.readouterr().err
    assert install("--build", f"x @ {address}") == 1
    assert "cannot be unpacked" in capfd.readouterr().err


@pytest.mark.parametrize("lines", [300_000, 30_000])
@pytest.mark.parametrize("beside", [False, True])
def test_metadata_without_end_is_refused_by_pip_too(install, index, make_wheel, capfd, lines, beside):
    """In the wheel, and in the file beside it (PEP 658): a hundred kilobytes that would take pip minutes."""
    text = "Requires-Dist: a>=1,<2; python_version>'3' and (os_name=='x' or sys_platform=='y')\n" * lines
    wheel = make_wheel("demo", "1.0", {"demo.py": ""}, extra=text)
    address = index.file(f"/{wheel.name}", wheel.read_bytes())
    if beside:
        index.file(f"/{wheel.name}.metadata", f"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n{text}".encode())
    index.page("demo", f"{'data-core-metadata' * beside}|{address}")
    assert install("demo") == 1
    assert "METADATA of a wheel is longer than what is accepted" in capfd.readouterr().err


def test_a_file_without_end_is_given_up(fetch, index, monkeypatch):
    from hatch_wasi.archives import limits

    monkeypatch.setattr(limits, "SIZE", 1000)
    index.file("/x-1.0.tar.gz", sdist("x") + bytes(5000))
    with pytest.raises(BuildError):
        fetch(f"x @ {index.url}/x-1.0.tar.gz")


def test_errors_are_ours(fetch, index):
    index.file("/x-1.0.tar.gz", b"nonsense")
    for requirement in (f"x @ {index.url}/x-1.0.tar.gz", f"x @ {index.url}/gone.whl", f"x @ {index.url}/", "gone"):
        with pytest.raises(HatchWasiError) as caught:
            fetch(requirement)
        assert isinstance(caught.value, BuildError | FetchError)
