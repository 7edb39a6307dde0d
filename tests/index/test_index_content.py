"""What is in an index, read by others: pypi-simple (PEP 503, 592, 629, 658, 691, 700, 714), html.parser and json."""

import hashlib
import json
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from pypi_simple import IndexPage, ProjectPage
from wheel_making import listing

SIMPLE = "http://index.test/simple/"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def html_page(folder, name):
    return ProjectPage.from_html(name, (folder / "simple" / name / "index.html").read_bytes(), f"{SIMPLE}{name}/")


def json_page(folder, name):
    content = json.loads((folder / "simple" / name / "index.json").read_bytes())
    return ProjectPage.from_json_data(content, f"{SIMPLE}{name}/")


class Tags(HTMLParser):
    """Collects start tags; notes what is left open, which HTML5 forbids of all but a few."""

    VOID = ("meta", "link", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), "an attribute is there twice"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if "style" not in self.open else ""

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def parse(path):
    tags = Tags(path.read_text(encoding="utf-8"))
    assert tags.open == []
    return tags


@pytest.fixture
def site(index, native_wheel, make_wheel, wheels):
    """An index with two projects, of which one has two versions."""
    native_wheel("demo", "1.9", extra="Summary: The old one\n")
    native_wheel("demo", "1.10", extra="Summary: A <demo> & more\nRequires-Python: <4,>=3.11\nRequires-Dist: other\n")
    make_wheel("Other.Name", "2.0", {"other.py": ""})
    assert index(wheels) == 0
    return wheels


def test_the_root_lists_projects(site):
    page = IndexPage.from_html((site / "simple" / "index.html").read_bytes())
    assert page.projects == ["demo", "Other.Name"]
    assert page.repository_version == "1.1"
    content = json.loads((site / "simple" / "index.json").read_bytes())
    assert IndexPage.from_json_data(content).projects == ["demo", "Other.Name"]
    assert content["meta"]["api-version"] == "1.1"


def test_the_root_links_to_normalized_names_with_a_slash(site):
    """PEP 503: one anchor a project, and addresses end with a slash."""
    tags = parse(site / "simple" / "index.html")
    assert [attrs["href"] for attrs in tags.all("a")] == ["demo/", "other-name/"]


@pytest.mark.parametrize("read", [html_page, json_page])
def test_a_project_page(site, read):
    page = read(site, "demo")
    assert page.repository_version == "1.1"
    names = [f"demo-{version}-cp313-cp313-wasi_wasm32.whl" for version in ("1.9", "1.10")]
    assert {file.filename for file in page.packages} == set(names)
    for file in page.packages:
        content = (site / file.filename).read_bytes()
        assert file.digests == {"sha256": sha256(content)}
        assert file.requires_python == ("<4,>=3.11" if file.version == "1.10" else None)
        assert (file.project, file.package_type, file.is_yanked) == ("demo", "wheel", False)
        assert urlsplit(file.url).path == f"/{file.filename}"
        metadata = (site / f"{file.filename}.metadata").read_bytes()
        assert file.metadata_digests == {"sha256": sha256(metadata)}
        with zipfile.ZipFile(site / file.filename) as archive:
            assert archive.read(f"demo-{file.version}.dist-info/METADATA") == metadata


def test_anchors_of_a_project_are_its_files(site):
    """PEP 503: "a single anchor element per file", whose text is its name; PEP 658 and 714 both name the metadata."""
    tags = parse(site / "simple" / "demo" / "index.html")
    anchors = tags.all("a")
    assert len(anchors) == 2
    for attrs in anchors:
        address, _, fragment = attrs["href"].partition("#")
        path = site / "simple" / "demo" / unquote(address)
        assert path.resolve().parent == site.resolve()
        assert fragment == f"sha256={sha256(path.read_bytes())}"
        assert attrs["data-core-metadata"] == attrs["data-dist-info-metadata"]
    assert tags.all("script") == []


def test_json_has_what_pep_700_adds(site):
    content = json.loads((site / "simple" / "demo" / "index.json").read_bytes())
    assert content["name"] == "demo"
    assert content["versions"] == ["1.9", "1.10"]
    for file in content["files"]:
        status = (site / file["filename"]).stat()
        assert file["size"] == status.st_size
        assert datetime.fromisoformat(file["upload-time"]) == datetime.fromtimestamp(int(status.st_mtime), UTC)
        assert file["core-metadata"] == file["dist-info-metadata"]
        assert "yanked" not in file


def test_a_person_can_read_it(site):
    text = parse(site / "simple" / "demo" / "index.html").text
    for part in (
        "demo 1.10", "A <demo> & more", "<4,>=3.11", "CPython 3.13", "WASI", "other", " bytes",
        "hatch-wasi install --index-url URL/simple/ demo", "--platform wasi_wasm32", "--python-version 3.13", "--abi cp313",
    ):  # fmt: skip
        assert part in text
    assert text.index("demo-1.10-") < text.index("demo-1.9-")
    front = parse(site / "simple" / "index.html").text
    assert "2 projects, 3 wheels" in front
    assert "A <demo> & more" in front
    assert "The old one" not in front


def test_the_top_folder_leads_to_the_list(site):
    tags = parse(site / "index.html")
    assert [attrs["href"] for attrs in tags.all("a")] == ["simple/"]
    assert "0; url=simple/" in [attrs.get("content") for attrs in tags.all("meta")]


