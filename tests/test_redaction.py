"""What is secret in addresses is neither shown nor kept."""

import json
import stat
import sys
from pathlib import Path

import pytest

from hatch_wasi import process
from hatch_wasi.errors import HatchWasiError, ProcessFailed
from hatch_wasi.redaction import redacted, stripped
from hatch_wasi.text import printable
from hatch_wasi.wheels.install import Origin

# Address, as it is shown, as it is kept.
ADDRESSES = [
    ("https://user:SECRET@host/x", "https://user:****@host/x", "https://host/x"),
    ("https://user:SEC%40RET@host:8080/x", "https://user:****@host:8080/x", "https://host:8080/x"),
    ("https://user:SEC@RET@host/x", "https://user:****@host/x", "https://host/x"),
    ("https://user:SE'CRET@host/x", "https://user:****@host/x", "https://host/x"),
    ("https://SECRET@host/x", "https://****@host/x", "https://host/x"),
    ("https://:SECRET@host/x", "https://:****@host/x", "https://host/x"),
    ("https://SECRET:@host/x", "https://****:****@host/x", "https://host/x"),
    ("https://SECRET:x-oauth-basic@host/x", "https://****:****@host/x", "https://host/x"),
    ("git+https://SECRET@host/x.git@main", "git+https://****@host/x.git@main", "git+https://host/x.git@main"),
    ("git+ssh://git@host/x.git", "git+ssh://git@host/x.git", "git+ssh://git@host/x.git"),
    ("git+ssh://git:SECRET@host/x.git", "git+ssh://git:****@host/x.git", "git+ssh://host/x.git"),
    ("https://${USER}:${PASS_1}@host/x", "https://${USER}:${PASS_1}@host/x", "https://${USER}:${PASS_1}@host/x"),
    ("https://${TOKEN}@host/x", "https://${TOKEN}@host/x", "https://${TOKEN}@host/x"),
    ("https://h/x?token=SECRET", "https://h/x?token=****", "https://h/x"),
    ("https://h/x?a=1&private_token=SECRET&b=2#egg=x", "https://h/x?a=1&private_token=****&b=2#egg=x", "https://h/x?a=1&b=2#egg=x"),
    ("https://h/x?X-Amz-Date=1&X-Amz-Signature=SECRET", "https://h/x?X-Amz-Date=1&X-Amz-Signature=****", "https://h/x?X-Amz-Date=1"),
    ("https://h/x?se=2&sig=SECRET", "https://h/x?se=2&sig=****", "https://h/x?se=2"),
    ("https://h/x?to%6ben=SECRET", "https://h/x?to%6ben=****", "https://h/x"),
    ("https://h/x?password=SECRET&pwd=SECRET", "https://h/x?password=****&pwd=****", "https://h/x"),
    ("https://h/x#sha256=abc&subdirectory=a", "https://h/x#sha256=abc&subdirectory=a", "https://h/x#sha256=abc&subdirectory=a"),
    ("https://host:80/p@1.0?keyword=x&sign=y", "https://host:80/p@1.0?keyword=x&sign=y", "https://host:80/p@1.0?keyword=x&sign=y"),
    ("file:///home/a@b/x", "file:///home/a@b/x", "file:///home/a@b/x"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "shown", "kept"), ADDRESSES)
def test_an_address(address: str, shown: str, kept: str) -> None:
    assert redacted(address) == shown == printable(address)
    assert redacted(f"x @ {address} and '{address}' again") == f"x @ {shown} and '{shown}' again"
    assert redacted(shown) == shown
    assert stripped(address) == kept == stripped(kept)


@pytest.mark.parametrize(
    "text",
    ['https://u:p"SECRET@h/', "https://u:<SECRET@h/", "https://u:p\x1fSECRET@h/", "//u:SECRET@h/x", "https:\\/\\/u:SECRET@h\\/x",
     "https://h/x?bearer=SECRET", "https://h/x?token=ab'SECRET", "a=1;token=SECRET"],
)  # fmt: skip
def test_unusual_spellings_of_secrets_are_hidden_too(text: str) -> None:
    assert "SECRET" not in redacted(text)
    assert "SECRET" not in printable(f"{text} is not there")


def test_an_error_that_names_an_address() -> None:
    error = HatchWasiError("https://u:SECRET@h is not there", hint="Max retries exceeded with url: /x?token=SECRET")
    assert "SECRET" not in error.render()


def test_a_log_is_the_user_s_alone_and_holds_no_password(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("before\n")
    code = "import sys; print('fatal: ' + sys.argv[1]); sys.exit(3)"
    with pytest.raises(ProcessFailed):
        process.run([sys.executable, "-c", code, "https://u:it'sSECRET@h/x?sig=SECRET"], what="x", log=log)
    assert "SECRET" not in log.read_text()
    assert log.read_text().splitlines()[-1] == "fatal: https://u:****@h/x?sig=****"
    assert log.read_text().startswith("before\n+ ")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_what_an_installation_keeps_of_an_address() -> None:
    direct = {"url": "https://u:SECRET@h/x.whl?token=SECRET&a=1", "archive_info": {}}
    files = Origin(direct=direct).files()
    assert json.loads(files["direct_url.json"]) == {"url": "https://h/x.whl?a=1", "archive_info": {}}
