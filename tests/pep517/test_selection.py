"""Which versions are collected: such as all who want a project can agree on."""

import hashlib
from pathlib import Path

import pytest
from making import fails, made, pure_wheel
from packaging.requirements import Requirement
from packaging.version import Version

from hatch_wasi.errors import BuildError
from hatch_wasi.pep517.selection import Choice, Selection


def choice(name, version, *needs, replaceable=True):
    return Choice(
        wheel=Path(f"{name}-{version}-py3-none-any.whl"),
        version=Version(version),
        replaceable=replaceable,
        needs=[Requirement(need) for need in needs],
    )


def test_all_wishes_count():
    selection = Selection()
    for words in ("A.b>=1", "a-b[y]<3", "other"):
        selection.want(Requirement(words))
    assert str(selection.narrowed(Requirement("a_b[x]; os_name == 'posix'"))) == 'a_b[x,y]<3,>=1; os_name == "posix"'
    assert selection.find(Requirement("a-b")) is None
    assert "no version of a-b suits all who need it: <3; >=1" in str(selection.contest(Requirement("A-B")))
    assert selection.contest(Requirement("other")) is None


def test_what_does_not_suit_is_given_up_if_it_may_be():
    selection = Selection()
    first = choice("a", "2")
    selection.choose("a", first)
    assert selection.find(Requirement("a>=1")) is first
    assert selection.find(Requirement("a<2")) is None
    assert selection.give_up(Requirement("a<2")) is first
    assert selection.give_up(Requirement("a<2")) is None
    selection.choose("b", choice("b", "2", replaceable=False))
    with pytest.raises(BuildError, match="b<2 is needed, but b 2 was named"):
        selection.give_up(Requirement("b<2"))


def test_what_nobody_needs_any_more():
    selection = Selection()
    for name, needs in (("app", ["a"]), ("a", ["b"]), ("b", ["a"]), ("old", ["only-old"]), ("only-old", [])):
        selection.choose(name, choice(name, "1", *needs))
    assert [gone.wheel.name[:3] for gone in selection.superfluous(["app"])] == ["old", "onl"]
    assert selection.superfluous(["app"]) == []


@pytest.fixture
def index(tmp_path):
    """Projects of which the newest `base` suits only some."""

    def add(name, version, *needs):
        lines = [f"Requires-Dist: {need}" for need in needs]
        return pure_wheel(tmp_path / "index", f"hatch_wasi_tests_{name}", version, {f"{name}.py": ""}, *lines)

    add("base", "1.0")
    add("base", "2.0", "hatch-wasi-tests-only-new")
    add("only_new", "1.0")
    add("picky", "1.0", "hatch-wasi-tests-base<2")
    add("modern", "1.0", "hatch-wasi-tests-base>=2")
    add("more", "1.0", "hatch-wasi-tests-only-new; extra == 'x'", "hatch-wasi-tests-base; extra == 'y'")
    add("app", "1.0", "hatch-wasi-tests-base", "hatch-wasi-tests-picky")
    add("torn", "1.0", "hatch-wasi-tests-modern", "hatch-wasi-tests-picky")
    add("more", "2.0", "hatch-wasi-tests-only-new; extra == 'x'")
    add("older", "1.0", "hatch-wasi-tests-more<2")
    add("late", "1.0", "hatch-wasi-tests-older")
    add("extras", "1.0", "hatch-wasi-tests-more[x]", "hatch-wasi-tests-more[y]")
    return tmp_path / "index"


def names(tmp_path):
    return [name.removeprefix("hatch_wasi_tests_").removesuffix("-py3-none-any.whl") for name in made(tmp_path)]


def test_a_version_that_suits_all_is_found_in_the_end(wheel, index, tmp_path):
    done = wheel("hatch-wasi-tests-app", "-f", index)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == ["app-1.0", "base-1.0", "picky-1.0"]
    assert "Gave up hatch_wasi_tests_base-2.0-py3-none-any.whl: hatch-wasi-tests-base<2 is needed" in done.stderr


def test_a_wheel_that_was_there_before_stays(wheel, index, tmp_path):
    assert wheel("hatch-wasi-tests-only-new", "-f", index).returncode == 0
    assert wheel("hatch-wasi-tests-app", "-f", index).returncode == 0
    assert names(tmp_path) == ["app-1.0", "base-1.0", "only_new-1.0", "picky-1.0"]


def test_no_version_suits_all(wheel, index, tmp_path):
    done = wheel("hatch-wasi-tests-torn", "-f", index)
    assert done.returncode == 1
    assert "no version of hatch-wasi-tests-base suits all who need it: <2; >=2" in done.stderr


def test_extras_of_all_who_want_them(wheel, index, tmp_path):
    assert wheel("hatch-wasi-tests-extras", "-f", index).returncode == 0
    assert names(tmp_path) == ["extras-1.0", "more-2.0", "only_new-1.0"]
    done = wheel("hatch-wasi-tests-extras", "hatch-wasi-tests-late", "-f", index)
    assert done.returncode == 0, done.stderr
    assert "Gave up hatch_wasi_tests_more-2.0-py3-none-any.whl: hatch-wasi-tests-more<2 is needed" in done.stderr
    wanted = ["base-2.0", "extras-1.0", "late-1.0", "more-1.0", "more-2.0", "older-1.0", "only_new-1.0"]
    assert names(tmp_path) == wanted


def test_a_file_of_requirements(wheel, index, tmp_path):
    (tmp_path / "nested.txt").write_text("hatch-wasi-tests-base<2  # comment\n")
    (tmp_path / "needs.txt").write_text("-r nested.txt\n./index/hatch_wasi_tests_only_new-1.0-py3-none-any.whl\n")
    done = wheel("-r", "needs.txt", "-f", index)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == ["base-1.0", "only_new-1.0"]
    assert "nothing to make a wheel of is named" in wheel().stderr


def test_hashes(wheel, index, tmp_path):
    file = index / "hatch_wasi_tests_base-1.0-py3-none-any.whl"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    (tmp_path / "good.txt").write_text(
        f"hatch-wasi-tests-base==1.0 \\\n    --hash=sha256:{'0' * 64} --hash=sha256:{digest}\n"
    )
    assert wheel("-r", "good.txt", "-f", index).returncode == 0
    assert names(tmp_path) == ["base-1.0"]
    (tmp_path / "out" / file.name).unlink()
    (tmp_path / "bad.txt").write_text(f"hatch-wasi-tests-base==1.0 --hash=sha256:{'0' * 64}\n")
    told = fails(wheel("-r", "bad.txt", "-f", index), tmp_path)
    assert f"hatch-wasi-tests-base 1.0: {file.name} has none of the hashes that are listed" in told
    (tmp_path / "half.txt").write_text(f"hatch-wasi-tests-picky==1.0 --hash=sha256:{'0' * 64}\n")
    told = fails(wheel("-r", "good.txt", "hatch-wasi-tests-only-new", "-f", index), tmp_path)
    assert "hatch-wasi-tests-only-new 1.0 has no hash in the files of requirements, where others have" in told
