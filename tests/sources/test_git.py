"""One commit of a repository, as files."""

from pathlib import Path

import pytest
from git_repositories import commit, git

from hatch_wasi.errors import FetchError
from hatch_wasi.sources.git import checkout, is_within_reach


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def pinned(repository: Path) -> str:
    """A commit that is neither the first nor the last."""
    commit(repository, {"a": "old", "lib/x.c": "x", "lib/deep/y.c": "y", "tests/big": "big"})
    found = commit(repository, {"a": "wanted"})
    commit(repository, {"a": "new"})
    return found


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_files_of_a_commit(tmp_path: Path, repository: Path, pinned: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").touch()
    checkout(repository.as_uri(), pinned, tmp_path / "out")
    assert files(tmp_path / "out") == {"a": "wanted", "lib/x.c": "x", "lib/deep/y.c": "y", "tests/big": "big"}
    checkout(repository.as_uri(), pinned, tmp_path / "out", parts=["lib/deep", "a"])
    assert files(tmp_path / "out") == {"a": "wanted", "lib/deep/y.c": "y"}


def test_what_is_not_there_leaves_nothing(tmp_path: Path, repository: Path, pinned: str) -> None:
    for url, name in ((repository.as_uri(), "0" * 40), ((tmp_path / "none").as_uri(), pinned)):
        with pytest.raises(FetchError, match="fetching"):
            checkout(url, name, tmp_path / "out", log=tmp_path / "log")
        assert not (tmp_path / "out").exists()


def test_a_branch_is_no_commit(tmp_path: Path, repository: Path, pinned: str) -> None:
    git(repository, "branch", "name", pinned)
    with pytest.raises(FetchError):
        checkout(repository.as_uri(), "name", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_of_the_users_configuration_runs(
    tmp_path: Path, repository: Path, pinned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    config = f'[core]\n\tautocrlf = true\n\thooksPath = {hook.parent}\n[url "{repository.as_uri()}"]\n'
    (tmp_path / "gitconfig").write_text(f"{config}\tinsteadOf = https://example.org/mirrored\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    # As in a hook of git, of another repository.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    checkout("https://example.org/mirrored", pinned, tmp_path / "out", parts=["lib"])
    assert files(tmp_path / "out") == {"lib/x.c": "x", "lib/deep/y.c": "y"}
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_reach(tmp_path: Path, repository: Path, pinned: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_within_reach(repository.as_uri()) == ""
    assert "none" in is_within_reach((tmp_path / "none").as_uri())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert is_within_reach(repository.as_uri()) == "git is not installed"
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    assert is_within_reach(repository.as_uri()).startswith("offline")
