"""Redirects of a package index to addresses that cannot be parsed."""

import httpx2
import pytest

from hatch_wasi.pep517.index_client import _check_redirect


def test_an_invalid_address_is_an_error_of_the_transport() -> None:
    request = httpx2.Request("GET", "http://127.0.0.1/simple/")
    response = httpx2.Response(302, headers={"Location": "http://127.0.0.1/\x1b[31m"}, request=request)
    with pytest.raises(httpx2.HTTPError):
        _check_redirect(response)
