"""Which archives a build linked, read from the driver's log."""

import pytest

from hatch_wasi.disguise.linked import archives
from hatch_wasi.side_modules.flags import LINK


@pytest.fixture
def log(tmp_path):
    """Write a log of calls as the driver does; the folder has packages, a source tree and the toolchain's archives."""
    for name in ("packages/base/lib/libbase.a", "packages/base/lib/libother.a", "source/own.a", "sdk/librt.a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    def write(*calls):
        lines = [f"{tmp_path / 'source'}$ cc ['x']\n  {list(words)}\n" for words in calls]
        (tmp_path / "calls").write_text("".join(lines))
        return archives(tmp_path / "calls", [tmp_path / "packages", tmp_path / "source"])

    return write


def test_archives_that_are_named_and_looked_for(log, tmp_path):
    base, sdk = tmp_path / "packages/base/lib", tmp_path / "sdk"
    found = log(
        ["clang", "-c", "x.c", "-o", "x.o", str(base / "libbase.a")],
        [
            "clang",
            *LINK,
            "-o",
            "build/one.so",
            "x.o",
            "own.a",
            "-lbase",
            "-L../packages/base/lib",
            str(sdk / "librt.a"),
        ],
        ["clang", *LINK, "-obuild/two.so", "x.o", f"-L{sdk}", f"-L{base}", "-lrt", "-lother", "-lnowhere", "gone.a"],
        ["clang", *LINK, "-o", "three.so", "x.o"],
        ["clang", *LINK, "-o", "other/one.so", "own.a", str(base / "libother.a")],
        ["clang", *LINK, "own.a"],
    )
    names = {name: sorted(path.name for path in paths) for name, paths in found.items()}
    assert names == {"one.so": ["libbase.a", "libother.a", "own.a"], "two.so": ["libother.a"]}


def test_of_several_the_first_is_linked(log, tmp_path):
    (tmp_path / "source" / "libbase.a").write_text("")
    (found,) = log(["clang", *LINK, "-o", "a.so", "-L.", "-L../packages/base/lib", "-lbase"])["a.so"]
    assert found == tmp_path / "source" / "libbase.a"


def test_nobody_called_a_compiler(tmp_path):
    assert archives(tmp_path / "calls", [tmp_path]) == {}
