"""Take one commit of a git repository: no history, and of a big one only the files that are wanted.

A commit is named by its hash, and git checks every object it receives against the hash it goes by: what arrives is
what was pinned, whoever serves it.
"""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import FetchError, ProcessFailed
from hatch_wasi.fetch import is_offline

__all__ = ["checkout", "is_there", "is_within_reach"]

ASK = 30.0


def is_there() -> bool:
    """Tell whether this machine has git."""
    return shutil.which("git") is not None


def is_within_reach(url: str) -> str:
    """Ask the server for its HEAD; give why it cannot be used, empty if it can."""
    if is_offline():
        return "offline: nothing can be fetched by git"
    if not is_there():
        return "git is not installed"
    try:
        _git(["ls-remote", "--quiet", url, "HEAD"], what=f"asking {url}", timeout=ASK)
    except ProcessFailed as error:
        return error.message
    return ""


def checkout(
    url: str,
    commit: str,
    folder: Path,
    *,
    parts: Sequence[str] = (),
    log: Path | None = None,
    hold: Sequence[int] = (),
) -> None:
    """Put the files of `commit` (its full hash) at `folder`, which is made anew; no `.git` is left.

    `parts` names files and folders that are wanted; without it all are. A server that can leave out the contents of
    other files is asked to. Raises `FetchError`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = partial(_git, folder=folder, log=log, hold=hold)
    try:
        run(["init", "--quiet"], what="making a git repository")
        run(["remote", "add", "origin", url], what="naming the repository")
        fetch = ["fetch", "--quiet", "--no-tags", "--depth=1", "--filter=blob:none", "origin", commit]
        run(fetch, what=f"fetching {commit[:12]} of {url}")
        if parts:
            patterns = [f"/{part}" for part in parts]
            run(["sparse-checkout", "set", "--no-cone", *patterns], what="choosing files")
        run(["checkout", "--quiet", "--detach", commit], what=f"checking out {commit[:12]}")
        head = _git(["rev-parse", "HEAD"], folder, what="asking what was checked out").strip()
    except ProcessFailed as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise FetchError(error.message, log=error.log) from error
    if head != commit:
        shutil.rmtree(folder, ignore_errors=True)
        message = f"{url} gave commit {head}, not the pinned {commit}"
        raise FetchError(message)
    shutil.rmtree(folder / ".git")


def _git(
    words: Sequence[str],
    folder: Path | None = None,
    *,
    what: str,
    log: Path | None = None,
    hold: Sequence[int] = (),
    timeout: float | None = None,
) -> str:
    # A question for a password would wait for ever.
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
    env = {name: value for name, value in process.base_environment(quiet).items() if name not in REPOSITORY}
    options = (word for setting in SETTINGS for word in ("-c", setting))
    return process.run(["git", *options, *words], what=what, cwd=folder, env=env, log=log, hold=hold, timeout=timeout)


# The user's configuration holds (proxies, certificates, mirrors by insteadOf), but for what would change files or run
# programs; a transfer that stands still for a minute has failed.
SETTINGS = (
    "core.attributesFile=/dev/null", "core.autocrlf=false", "core.fsmonitor=false", "core.hooksPath=/dev/null",
    "gc.auto=0", "http.lowSpeedLimit=1000", "http.lowSpeedTime=60", "maintenance.auto=false",
)  # fmt: skip
# Set by git for its hooks, in which a build may run: they would turn our commands to another repository.
REPOSITORY = ("GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_WORK_TREE")
