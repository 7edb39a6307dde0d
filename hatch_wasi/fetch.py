"""Download files: one arrives whole and with the promised hash, or not at all.

What was received stays in `downloads/.partial-<sha256>` until the file is whole, so that the next attempt, or the next
process, asks for the rest only. The hash decides what is kept, whoever sent it: upstream, a mirror, a proxy.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from hatch_wasi import disk
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError
from hatch_wasi.network import Interruption, Refusal, ask
from hatch_wasi.redaction import redacted, stripped

__all__ = ["download", "is_offline", "pip_variables", "sha256_of"]

MIRROR = "HATCH_WASI_MIRROR"
MAX_SIZE = 4 << 30
"""Bytes; nothing that is pinned comes near it, and a server that never stops sending is cut off."""
ATTEMPTS = 4
"""Attempts in a row that bring nothing new, before the next address is tried; a stall counts twice."""
BACKOFF_SECONDS = 0.5
"""Waited before the second attempt, doubled before each further one."""
HINT = (
    f"put the file into a folder and set {MIRROR} to that folder, or to the address of a server that has it; "
    "behind a proxy, set https_proxy"
)


def is_offline() -> bool:
    """Tell whether the user forbade the network (`HATCH_WASI_OFFLINE`, `--offline`)."""
    return os.environ.get("HATCH_WASI_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def pip_variables() -> dict[str, str]:
    """Give the variables that keep pip, and the git that it runs, off a network that the user forbade.

    pip has no option for it: it gets a proxy on this machine where nothing answers, which is asked for whatever is not
    a file (it goes before every other, `no_proxy` too).
    """
    if not is_offline():
        return {}
    return {"PIP_PROXY": "http://127.0.0.1:9", "PIP_RETRIES": "0", "GIT_ALLOW_PROTOCOL": "file"}


def sha256_of(path: Path) -> str:
    """Give the file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(cache: Cache, urls: Sequence[str], *, sha256: str, console: Console | None = None) -> Path:
    """Give the file with this hash: from the cache, from `HATCH_WASI_MIRROR`, or from the first of `urls` that has it.

    The mirror is a folder or a base URL, in which the file is looked up by its name (in a folder also as
    `<sha256>-<name>`, so that another cache's `downloads` serves). Proxies are taken from the environment as Python's
    own `urllib.request` does. Progress is shown on `console`. Raises `FetchError` naming each address's reason.
    """
    name = unquote(Path(urlsplit(urls[0]).path).name)
    path = cache.folder("downloads") / f"{sha256}-{name}"
    with cache.lock(f"download-{sha256}"):
        if path.is_file():
            if sha256_of(path) == sha256:
                return path
            path.unlink()
        transfer = _Transfer(path, sha256, console)
        if _served_by_folder(name, transfer) or _served_by_network(name, urls, transfer):
            return path
    message = redacted(f"{name} cannot be fetched: " + "; ".join(transfer.reasons))
    raise FetchError(message, hint=HINT)


def _mirror() -> str:
    """Give the mirror as a folder's path or a base URL; empty if there is none."""
    said = os.environ.get(MIRROR, "").strip()
    return unquote(urlsplit(said).path) if said.startswith("file://") else said


def _served_by_folder(name: str, transfer: "_Transfer") -> bool:
    if not (mirror := _mirror()) or "://" in mirror:
        return False
    folder = Path(mirror).expanduser()
    found = next((path for path in (folder / name, folder / f"{transfer.sha256}-{name}") if path.is_file()), None)
    if found is None:
        transfer.reasons.append(f"{MIRROR}={mirror} has no such file")
        return False
    return transfer.copy(found)


def _served_by_network(name: str, urls: Sequence[str], transfer: "_Transfer") -> bool:
    if is_offline():
        transfer.reasons.append("it is not in the cache, and the network is not to be used (offline)")
        return False
    mirror = _mirror()
    mirrored = [f"{mirror.rstrip('/')}/{quote(name)}"] if "://" in mirror else []
    return any(transfer.fetch(url) for url in (*mirrored, *urls))


class _Transfer:
    """One file on its way into the cache; `reasons` collects why an address did not serve."""

    def __init__(self, path: Path, sha256: str, console: Console | None) -> None:
        self.path = path
        self.sha256 = sha256
        self.reasons: list[str] = []
        self._console = console
        self._partial = path.parent / f".partial-{sha256}"

    def copy(self, source: Path) -> bool:
        """Take a local file, if it is the right one."""
        try:
            shutil.copyfile(source, self._partial)
        except OSError as error:
            self._stop_if_full(error)
            self.reasons.append(f"{source}: {error.strerror or error}")
            return False
        return self._accept(str(source))

    def fetch(self, url: str) -> bool:
        """Get the file from `url`, going on after interruptions, and from the start once if the whole is wrong."""
        try:
            resumed = self._receive(url)
            if self._accept(url):
                return True
            # Parts of different files may have been joined: what an earlier address or process had left.
            if resumed:
                self.reasons.pop()
                self._receive(url)
                return self._accept(url)
        except (Refusal, OSError) as error:
            self._stop_if_full(error)
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            self.reasons.append(f"{stripped(url)}: {reason}")
        return False

    def _stop_if_full(self, error: Exception) -> None:
        """No other address helps where there is no room; what was received stays, and is gone on with later."""
        if disk.is_full(error):
            raise disk.full(error, self.path.parent) from error

    def _accept(self, origin: str) -> bool:
        found = sha256_of(self._partial)
        if found == self.sha256:
            self._partial.replace(self.path)
            return True
        self._partial.unlink()
        self.reasons.append(f"{stripped(origin)}: sha256 is {found}, not the pinned {self.sha256}")
        return False

    def _receive(self, url: str) -> bool:
        """Make the partial file whole; tell whether it was made of several pieces."""
        best = begin = self._size()
        pieces = failures = 0
        while True:
            try:
                pieces += 1
                self._receive_piece(url)
            except Interruption as interruption:
                # Whoever sends something each time gets as many attempts as that takes.
                failures = 0 if self._size() > best else failures + interruption.weight
                best = max(best, self._size())
                if failures >= ATTEMPTS:
                    message = f"{interruption} ({pieces} attempts)"
                    raise Refusal(message) from interruption
                self._detail(f"{stripped(url)}: {interruption}; trying again")
                time.sleep(BACKOFF_SECONDS * 2 ** max(failures - 1, 0))
            else:
                return begin > 0 or pieces > 1

    def _receive_piece(self, url: str) -> None:
        with ask(url, self._size()) as reply:
            have = reply.first
            with self._partial.open("ab" if have else "wb") as file, self._show(have, reply.length) as show:
                for chunk in reply.chunks:
                    file.write(chunk)
                    have += len(chunk)
                    show(have)
                    if have > MAX_SIZE:
                        message = f"more than {MAX_SIZE >> 30} GB were sent"
                        raise Refusal(message)

    def _size(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0

    def _show(self, have: int, length: int | None) -> AbstractContextManager[Callable[[int], None]]:
        if self._console is None:
            return nullcontext(lambda _: None)
        return self._console.progress(have, have + length if length else None)

    def _detail(self, text: str) -> None:
        if self._console is not None:
            self._console.detail(text)
