"""docs/security.md and docs/limits.md give the numbers that the code enforces."""

from pathlib import Path

import pytest

from hatch_wasi.archives import limits
from hatch_wasi.runtime import codecache, engine, loader
from hatch_wasi.wheels import metadata

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(
    ("page", "number"),
    [
        ("security.md", f"{limits.FREE >> 20} MiB and {limits.RATIO} bytes for each byte"),
        ("security.md", f"{limits.SIZE >> 30} GiB at most; {limits.MEMBER_SIZE >> 30} GiB in one file"),
        ("security.md", f"{limits.MEMBERS:,} in a tar archive, {limits.ZIP_MEMBERS:,} in a zip archive"),
        ("security.md", f"{limits.LINKS:,} links"),
        ("security.md", f"{limits.PATH:,} bytes, {limits.DEPTH} parts of up to {limits.COMPONENT} bytes"),
        ("security.md", f"{limits.EXTENDED >> 20} MiB, and {limits.EXTENDED_IN_A_ROW} for one member"),
        ("security.md", f"{limits.TEXTS['METADATA'] >> 20} MiB, {limits.TEXTS['RECORD'] >> 20} MiB"),
        ("security.md", f"{metadata.REQUIRES:,} requirements"),
        ("security.md", f"| memory of xz | {limits.XZ_MEMORY >> 20} MiB |"),
        ("limits.md", f"| {engine.TABLE_SLOTS:,} |"),
        ("limits.md", f"| {engine.INSTANCES:,} |"),
        ("limits.md", f"| {engine.NESTING} |"),
        ("limits.md", f"| {loader.NESTING} |"),
        ("limits.md", f"up to {codecache.LIMIT >> 20} MiB"),
    ],
)
def test_the_page_has_the_number_that_holds(page, number):
    assert number in (DOCS / page).read_text(encoding="utf-8")
