"""Download over HTTP: the only user of `urllib3`. A file arrives whole and with the promised hash, or not at all."""

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError

__all__ = ["download", "is_offline", "sha256_of"]

CHUNK = 1 << 20
# Unreachable networks are found out in seconds: a provider further down the chain may serve.
TIMEOUT = urllib3.Timeout(connect=6, read=30)
RETRIES = urllib3.Retry(
    connect=0, read=2, redirect=5, status=3, other=0, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504)
)


def is_offline() -> bool:
    """Tell whether the user forbade the network (`HATCH_WASI_OFFLINE`, `--offline`)."""
    return os.environ.get("HATCH_WASI_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def sha256_of(path: Path) -> str:
    """Give the file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(cache: Cache, urls: Sequence[str], *, sha256: str) -> Path:
    """Give the file with this hash, from the cache or from the first of `urls` that serves it.

    Proxies are taken from the environment as Python's own `urllib.request` does. Raises `FetchError` naming each
    URL's reason; a file with another hash is removed and counts as a reason.
    """
    name = Path(urlsplit(urls[0]).path).name
    path = cache.folder("downloads") / f"{sha256}-{name}"
    with cache.lock(f"download-{sha256}"):
        if path.is_file():
            if sha256_of(path) == sha256:
                return path
            path.unlink()
        if is_offline():
            message = f"{name} is not in the cache, and the network is not to be used (offline)"
            raise FetchError(message)
        reasons = []
        for url in urls:
            try:
                _fetch(url, path, sha256)
            except FetchError as error:
                reasons.append(error.message)
            else:
                return path
    raise FetchError("; ".join(reasons))


def _fetch(url: str, path: Path, sha256: str) -> None:
    descriptor, partial = tempfile.mkstemp(prefix=".partial-", dir=path.parent)
    try:
        hasher = hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file, _pool(url) as pool:
            response = pool.request("GET", url, preload_content=False, timeout=TIMEOUT, retries=RETRIES)
            if response.status != 200:
                message = f"{url}: HTTP status {response.status}"
                raise FetchError(message)
            for chunk in response.stream(CHUNK, decode_content=False):
                hasher.update(chunk)
                file.write(chunk)
        if hasher.hexdigest() != sha256:
            message = f"{url}: sha256 is {hasher.hexdigest()}, not the pinned {sha256}"
            raise FetchError(message)
        Path(partial).replace(path)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        message = f"{url}: {reason}"
        raise FetchError(message) from error
    finally:
        Path(partial).unlink(missing_ok=True)


def _pool(url: str) -> urllib3.PoolManager:
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()
