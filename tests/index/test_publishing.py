"""Wheels for WASI on package servers: uploaded by twine and by Hatch, and got back by pip."""

import sys

import pytest
from serving import BIN, run


def twine(server, wheel):
    credentials = ["--username", server.user, "--password", server.password]
    run(
        *(sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar"),
        *("--config-file", "/dev/null", "--repository-url", server.upload_url, *credentials, wheel),
    )


def hatch(server, wheel):
    run(
        *(BIN / "hatch", "--no-color", "publish", "--no-prompt", "--repo", server.upload_url),
        *("--user", server.user, "--auth", server.password, wheel),
        cwd=wheel.parent,
    )


UPLOADS = [twine, hatch]


@pytest.fixture
def published(request, package_server, native_wheel):
    """A wheel for WASI that is on the server, put there in one of the ways, under a name of its own."""
    upload = request.param
    wheel = native_wheel(f"{request.function.__name__}_{upload.__name__}", "1.0", extra="Requires-Python: >=3.11\n")
    upload(package_server, wheel)
    return wheel


@pytest.mark.parametrize("published", UPLOADS, indirect=True)
def test_what_is_uploaded_comes_back(published, package_server, pip_download):
    (got,) = pip_download(package_server.index_url, published.name.partition("-")[0])
    assert got.name == published.name
    assert got.read_bytes() == published.read_bytes()


def test_twine_finds_nothing_wrong(native_wheel):
    """`twine check`, which also reads the description as the servers would."""
    wheel = native_wheel("demo", "1.0", extra="Description-Content-Type: text/plain\n\nText.\n")
    assert "PASSED" in run(sys.executable, "-m", "twine", "check", "--strict", wheel)


@pytest.mark.parametrize("published", UPLOADS, indirect=True)
def test_what_is_uploaded_is_installed(published, package_server, install_from, guest):
    name = published.name.partition("-")[0]
    done = guest("--site", install_from(package_server.index_url, name), "-c", f"import {name}; print({name}.answer)")
    assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr
