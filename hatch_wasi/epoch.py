"""SOURCE_DATE_EPOCH: the one time that what is built may know (https://reproducible-builds.org/specs/source-date-epoch/)."""

from collections.abc import Mapping

from hatch_wasi.errors import UsageError

__all__ = ["DEFAULT", "VARIABLE", "given", "source_date"]

VARIABLE = "SOURCE_DATE_EPOCH"
DEFAULT = 1580601600
"""2020-02-02, as hatchling has it where the variable is not set: builds are reproducible unless one asks for more."""


def given(environ: Mapping[str, str]) -> int | None:
    """Read the variable, in seconds; None if it is not set. Raises `UsageError` if it is no number."""
    text = environ.get(VARIABLE, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        message = f"{VARIABLE} must be a number of seconds since 1970, not {text!r}"
        raise UsageError(message, hint=f"unset it, or say {VARIABLE}={DEFAULT}")
    return int(text)


def source_date(environ: Mapping[str, str]) -> int:
    """Give what stands for now in what is built. Raises `UsageError` as `given` does."""
    found = given(environ)
    return DEFAULT if found is None else found
