"""Where what was built came from, as `direct_url.json` has it (PEP 610, and the specification that follows it)."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from hatch_wasi import process
from hatch_wasi.errors import ProcessFailed
from hatch_wasi.fetch import sha256_of
from hatch_wasi.network import without_secret

__all__ = ["address", "file", "folder"]

VCS = ("git", "hg", "svn", "bzr")


def folder(path: Path) -> dict[str, object]:
    """Describe a project's folder."""
    return {"url": path.resolve().as_uri(), "dir_info": {}}


def file(path: Path, url: str = "") -> dict[str, object]:
    """Describe an archive, which is from `url` or here."""
    sha256 = sha256_of(path)
    hashes = {"hash": f"sha256={sha256}", "hashes": {"sha256": sha256}}
    return {"url": url or path.resolve().as_uri(), "archive_info": hashes}


def address(url: str, tree: Path, archive: Path | None) -> dict[str, object] | None:
    """Describe what a URL names: the `archive` that it gave, or a repository, of which `tree` is the working tree.

    None for a repository whose commit is not known: there is no description of one without it.
    """
    place, _, fragment = without_secret(url).partition("#")
    within = {key: values[0] for key, values in parse_qs(fragment).items() if key == "subdirectory"}
    vcs, plus, repository = place.partition("+")
    if not plus or vcs not in VCS:
        return {**(file(archive, place) if archive else {"url": place, "archive_info": {}}), **within}
    at, revision = repository.rpartition("@")[::2] if "@" in urlsplit(repository).path else (repository, "")
    try:
        argv = ["git", "-C", str(tree), "rev-parse", "HEAD"]
        commit = process.run(argv, what="asking git for the commit").strip() if vcs == "git" else ""
    except ProcessFailed:
        commit = ""
    if not commit:
        return None
    asked = {"requested_revision": revision} if revision else {}
    return {"url": at, "vcs_info": {"vcs": vcs, **asked, "commit_id": commit}, **within}
