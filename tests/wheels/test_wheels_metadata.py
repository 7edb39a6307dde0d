"""METADATA and WHEEL of hostile wheels: two answers to one question, and texts that cost minutes to read."""

import pytest

from hatch_wasi.errors import WheelError
from hatch_wasi.index.entry import Entry
from hatch_wasi.wheels import metadata
from hatch_wasi.wheels.metadata import Malformed, parse
from hatch_wasi.wheels.wheel import Wheel

HEAD = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
COSTLY = {
    "requirements": "Requires-Dist: a>=1,<2; python_version>'3' and (os_name=='x' or sys_platform=='y')\n" * 300_000,
    "short requirements": "Requires-Dist: a\n" * 300_000,
    "Requires-Python": "Requires-Python: " + ",".join([">=3"] * 3_000_000) + "\n",
    "one marker": "Requires-Dist: a; " + " and ".join(["os_name=='x'"] * 300_000) + "\n",
    "nested marker": "Requires-Dist: a; " + "(" * 300_000 + "os_name=='x'" + ")" * 300_000 + "\n",
    "one version": "Requires-Dist: a==" + ".".join(["1"] * 300_000) + "\n",
    "one number": "Requires-Dist: a==" + "1" * 3_000 + "\n",
    "folded": "Summary: a\n" + " x\n" * 6_000_000,
    "empty fields": ":\n" * 6_000_000,
    "returns": "Summary: a\r" * 600_000,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_costly_metadata_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(HEAD + text)


@pytest.mark.parametrize("text", [COSTLY["requirements"], COSTLY["Requires-Python"], COSTLY["empty fields"]])
def test_a_small_wheel_with_costly_metadata_is_refused(make_wheel, text: str) -> None:
    path = make_wheel("demo", "1.0", {}, extra=text)
    assert path.stat().st_size < 200_000
    with pytest.raises(WheelError), Wheel.open(path):
        pass
    with pytest.raises(WheelError):
        Entry.from_file(path)


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("Name: demo\n", "Name"),
        ("name: other\n", "Name"),
        ("Version: 1.0\n", "Version"),
        ("Version: 2.0\n", "Version"),
        ("Metadata-Version: 2.4\n", "Metadata-Version"),
        ("Requires-Python: >=3\nRequires-Python: <3\n", "Requires-Python"),
    ],
)
def test_two_answers_are_refused_by_whatever_reads_a_wheel(install, make_wheel, site, lines: str, key: str) -> None:
    path = make_wheel("demo", "1.0", {"demo.py": ""}, extra=lines)
    for read in (Entry.from_file, install):
        with pytest.raises(WheelError, match=f"2 lines {key}"):
            read(path)
    assert not site.exists()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Wheel-Version: 1.0\nWheel-Version: 2.0\nTag: py3-none-any\n", "Wheel-Version"),
        ("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nRoot-Is-Purelib: false\nTag: py3-none-any\n", "Root-Is-Purelib"),
    ],
)
def test_two_answers_in_wheel_are_refused(make_wheel, text: str, key: str) -> None:
    path = make_wheel.by_hand("demo", "1.0", {}, changed={"demo-1.0.dist-info/WHEEL": text})
    with pytest.raises(WheelError, match=f"2 lines {key}"), Wheel.open(path):
        pass


def test_the_body_is_no_field_and_may_be_long() -> None:
    found = parse(HEAD + "Requires-Dist: a\n\nName: other\n" + "x\n" * 1_000_000)
    assert (found.name, found.version, [str(need) for need in found.requires]) == ("demo", "1.0", ["a"])


def test_the_largest_that_is_accepted() -> None:
    line = "Requires-Dist: " + "a" * 30 + "; os_name == 'x'\n"
    assert len(parse(HEAD + line * metadata.REQUIRES).requires) == metadata.REQUIRES
    with pytest.raises(Malformed):
        parse(HEAD + line * (metadata.REQUIRES + 1))
