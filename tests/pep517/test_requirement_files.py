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


def test_names_of_what_files_list_by_other_files(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "all.txt").write_text("-i https://example.org\na>=1 --hash=sha256:00\n-r more/b.txt  # others\n")
    (tmp_path / "more" / "b.txt").write_text("--requirement=c.txt\nb; sys_platform == 'win32'\n")
    (tmp_path / "more" / "c.txt").write_text("c[extra]\n")
    assert requirements.names(tmp_path / "all.txt") == ["a", "c", "b"]
    (tmp_path / "more" / "c.txt").write_text("-r ../all.txt\n")
    with pytest.raises(UsageError, match=r"all.txt names itself, by -r"):
        requirements.names(tmp_path / "all.txt")


def test_where_releases_are_by_options_in_files(tmp_path, monkeypatch):
    (tmp_path / "links").mkdir()
    (tmp_path / "all.txt").write_text(
        "a==1\n--index-url https://${USER_X}@example.org/\n-r more.txt\n-r https://example.org/c.txt\n-c c.txt\n"
    )
    (tmp_path / "more.txt").write_text(
        "--extra-index-url=https://more.example.org/ -f links\n-f https://x.org/${NOT_X}\n"
    )
    monkeypatch.setenv("USER_X", "me")
    monkeypatch.delenv("NOT_X", raising=False)
    given = requirements.Sources(index_url="https://one.org/", extra_index_urls=("https://two.org/",))
    found = given.of_file(tmp_path / "all.txt")
    assert found == requirements.Sources(
        index_url="https://me@example.org/",
        extra_index_urls=("https://more.example.org/",),
        find_links=(str(tmp_path / "links"), "https://x.org/${NOT_X}"),
    )
    assert found.options()[:4] == [
        "--index-url", "https://me@example.org/", "--extra-index-url", "https://more.example.org/",
    ]  # fmt: skip
    (tmp_path / "more.txt").write_text("--no-index\n")
    assert given.of_file(tmp_path / "more.txt").options()[-1] == "--no-index"
    (tmp_path / "more.txt").write_text("-r all.txt\n")
    with pytest.raises(UsageError, match=r"all.txt names itself, by -r"):
        given.of_file(tmp_path / "all.txt")


def test_what_is_wrong_is_named_by_its_line(tmp_path):
    (tmp_path / "c.txt").write_text("a==1\n-i https://example.org\n")
    with pytest.raises(UsageError, match=r"c.txt, line 2: not a requirement: -i"):
        requirements.read(tmp_path / "c.txt")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        requirements.read(tmp_path / "none.txt")


def test_files_list_others_and_paths_and_hashes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(
        "-i https://example.org\n-r deep/b.txt\n./deep\nc==1 \\\n  --hash=sha256:ab --hash sha512:cd  # why\n"
    )
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.txt").write_text("--requirement=c.txt\n")
    (tmp_path / "deep" / "c.txt").write_text("b[x]\n")
    found = list(requirements.lines(tmp_path / "a.txt"))
    assert [line.word for line in found] == ["b[x]", "./deep", "c==1"]
    assert requirements.hashes(found) == {"c": [("sha256", "ab"), ("sha512", "cd")]}


@pytest.mark.parametrize("text", ["-e .", "--pre", "-c x", "./none", "a b"])
def test_what_a_file_of_requirements_may_not_have(tmp_path, text):
    (tmp_path / "a.txt").write_text(f"a\n{text}\n")
    with pytest.raises(UsageError, match=rf"a.txt, line 2: not a requirement: {text}"):
        list(requirements.lines(tmp_path / "a.txt"))


def test_files_that_list_each_other(tmp_path):
    (tmp_path / "a.txt").write_text("-r a.txt\n")
    with pytest.raises(UsageError, match="names itself, by -r"):
        list(requirements.lines(tmp_path / "a.txt"))


def test_a_hash_of_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("./a.txt --hash=sha256:00\n")
    with pytest.raises(UsageError, match="this is a path"):
        requirements.hashes(requirements.lines(tmp_path / "a.txt"))
