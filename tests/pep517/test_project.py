"""Reading a project: its backend, and what it needs of others (PEP 725)."""

import pytest

from hatch_wasi.errors import BuildError
from hatch_wasi.pep517 import project


def read(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    return project.read(tmp_path)


def test_without_a_build_system_setuptools_builds(tmp_path):
    assert read(tmp_path, "[project]\nname = 'x'\n").name == "setuptools.build_meta:__legacy__"


def test_a_backend_in_the_tree(tmp_path):
    found = read(tmp_path, "[build-system]\nrequires = ['a>1']\nbuild-backend = 'mine'\nbackend-path = ['tools']\n")
    assert (found.name, found.requires, found.path) == ("mine", ("a>1",), ("tools",))


@pytest.mark.parametrize("text", ["requires = 'a'", "build-backend = 'x'", "requires = []\nbackend-path = 'x'"])
def test_what_is_no_build_system(tmp_path, text):
    with pytest.raises(BuildError, match="PEP 518"):
        read(tmp_path, f"[build-system]\n{text}\n")


def test_external_requirements(tmp_path):
    text = "[external]\nhost-requires = ['dep:generic/zlib', 'dep:pypi/base@1.0', 'dep:pypi/other@>=2', 'dep:generic/libpq']\n"
    external = read(tmp_path, text).external
    assert external.packages == ("base==1.0", "other>=2")
    assert external.lacking == ("dep:generic/libpq",)


@pytest.mark.parametrize("text", ["external = 3", "[external]\nhost-requires = 'x'", "[external]"])
def test_what_is_not_standard_there_is_passed_over(tmp_path, text):
    assert read(tmp_path, f"{text}\n").external == project.External()


def test_copy_of_a_tree_that_is_read_only(tmp_path):
    deep = tmp_path / "tree" / "deep"
    deep.mkdir(parents=True)
    (deep / "script").write_text("x")
    (deep / "link").symlink_to("script")
    (deep / "script").chmod(0o555)
    for folder in (deep, deep.parent):
        folder.chmod(0o555)
    for _ in range(2):  # another one takes the place of the first
        project.copy(tmp_path / "tree", tmp_path / "copy")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "copy").rglob("*") if not path.is_symlink()}
    assert modes == {"deep": 0o755, "script": 0o755}
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o755
    assert deep.stat().st_mode & 0o777 == 0o555
    assert (tmp_path / "copy/deep/link").readlink().name == "script"
