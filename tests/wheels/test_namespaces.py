"""A file that is the same in several distributions may belong to all of them, as `__init__.py` of old namespaces does."""

import csv

import pytest
from wheel_making import tree

from hatch_wasi.cache import Cache
from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.removal import Removal

PKGUTIL = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
BYTECODE = "acme/__pycache__/__init__.cpython-313.pyc"


@pytest.fixture
def part(make_wheel):
    """Make a wheel of the namespace `acme`."""

    def make(name, version="1.0", init=PKGUTIL):
        return make_wheel(f"acme_{name}", version, {"acme/__init__.py": init, f"acme/{name}.py": f"x = '{version}'\n"})

    return make


@pytest.fixture
def remove(site, tmp_path):
    removal = Removal(site=site, cache=Cache(tmp_path / "cache"))
    return lambda *names: removal.remove(removal.find(names)[0])


def modules(site):
    return {name for name in tree(site) if name.startswith("acme/")}


@pytest.mark.parametrize("together", [True, False])
def test_parts_of_a_namespace(install, part, site, together):
    if together:
        install(part("a"), part("b"))
    else:
        install(part("a"))
        install(part("b"))
    assert modules(site) == {"acme/__init__.py", "acme/a.py", "acme/b.py"}
    assert (site / "acme" / "__init__.py").read_text() == PKGUTIL
    for name in ("a", "b"):
        lines = (site / f"acme_{name}-1.0.dist-info" / "RECORD").read_text().splitlines()
        rows = {row[0]: row for row in csv.reader(lines)}
        assert rows["acme/__init__.py"][2] == str(len(PKGUTIL))
        assert rows["acme/__init__.py"][1].startswith("sha256=")
        assert BYTECODE in rows


def test_the_file_stays_while_one_of_them_has_it(install, part, site, remove):
    install(part("a"), part("b"))
    remove("acme-a")
    assert modules(site) == {"acme/__init__.py", "acme/b.py"}
    assert (site / BYTECODE).is_file()
    remove("acme-b")
    assert not (site / "acme").exists()


def test_it_is_removed_with_all_at_once(install, part, site, remove):
    install(part("a"), part("b"))
    remove("acme-a", "acme-b")
    assert not (site / "acme").exists()


def test_one_part_is_upgraded_or_installed_again(install, part, site):
    install(part("a"), part("b"))
    install(part("a", "2.0"))
    install(part("b"))
    assert modules(site) == {"acme/__init__.py", "acme/a.py", "acme/b.py"}
    assert (site / "acme" / "a.py").read_text() == "x = '2.0'\n"


def test_other_content_is_refused(install, part, site):
    with pytest.raises(WheelError, match=r"both have 'acme/__init__.py'"):
        install(part("a"), part("b", init="other = 1\n"))
    install(part("a"), part("b"))
    before = tree(site)
    with pytest.raises(WheelError, match=r"'acme/__init__.py' belongs to acme-b 1.0"):
        install(part("a", "2.0", init="other = 1\n"))
    assert tree(site) == before
    assert (site / "acme" / "__init__.py").read_text() == PKGUTIL


def test_all_parts_may_change_it_together(install, part, site):
    install(part("a"), part("b"))
    install(part("a", "2.0", init="new = 1\n"), part("b", "2.0", init="new = 1\n"))
    assert (site / "acme" / "__init__.py").read_text() == "new = 1\n"


def test_what_a_user_changed_is_not_the_same(install, part, site):
    install(part("a"))
    (site / "acme" / "__init__.py").unlink()
    (site / "acme" / "__init__.py").write_text("mine")
    with pytest.raises(WheelError, match=r"belongs to acme-a 1.0"):
        install(part("b"))
    assert (site / "acme" / "__init__.py").read_text() == "mine"


def test_a_link_is_not_the_same_file(install, part, site, tmp_path):
    install(part("a"))
    (tmp_path / "elsewhere.py").write_text(PKGUTIL)
    (site / "acme" / "__init__.py").unlink()
    (site / "acme" / "__init__.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(WheelError):
        install(part("b"))
