"""Read package indexes and fetch what they name, over HTTP or from files: what a server says cannot lead to a file here."""

import atexit
import logging
from collections.abc import Iterable, Sequence
from typing import cast

import httpx2
from unearth import PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.errors import UnpackError
from unearth.evaluator import Evaluator, Package
from unearth.fetchers import Fetcher, PyPIClient
from unearth.link import Link

from hatch_wasi.archives import limits
from hatch_wasi.text import one_line

__all__ = ["IndexFinder", "bounded", "client", "tame_warnings"]

WEB = ("http", "https")
REDIRECTS = 10


def client(indexes: Sequence[str], trusted_hosts: Sequence[str]) -> Fetcher:
    """Return what asks servers: it follows redirects, but not to files, nor from https to http.

    Logins of `indexes` are sent to their hosts, and to no other.
    """
    made = PyPIClient(
        trusted_hosts=trusted_hosts,
        follow_redirects=True,
        max_redirects=REDIRECTS,
        event_hooks={"response": [_check_redirect]},
    )
    made.auth = MultiDomainBasicAuth(index_urls=list(indexes))
    atexit.register(made.close)
    return cast("Fetcher", made)


def _check_redirect(response: httpx2.Response) -> None:
    """Raise `httpx2.UnsupportedProtocol` for a redirect that is not followed."""
    if not response.has_redirect_location:
        return
    origin = response.url
    try:
        target = origin.join(response.headers["Location"])
    except httpx2.InvalidURL as error:  # no HTTPError, so that those who ask would not expect it
        message = f"{origin} redirects to an address that is not valid: {error}"
        raise httpx2.UnsupportedProtocol(message) from error
    if target.scheme not in WEB or (origin.scheme == "https" and target.scheme != "https"):
        message = f"{origin} redirects to {target}, which is not followed"
        raise httpx2.UnsupportedProtocol(message)


def bounded(link: Link, completed: int, total: int | None) -> None:
    """Raise `UnpackError` for a download without end; unearth calls this as the bytes come."""
    if completed > limits.SIZE or (total or 0) > limits.SIZE:
        message = f"{link.redacted} is larger than the {limits.SIZE >> 30} GB that are accepted"
        raise UnpackError(message)


class IndexFinder(PackageFinder):
    """Finds releases, but not in files of this machine that a page on a server names."""

    _is_remote = True

    def _build_find_link(self, find_link: str) -> Link:
        link = super()._build_find_link(find_link)
        self._is_remote = not link.is_file
        return link

    def _evaluate_links(self, links: Iterable[Link], evaluator: Evaluator) -> Iterable[Package]:
        # Called for one source after the other, right after its address was made.
        wanted = (link for link in links if not link.is_file) if self._is_remote else links
        return super()._evaluate_links(wanted, evaluator)


class _Shown(logging.Filter):
    """Decides what of the library's warnings is shown, and makes it fit for a terminal."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what it says of an index that does not have a project, as one of several may."""
        text = record.getMessage()
        record.msg, record.args = one_line(text), ()
        return "Client Error(404)" not in text


def tame_warnings() -> None:
    """Have the library's warnings filtered, once."""
    for name in ("unearth.collector", "unearth.preparer", "unearth.auth", "unearth.evaluator", "unearth.vcs.git"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Shown) for known in logger.filters):
            logger.addFilter(_Shown())
