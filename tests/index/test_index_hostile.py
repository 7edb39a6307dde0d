"""Wheels that are damaged, lie or mean harm: one clear message, nothing written, nothing on a page but text."""

import os
import random
import shutil
import zipfile
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypi_simple import ProjectPage
from wheel_making import WheelMaker, listing

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.index import pages
from hatch_wasi.index.entry import Entry


def refused(index, wheels, capfd, name, reason):
    """The index is refused for the wheel `name`, in one message, and nothing was made."""
    before = listing(wheels)
    assert index(wheels) == 1
    (error,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert name in error
    assert reason in error
    assert listing(wheels) == before


def test_a_corrupted_wheel(index, native_wheel, wheels, capfd):
    native_wheel("good", "1.0")
    wheel = native_wheel("demo", "1.0")
    wheel.write_bytes(wheel.read_bytes().replace(b"demo", b"dome", 1))
    refused(index, wheels, capfd, wheel.name, "cannot be read")


def test_an_index_stays_as_it_was(index, native_wheel, wheels, capfd):
    native_wheel("good", "1.0")
    index(wheels)
    before = {path: path.read_bytes() for path in wheels.rglob("*") if path.is_file()}
    bad = wheels / "demo-1.0-py3-none-any.whl"
    bad.write_bytes(b"PK")
    assert index(wheels) == 1
    assert f"error: {bad.name} cannot be read" in capfd.readouterr().err
    bad.unlink()
    assert {path: path.read_bytes() for path in wheels.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("demo.whl", "not the name of a wheel"),
        ("demo-1.0-py3-none-\u202eyna.whl", "characters"),
        ("demo-1.0-py3-none-any\n.whl", "characters"),
        ("other-1.0-py3-none-any.whl", "another project's"),
        ("demo-2.0-py3-none-any.whl", "another project's or version's"),
        ("demo-1.0-py3-none-wasi_wasm32.whl", "do not rename wheels"),
    ],
)
def test_a_wrong_name(index, make_wheel, wheels, capfd, name, reason):
    wheel = make_wheel("demo", "1.0", {"demo.py": ""})
    wheel.rename(wheels / name)
    before = listing(wheels)
    assert index(wheels) == 1
    said = capfd.readouterr().err
    assert reason in said
    assert listing(wheels) == before


@pytest.mark.parametrize("kind", ["folder", "broken link", "RECORD", "escape"])
def test_what_is_no_good_wheel(index, wheels, tmp_path, capfd, kind):
    path = wheels / "demo-1.0-py3-none-any.whl"
    if kind == "folder":
        path.mkdir()
        (path / "x-1.0-py3-none-any.whl").symlink_to(tmp_path / "nowhere")
        refused(index, wheels, capfd, "x-1.0-py3-none-any.whl", "no such file")
    elif kind == "broken link":
        path.symlink_to(tmp_path / "nowhere")
        refused(index, wheels, capfd, path.name, "no such file")
    elif kind == "RECORD":
        WheelMaker(wheels).by_hand("demo", "1.0", {}, extra=[(zipfile.ZipInfo("extra.py"), b"")])
        refused(index, wheels, capfd, path.name, "'extra.py' is not listed in RECORD")
    else:
        WheelMaker(wheels).by_hand("demo", "1.0", {"../evil.py": ""})
        refused(index, wheels, capfd, path.name, "leads out of the archive")


NAMES = ["a\"b'<c>&", "50%25 #?", "\u00e9", "line\nend", os.fsdecode(b"\xff\xfe")]