def test_title_and_address(index, native_wheel, wheels):
    native_wheel("demo", "1.0")
    assert index(wheels, "--title", "Mine & <yours>", "--url", "https://example.org/w/") == 0
    tags = parse(wheels / "simple" / "demo" / "index.html")
    assert "Mine & <yours>" in tags.text
    assert "--index-url https://example.org/w/simple/ demo" in tags.text
    assert "URL stands for" not in tags.text


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        (["1.9", "1.10"], "1.10"),
        (["1.0", "2.0rc1"], "1.0"),
        (["2.0rc1"], "2.0rc1"),
        (["1.0", "1.0.post1"], "1.0.post1"),
    ],
)
def test_the_latest_is_what_pip_would_take(index, native_wheel, wheels, versions, latest):
    for version in versions:
        native_wheel("demo", version)
    index(wheels)
    assert f"demo {latest}" in parse(wheels / "simple" / "demo" / "index.html").text


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("py3-none-any", ["Python 3", "any platform", "pip download --no-deps --index-url URL/simple/ demo"]),
        ("cp311-abi3-wasi_wasm32", ["CPython 3.11+ (abi3)", "--python-version 3.11", "--abi abi3"]),
        ("py3-none-wasi_0_0_0_wasm32", ["WASI", "--platform wasi_0_0_0_wasm32", "--abi none"]),
        ("cp313-cp313-wasi_wasm32.wasi_0_0_0_wasm32", ["CPython 3.13", "WASI"]),
        ("cp313-cp313-manylinux_2_17_x86_64", ["manylinux_2_17_x86_64"]),
    ],
)
def test_tags_are_told_in_words(index, make_wheel, wheels, tag, words):
    make_wheel("demo", "1.0", {"demo.py": ""}, tag=tag)
    assert index(wheels) == 0
    text = parse(wheels / "simple" / "demo" / "index.html").text
    assert [word for word in words if word not in text] == []


def test_folders_in_the_folder(index, make_wheel, wheels):
    """As CI's artifacts come: a folder each. Hidden ones are none of ours; names are quoted."""
    one = make_wheel("one", "1.0", {"one.py": ""})
    two = make_wheel("two", "1.0", {"two.py": ""})
    three = make_wheel("three", "1.0", {"three.py": ""})
    for path, place in ((one, "a/b"), (two, "with space & #1"), (three, ".venv")):
        (wheels / place).mkdir(parents=True)
        path.rename(wheels / place / path.name)
    assert index(wheels) == 0
    page = IndexPage.from_html((wheels / "simple" / "index.html").read_bytes())
    assert page.projects == ["one", "two"]
    href = parse(wheels / "simple" / "two" / "index.html").all("a")[0]["href"]
    assert href.startswith("../../with%20space%20%26%20%231/two-1.0-")
    assert (wheels / unquote(urlsplit(urljoin(f"{SIMPLE}two/", href)).path)[1:]).is_file()
    assert (wheels / "with space & #1" / f"{two.name}.metadata").is_file()


def test_another_folder(index, native_wheel, wheels, tmp_path):
    """With -o the folder of wheels is left as it is; files get names that change with their content."""
    wheel = native_wheel("demo", "1.0")
    assert index(wheels, "-o", tmp_path / "public") == 0
    assert listing(wheels) == [wheel.name]
    (file,) = json_page(tmp_path / "public", "demo").packages
    path = tmp_path / "public" / urlsplit(file.url).path[1:]
    assert path.read_bytes() == wheel.read_bytes()
    assert path.with_name(f"{path.name}.metadata").is_file()
    assert sha256(wheel.read_bytes())[:16] in file.url


def test_the_output_inside_is_not_indexed(index, native_wheel, wheels):
    native_wheel("demo", "1.0")
    for _ in range(2):
        assert index(wheels, "-o", wheels / "public") == 0
        assert len(json_page(wheels / "public", "demo").packages) == 1


def test_wheels_below_the_output_stay_where_they_are(index, native_wheel, wheels, tmp_path):
    wheel = native_wheel("demo", "1.0")
    assert index(wheels, "-o", tmp_path) == 0
    (file,) = html_page(tmp_path, "demo").packages
    assert urlsplit(file.url).path == f"/wheels/{wheel.name}"
    assert not (tmp_path / "files").exists()


def test_the_same_wheels_give_the_same_pages(index, native_wheel, make_wheel, wheels, tmp_path):
    for version in ("1.0", "1.1"):
        native_wheel("demo", version, extra="Summary: x\n")
    make_wheel("other", "1.0", {"other.py": ""})
    for number in range(2):
        assert index(wheels, "-o", tmp_path / f"public{number}") == 0
    trees = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "state.json"
        }
        for folder in (tmp_path / "public0", tmp_path / "public1")
    ]
    assert trees[0] == trees[1]
    assert len(trees[0]) == 3 * 2 + 2 * 2 + 3


def test_metadata_of_any_length(index, make_wheel, wheels):
    """Long ones are not kept in memory, and are read again when they are written."""
    sizes = [10, 1_000_000]
    for number, size in enumerate(sizes):
        make_wheel("demo", f"1.{number}", {"demo.py": ""}, extra=f"\n{'long ' * size}")
    assert index(wheels) == 0
    for file in html_page(wheels, "demo").packages:
        data = (wheels / f"{file.filename}.metadata").read_bytes()
        assert file.metadata_digests == {"sha256": sha256(data)}
        assert len(data) > 5 * sizes[int(file.version[-1])]
