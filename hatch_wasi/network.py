"""One HTTP request: the only user of `urllib3`, and of name resolution. What goes wrong is one of two things: this
address will not serve (`Refusal`), or it is worth another attempt (`Interruption`).
"""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import urllib3

from hatch_wasi.redaction import stripped

__all__ = ["Interruption", "Refusal", "Reply", "ask"]

CHUNK = 1 << 16
# Unreachable networks are found out in seconds: a provider further down the chain may serve.
CONNECT_SECONDS = 6.0
STALL_SECONDS = 15.0
"""Without a byte for so long, a transfer has stalled; a slow one that moves may take all its time."""
REDIRECTS = 5
TRANSIENT = (429, 500, 502, 503, 504)
# Hosts that could not be connected to, and why: one process does not wait for the same host twice.
_unreachable: dict[str, str] = {}
_resolved: set[str] = set()


class Refusal(Exception):
    """This address will not serve the file, whatever is tried."""


class Interruption(Exception):
    """The transfer broke off, or the server is busy: worth another attempt."""

    weight = 1
    """How many attempts it counts for."""


class Stall(Interruption):
    """Nothing came for a while: that was a long attempt."""

    weight = 2


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answered."""

    first: int
    """Where in the file the bytes begin: as asked, or 0 if the server serves whole files only."""
    length: int | None
    """How many bytes it promises."""
    chunks: Iterator[bytes]


@contextmanager
def ask(url: str, first: int = 0) -> Iterator[Reply]:
    """Ask for a file from its byte `first` on (RFC 9110, section 14); read the reply while the block runs.

    Proxies are taken from the environment as Python's own `urllib.request` does. Raises `Refusal` or `Interruption`,
    the second also for what happens while the block reads.
    """
    try:
        with _pool(url) as pool:
            response = _request(pool, url, first)
            if response.status == 416:
                # There is no more than what is known already.
                yield Reply(first=first, length=0, chunks=iter(()))
                return
            begins = f"bytes {first}-"
            follows = response.status == 206 and response.headers.get("Content-Range", "").startswith(begins)
            length = response.headers.get("Content-Length", "")
            yield Reply(
                first=first if follows else 0,
                length=int(length) if length.isdecimal() else None,
                chunks=response.stream(CHUNK, decode_content=False),
            )
    except urllib3.exceptions.LocationValueError as error:
        raise Refusal(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise _interruption(error) from error


def _request(pool: urllib3.PoolManager, url: str, first: int) -> urllib3.BaseHTTPResponse:
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    _resolve(pool, parts.hostname or "", host)
    if host in _unreachable:
        raise Refusal(_unreachable[host])
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={first}-"} if first else {}) | _login(parts)
    try:
        response = _followed(pool, url, headers)
    except urllib3.exceptions.MaxRetryError as error:
        cause = error.reason or error
        if isinstance(cause, urllib3.exceptions.ReadTimeoutError | urllib3.exceptions.ProtocolError):
            raise _interruption(cause) from error
        if isinstance(cause, urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError):
            _unreachable[host] = _reason(cause)
        raise Refusal(_reason(cause)) from error
    if response.status in TRANSIENT:
        message = f"HTTP status {response.status}"
        raise Interruption(message)
    if response.status not in (200, 206) and not (response.status == 416 and first):
        message = f"HTTP status {response.status}"
        raise Refusal(message)
    return response


def _followed(pool: urllib3.PoolManager, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    """Ask, and follow redirects: to addresses of the web, not from https to http, and with a login for its host only."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=STALL_SECONDS)
    retries = urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=0)
    for _ in range(REDIRECTS + 1):
        response = pool.request(
            "GET", url, headers=headers, preload_content=False, timeout=timeout, retries=retries, redirect=False
        )
        if not (location := response.get_redirect_location()):
            return response
        response.drain_conn()
        before, url = urlsplit(url), urljoin(url, location)
        after = urlsplit(url)
        if after.scheme not in ("http", "https") or (before.scheme == "https" and after.scheme != "https"):
            message = f"it redirects to {stripped(url)}, which is not followed"
            raise Refusal(message)
        if (before.scheme, before.hostname, before.port) != (after.scheme, after.hostname, after.port):
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    message = "too many redirects"
    raise Refusal(message)


def _login(parts: SplitResult) -> dict[str, str]:
    """Return the header that sends the login of an address (RFC 7617)."""
    if parts.username is None:
        return {}
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(basic_auth=secret))


def _resolve(pool: urllib3.PoolManager, name: str, host: str) -> None:
    """Note `host` as unreachable if the name (or the proxy's) is not resolved in time.

    getaddrinfo has no time limit but resolv.conf(5)'s: half a minute, if name servers do not answer.
    """
    name = (pool.proxy.host if pool.proxy else name) or ""
    if name in _resolved or host in _unreachable:
        return

    def look_up() -> None:
        # Whether there is such a name is found out again, and told, when it is connected to.
        with suppress(OSError):
            socket.getaddrinfo(name, None)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if thread.is_alive():
        _unreachable[host] = f"the name {name} was not resolved within {CONNECT_SECONDS:g} s"
    else:
        _resolved.add(name)


def _interruption(error: Exception) -> Interruption:
    kind = Stall if isinstance(error, urllib3.exceptions.ReadTimeoutError) else Interruption
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
    return urllib3.ProxyManager(stripped(proxy), proxy_headers=urllib3.make_headers(proxy_basic_auth=secret))
