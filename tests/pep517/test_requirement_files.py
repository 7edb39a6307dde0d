"""Files of constraints and of requirements."""

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


def test_files_list_others_and_paths_and_hashes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("-r deep/b.txt\n./deep\nc==1 \\\n  --hash=sha256:ab --hash sha512:cd  # why\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.txt").write_text("--requirement=c.txt\n")
    (tmp_path / "deep" / "c.txt").write_text("b[x]\n")
    found = list(requirements.lines(tmp_path / "a.txt"))
    assert [line.word for line in found] == ["b[x]", "./deep", "c==1"]
    assert requirements.hashes(found) == {"c": [("sha256", "ab"), ("sha512", "cd")]}


@pytest.mark.parametrize("text", ["-e .", "--index-url x", "-c x", "./none", "a b"])
def test_what_a_file_of_requirements_may_not_have(tmp_path, text):
    (tmp_path / "a.txt").write_text(f"a\n{text}\n")
    with pytest.raises(UsageError, match=rf"a.txt, line 2: not a requirement: {text}"):
        list(requirements.lines(tmp_path / "a.txt"))


def test_files_that_list_each_other(tmp_path):
    (tmp_path / "a.txt").write_text("-r a.txt\n")
    with pytest.raises(UsageError, match="files deep"):
        list(requirements.lines(tmp_path / "a.txt"))


def test_a_hash_of_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("./a.txt --hash=sha256:00\n")
    with pytest.raises(UsageError, match="this is a path"):
        requirements.hashes(requirements.lines(tmp_path / "a.txt"))
