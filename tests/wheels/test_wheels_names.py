import pytest

from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.names import check_distinct, check_name


@pytest.mark.parametrize("name", ["a", "a/b.py", "a/", "pkg/data/ö .txt", "..a/b", "a..b", "x" * 255])
def test_a_name_below_the_folder(name):
    check_name(name, "w.whl")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "absolute"),
        ("C:/x", "absolute"),
        ("c:x", "absolute"),
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("a/..", "leads out"),
        ("a/../", "leads out"),
        ("..\\x", "backslash"),
        ("a//b", "empty part"),
        ("./a", "empty part"),
        ("", "empty part"),
        ("/", "absolute"),
        ("a\nb", "control"),
        ("a\0b", "control"),
        ("a\u202eb", "control"),
        (".hatch-wasi-1234/x", "reserved"),
        ("a/" + "x" * 256, "longer than 255"),
        ("é" * 128, "longer than 255"),
        ("a/" * 128 + "b", "more than 128 parts"),
    ],
)
def test_a_name_that_is_refused(name, reason):
    with pytest.raises(WheelError, match=reason) as caught:
        check_name(name, "w.whl")
    assert caught.value.message.startswith("w.whl: ")
    assert "\n" not in caught.value.message


def test_distinct_names():
    check_distinct(["a/b", "a/c", "ab", "a.b/c"], "w.whl")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a/b", "a/b"], "twice"),
        (["a/B", "A/b"], "case does not count"),
        (["stra\u00dfe", "STRASSE"], "case does not count"),
        (["\u00e9", "e\u0301"], "case does not count"),
        (["a", "a/b/c"], "a file and, for 'a/b/c', a folder"),
        (["A/b/c", "a/B"], "a file and"),
        (["a", "a b", "a.b/c", "a-b", "a/z"], "'a' is a file and, for 'a/z', a folder"),
    ],
)
def test_names_that_meet(names, reason):
    with pytest.raises(WheelError, match=reason):
        check_distinct(names, "w.whl")
