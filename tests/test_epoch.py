"""The one time that builds know."""

import pytest
from hatchling.builders.utils import get_reproducible_timestamp

from hatch_wasi import epoch
from hatch_wasi.errors import UsageError


def test_the_default_is_hatchlings(monkeypatch):
    """The hook's wheels are packed by hatchling: one time for the modules and for the archive."""
    monkeypatch.delenv(epoch.VARIABLE, raising=False)
    assert get_reproducible_timestamp() == epoch.DEFAULT
    assert epoch.given({}) is None
    assert epoch.source_date({}) == epoch.source_date({epoch.VARIABLE: ""}) == epoch.DEFAULT


def test_the_variable_counts():
    assert epoch.source_date({epoch.VARIABLE: "0"}) == epoch.given({epoch.VARIABLE: "0"}) == 0
    assert epoch.source_date({epoch.VARIABLE: "1700000000"}) == 1_700_000_000


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "1e9", "٣", " 1"])
def test_what_is_no_time(text):
    with pytest.raises(UsageError, match="must be a number of seconds since 1970"):
        epoch.source_date({epoch.VARIABLE: text})
