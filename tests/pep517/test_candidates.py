"""Which release is taken."""

import html

import pytest
from making import pure_wheel
from packaging.requirements import Requirement

from hatch_wasi.errors import BuildError
from hatch_wasi.pep517.candidates import Finder, NoRelease
from hatch_wasi.pep517.requirements import Sources


@pytest.mark.parametrize(
    ("there", "asked", "taken"),
    [
        (("1.0", "2.0rc1"), "thing", "1.0"),
        (("1.0", "2.0rc1"), "thing>=0.5", "1.0"),
        (("1.0", "2.0rc1"), "thing>=1.5rc1", "2.0rc1"),
        (("1.0", "2.0rc1"), "thing>1.0", "2.0rc1"),
        (("2.0.dev1", "2.0rc1"), "thing", "2.0rc1"),
    ],
)
def test_a_pre_release_is_taken_if_it_is_asked_for_or_there_is_nothing_else(tmp_path, there, asked, taken):
    for version in there:
        pure_wheel(tmp_path, "thing", version, {"thing.py": ""})
    finder = Finder("3.13", Sources(index_url=tmp_path.as_uri(), find_links=(str(tmp_path),)))
    assert finder.find(Requirement(asked)).version == taken


def page(folder, files):
    """Find releases on a page of files: their names, and attributes of their links."""
    links = []
    for name, attributes in files.items():
        said = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
        links.append(f'<a href="{name}" {said}>{name}</a>')
    (folder / "page.html").write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
    return Finder("3.13", Sources(no_index=True, find_links=((folder / "page.html").as_uri(),)))


YANKED = {"data-yanked": "it deletes files"}


def test_releases_that_are_all_yanked_are_named_with_the_reason(tmp_path):
    finder = page(tmp_path, {"thing-1.0.tar.gz": YANKED, "thing-1.1.tar.gz": YANKED})
    with pytest.raises(NoRelease) as caught:
        finder.find(Requirement("thing"))
    assert all(said in caught.value.message for said in ("yanked", "1.1, 1.0", "it deletes files"))
    assert "thing==1.1" in str(caught.value.hint)
    assert finder.find(Requirement("thing==1.0")).version == "1.0"


def test_a_project_that_is_not_there_is_not_called_yanked(tmp_path):
    finder = page(tmp_path, {"thing-1.0.tar.gz": YANKED})
    for asked in ("other", "thing>=2"):
        with pytest.raises(NoRelease) as caught:
            finder.find(Requirement(asked))
        assert "yanked" not in caught.value.message


@pytest.mark.parametrize(
    ("newer", "why"),
    [
        ({"thing-2.0-cp313-cp313-win_amd64.whl": {}}, "2.0 has no sdist"),
        ({"thing-2.0.tar.gz": {"data-requires-python": ">=3.99"}}, "2.0 is for Python >=3.99"),
        ({"thing-2.0.tar.gz": YANKED}, ""),
        ({"thing-2.0rc1-cp313-cp313-win_amd64.whl": {}}, ""),
        ({"thing-1.0-cp313-cp313-win_amd64.whl": {}}, ""),
    ],
)
def test_an_older_release_is_not_taken_in_silence(tmp_path, newer, why):
    finder = page(tmp_path, {"thing-1.0.tar.gz": {}, **newer})
    found = finder.find(Requirement("thing"))
    assert found.version == "1.0"
    assert found.older_than.startswith(why)
    assert bool(found.older_than) == bool(why)
    assert page(tmp_path, {"thing-1.0.tar.gz": {}, **newer}).find(Requirement("thing<2")).older_than == ""


def test_an_index_that_does_not_answer_is_one_short_line(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    finder = Finder("3.13", Sources(index_url="http://127.0.0.1:9/simple"))
    with pytest.raises(BuildError) as caught:
        finder.find(Requirement("thing"))
    assert "Connection refused" in caught.value.message
    assert len(caught.value.message) < 160