def test_folders_of_any_name(index, make_wheel, wheels, tmp_path, serve, pip_download, capfd):
    """Quotes, a line's end, bytes that are no text: the address on the page leads there, or it is an error."""
    for number, name in enumerate(NAMES):
        (wheels / name).mkdir()
        wheel = make_wheel("demo", f"1.{number}", {"demo.py": ""})
        wheel.rename(wheels / name / wheel.name)
    assert index(wheels, "-o", tmp_path / "public") == 0
    for name in NAMES[3:]:
        assert index(wheels) == 1
        assert " cannot be part of an address" in capfd.readouterr().err
        shutil.rmtree(wheels / name)
    assert index(wheels) == 0
    for root, numbers in ((tmp_path / "public", range(5)), (wheels, range(3))):
        url = f"{serve(root)}/simple/"
        for number in numbers:
            (got,) = pip_download(url, f"demo==1.{number}")
            assert got.name == f"demo-1.{number}-py3-none-any.whl"


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, sorted(name for name, _ in attrs)))

    def handle_data(self, data):
        self.text += data


HOSTILE = (
    "</p></style><script>alert(1)</script><img src=x onerror=alert(1)>\" onclick='alert(1)' &lt; javascript:alert(1)"
)


def test_metadata_is_text_on_a_page(index, make_wheel, wheels):
    """The same elements and attributes as for a wheel that means no harm."""
    found = []
    for text in ("harmless", HOSTILE):
        make_wheel("demo", "1.0", {"demo.py": ""}, extra=f"Summary: {text}\nLicense: {text}\nRequires-Dist: other>1\n")
        (wheels / "yanked.toml").write_text(f"demo = '''{text}'''")
        assert index(wheels, "--title", text, "--url", f"https://{text}") == 0
        found.append([Elements((wheels / "simple" / page).read_text()) for page in ("index.html", "demo/index.html")])
    harmless, hostile = found
    assert [page.found for page in harmless] == [page.found for page in hostile]
    assert all(HOSTILE in page.text for page in hostile)
    (file,) = ProjectPage.from_html("demo", (wheels / "simple/demo/index.html").read_bytes()).packages
    assert file.yanked_reason == HOSTILE


def test_a_specifier_with_angles(index, make_wheel, wheels):
    make_wheel("demo", "1.0", {"demo.py": ""}, extra="Requires-Python: >=3.11,<4\n")
    assert index(wheels) == 0
    text = (wheels / "simple/demo/index.html").read_text()
    assert 'data-requires-python="&gt;=3.11,&lt;4"' in text


def test_control_characters_and_long_texts(index, make_wheel, wheels):
    summary = "a\u202eb\u0007c\u200b d" + "x" * 100_000
    make_wheel("demo", "1.0", {"demo.py": ""}, extra=f"Summary: {summary}\n" + "Requires-Dist: other\n" * 5000)
    assert index(wheels) == 0
    text = (wheels / "simple/demo/index.html").read_text()
    assert not {"\u202e", "\u0007", "\u200b"} & set(text)
    assert len(text) < 10_000


def test_spellings_are_one_project(index, make_wheel, wheels):
    for name, version in (("My.Demo", "1.0"), ("my_demo", "1.1"), ("MY_DEMO", "1.2")):
        make_wheel(name, version, {"demo.py": ""})
    assert index(wheels) == 0
    assert listing(wheels / "simple") == ["index.html", "index.json", "my-demo"]
    page = ProjectPage.from_html("my-demo", (wheels / "simple/my-demo/index.html").read_bytes())
    assert len(page.packages) == 3


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_stays_text(text):
    page = Elements(pages.front_page(pages.Look(title=text)))
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    assert page.found == Elements(pages.front_page(pages.Look(title="x"))).found
    assert page.text.count(shown[:300]) >= 2


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_mutated_wheels_are_read_or_refused(make_wheel, wheels, seed):
    """Bytes of a good wheel are changed, cut, repeated: it is a wheel or an error in one line."""
    path = make_wheel("demo", "1.0", {"demo/__init__.py": "x = 1\n" * 20}, extra="Summary: text\n")
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 30)]
            case _:
                data[at:at] = data[at : at + chance.randint(1, 30)]
    path.write_bytes(data)
    message, read = path.name, ("demo", "1.0", "text")
    try:
        entry = Entry.from_file(path)
        read = entry.project, entry.version, entry.summary
    except HatchWasiError as error:
        message = error.message
    assert path.name in message
    assert "\n" not in message
    assert read == ("demo", "1.0", "text")
