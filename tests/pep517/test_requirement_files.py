"""Constraints files."""

import pytest

from hatch_wasi.errors import UsageError
from hatch_wasi.pep517 import requirements


def test_lines_comments_and_continuations(tmp_path):
    (tmp_path / "c.txt").write_text(
        "# first\na==1  # why\n\nb @ https://example.org/b.tar.gz#sha256=00\nc \\\n >=2\nd==1 --hash=sha256:00\n"
    )
    found = [str(item) for item in requirements.read(tmp_path / "c.txt")]
    assert found == ["a==1", "b @ https://example.org/b.tar.gz#sha256=00", "c>=2", "d==1"]


def test_what_is_wrong_is_named_by_its_line(tmp_path):
    (tmp_path / "c.txt").write_text("a==1\n-i https://example.org\n")
    with pytest.raises(UsageError, match=r"c.txt, line 2: not a requirement: -i"):
        requirements.read(tmp_path / "c.txt")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        requirements.read(tmp_path / "none.txt")
