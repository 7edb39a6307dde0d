"""Download over HTTP: the only user of `urllib3`. A file arrives whole and with the promised hash, or not at all.

What was received stays in `downloads/.partial-<sha256>` until the file is whole, so that the next attempt, or the next
process, asks for the rest only (RFC 9110, section 14). The hash decides what is kept, whoever sent it: upstream, a
mirror, a proxy.
"""

import hashlib
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import urllib3

from hatch_wasi import disk
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import FetchError

__all__ = ["download", "is_offline", "sha256_of"]

MIRROR = "HATCH_WASI_MIRROR"
CHUNK = 1 << 16
MAX_SIZE = 4 << 30
"""Bytes; nothing that is pinned comes near it, and a server that never stops sending is cut off."""
# Unreachable networks are found out in seconds: a provider further down the chain may serve.
CONNECT_SECONDS = 6.0
STALL_SECONDS = 15.0
"""Without a byte for so long, a transfer has stalled; a slow one that moves may take all its time."""
ATTEMPTS = 4
"""Attempts in a row that bring nothing new, before the next address is tried; a stall counts twice."""
BACKOFF_SECONDS = 0.5
"""Waited before the second attempt, doubled before each further one."""
TRANSIENT = (429, 500, 502, 503, 504)
HINT = (
    f"put the file into a folder and set {MIRROR} to that folder, or to the address of a server that has it; "
    "behind a proxy, set https_proxy"
)
# Hosts that could not be connected to, and why: one process does not wait for the same host twice.
_unreachable: dict[str, str] = {}


class _Refusal(Exception):
    """This address will not serve the file, whatever is tried."""


class _Interruption(Exception):
    """The transfer broke off, or the server is busy: worth another attempt."""

    weight = 1


class _Stall(_Interruption):
    """Nothing came for a while: that was a long attempt."""

    weight = 2


def is_offline() -> bool:
    """Tell whether the user forbade the network (`HATCH_WASI_OFFLINE`, `--offline`)."""
    return os.environ.get("HATCH_WASI_OFFLINE", "").lower() in ("1", "true", "yes", "on")


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
    message = f"{name} cannot be had: " + "; ".join(transfer.reasons)
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
        except (_Refusal, OSError) as error:
            self._stop_if_full(error)
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            self.reasons.append(f"{_without_secret(url)}: {reason}")
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
        self.reasons.append(f"{_without_secret(origin)}: sha256 is {found}, not the pinned {self.sha256}")
        return False

    def _receive(self, url: str) -> bool:
        """Make the partial file whole; tell whether it was made of several pieces."""
        best = begin = self._size()
        pieces = failures = 0
        while True:
            try:
                pieces += 1
                self._receive_piece(url)
            except _Interruption as interruption:
                # Whoever sends something each time gets as many attempts as that takes.
                failures = 0 if self._size() > best else failures + interruption.weight
                best = max(best, self._size())
                if failures >= ATTEMPTS:
                    message = f"{interruption} ({pieces} attempts)"
                    raise _Refusal(message) from interruption
                self._detail(f"{_without_secret(url)}: {interruption}; trying again")
                time.sleep(BACKOFF_SECONDS * 2 ** max(failures - 1, 0))
            else:
                return begin > 0 or pieces > 1

    def _receive_piece(self, url: str) -> None:
        have = self._size()
        try:
            with _pool(url) as pool:
                response = _request(pool, url, have)
                if response.status == 416:
                    # There is no more than what is here; the hash tells whether it is right.
                    return
                if response.status != 206 or not _continues(response, have):
                    have = 0
                self._write(response, have)
        except urllib3.exceptions.LocationValueError as error:
            raise _Refusal(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise _interruption(error) from error

    def _write(self, response: urllib3.BaseHTTPResponse, have: int) -> None:
        expected = int(response.headers.get("Content-Length") or 0)
        with self._partial.open("ab" if have else "wb") as file, self._show(have, expected) as show:
            for chunk in response.stream(CHUNK, decode_content=False):
                file.write(chunk)
                have += len(chunk)
                show(have)
                if have > MAX_SIZE:
                    message = f"more than {MAX_SIZE >> 30} GB were sent"
                    raise _Refusal(message)

    def _size(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0

    def _show(self, have: int, expected: int) -> AbstractContextManager[Callable[[int], None]]:
        if self._console is None:
            return nullcontext(lambda _: None)
        return self._console.progress(have, have + expected if expected else None)

    def _detail(self, text: str) -> None:
        if self._console is not None:
            self._console.detail(text)


def _request(pool: urllib3.PoolManager, url: str, have: int) -> urllib3.BaseHTTPResponse:
    """Ask for the file, or for what comes after its first `have` bytes. Raises `_Refusal` if that is hopeless."""
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if host in _unreachable:
        raise _Refusal(_unreachable[host])
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=STALL_SECONDS)
    retries = urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=5)
    try:
        response = pool.request("GET", url, headers=headers, preload_content=False, timeout=timeout, retries=retries)
    except urllib3.exceptions.MaxRetryError as error:
        cause = error.reason or error
        if isinstance(cause, urllib3.exceptions.ReadTimeoutError | urllib3.exceptions.ProtocolError):
            raise _interruption(cause) from error
        if isinstance(cause, urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError):
            _unreachable[host] = _reason(cause)
        raise _Refusal(_reason(cause)) from error
    if response.status in TRANSIENT:
        message = f"HTTP status {response.status}"
        raise _Interruption(message)
    if response.status not in (200, 206) and not (response.status == 416 and have):
        message = f"HTTP status {response.status}"
        raise _Refusal(message)
    return response


def _continues(response: urllib3.BaseHTTPResponse, have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _interruption(error: Exception) -> _Interruption:
    kind = _Stall if isinstance(error, urllib3.exceptions.ReadTimeoutError) else _Interruption
    return kind(_reason(error))


def _reason(error: Exception) -> str:
    """Say in a few words why nothing, or no more, came."""
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return f"nothing came for {STALL_SECONDS:g} s"
        case urllib3.exceptions.NameResolutionError():
            return "its name cannot be resolved"
        case urllib3.exceptions.NewConnectionError():
            # The message begins with the connection's description, which names the host once more.
            return str(error).rpartition(": ")[2]
        case urllib3.exceptions.ConnectTimeoutError():
            return f"no connection within {CONNECT_SECONDS:g} s"
        case urllib3.exceptions.ProxyError():
            return f"the proxy cannot be used ({_reason(error.original_error)})"
        case urllib3.exceptions.ProtocolError():
            return f"the transfer broke off ({error.args[-1] if error.args else error})"
        case _:
            return str(error)


def _without_secret(url: str) -> str:
    """Give the address without user name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _pool(url: str) -> urllib3.PoolManager:
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager()
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    login = urlsplit(proxy)
    if login.username is None:
        return urllib3.ProxyManager(proxy)
    secret = f"{unquote(login.username)}:{unquote(login.password or '')}"
    return urllib3.ProxyManager(_without_secret(proxy), proxy_headers=urllib3.make_headers(proxy_basic_auth=secret))
