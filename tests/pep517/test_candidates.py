"""Which release is taken."""

import pytest
from making import pure_wheel
from packaging.requirements import Requirement

from hatch_wasi.pep517.candidates import Finder
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
