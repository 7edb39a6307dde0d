"""What counts as a secret, and as a path of somebody's machine."""

import os

import pytest

from hatch_wasi.audit import privacy


def test_a_large_file_is_looked_at_piece_by_piece():
    """What lies across the border of two pieces is found."""
    scan = privacy.Scan({"NAME": "hunter2-hunter2"})
    for at in (0, privacy.WINDOW - 5, privacy.WINDOW, 2 * privacy.WINDOW - 5, 2 * privacy.WINDOW + 100):
        data = bytearray(2 * privacy.WINDOW + 200)
        data[at : at + 15] = b"hunter2-hunter2"
        pieces = [bytes(data[start : start + (1 << 20)]) for start in range(0, len(data), 1 << 20)]
        assert [code for code, _ in scan.find(pieces, paths=True)] == ["secret"]
    assert list(scan.find([bytes(100)], paths=True)) == []


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("INDEX_TOKEN", "a1b2c3d4", True),
        ("AWS_SECRET_ACCESS_KEY", "correcthorsebatterystaple", True),
        ("HATCH_INDEX_AUTH", "12345678", True),
        ("GPG_PASSPHRASE", "open sesame", True),
        ("MY_API_KEY", "\udcff-not-utf-8", True),
        ("INDEX_TOKEN", "short12", False),
        ("SECRET_BACKEND", "keychain", False),
        ("TOKEN_FILE", "/run/secrets/token", False),
        ("HOME", "hunter2-hunter2", False),
    ],
)
def test_which_variables_are_secrets(name, value, secret):
    assert (privacy.environment_secrets({name: value}) == {name: value}) is secret
    if secret:
        [(code, what)] = privacy.Scan({name: value}).find([b"x" + os.fsencode(value) + b"y"], paths=False)
        assert (code, what) == ("secret", f"it has the value of the environment variable {name}")


# Each in two parts: no scanner should find one in this file.
@pytest.mark.parametrize(
    ("before", "rest", "what"),
    [
        ("gh", "o_" + "Ab1" * 12, "a GitHub token"),
        ("github", "_pat_" + "Ab1_" * 15, "a GitHub token"),
        ("pypi", "-AgEIcH" + "Ab1-" * 15, "a token of a package index"),
        ("AK", "IA" + "ABCD1234" * 2, "an AWS access key"),
        ("xo", "xb-" + "123456789012-" * 2, "a Slack token"),
        ("-----BEGIN RSA PRI", "VATE KEY-----\n" + "MIIE" * 16, "a private key"),
        ("https://alice:", "hunter22@index.example/simple", "a URL with a password"),
    ],
)
def test_shapes_of_secrets(before, rest, what):
    scan = privacy.Scan({})
    for data in (before + rest, f"x = '{before}{rest}'\n"):
        assert list(scan.find([data.encode()], paths=True)) == [("secret-shape", f"it has what looks like {what}")]
    for data in (
        before,
        rest,
        before + rest[:8],
        "https://alice:${PASSWORD}@index.example/",
        "https://user@host.example",
    ):
        assert list(scan.find([data.encode()], paths=True)) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/home/alice/x.c", "/home/alice/x.c"),
        ("-I/root/.cache/y", "/root/.cache/y"),
        ("/tmp/build-1/x.o", "/tmp/build-1/x.o"),
        ("/Users/alice/demo/x", "/Users/alice/demo/x"),
        (r"C:\Users\alice\demo\x", r"C:\Users\alice\demo\x"),
        ("/tmp/x", ""),
        ("/usr/include/stdio.h", ""),
        ("/home/", ""),
    ],
)
def test_paths_of_build_machines(text, path):
    assert privacy.host_paths(b"\0" + text.encode() + b"\0") == ([path] if path else [])
