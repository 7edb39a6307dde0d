"""Headers of packages whose wheels are built for one machine, as numpy's are: the hook takes those for WASI."""

import json
import zipfile

import pytest
from plain_module import MODULE

EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\ninclude-from = ["bound"]\n'
KEY = "tool.hatch.build.targets.wheel.hooks.wasi.extensions[0]"
SOURCE = "#include <bound.h>\n" + MODULE.format(leaf="m").replace('"m"}', '"m", .m_doc = "found " VALUE}')


def install(site, version, value, *, pure=False):
    """Install a package `bound` that has a header."""
    info = site / f"bound_headers-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: Bound-Headers\nVersion: {version}\n")
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\n")
    (info / "RECORD").write_text("bound/__init__.py,,\nbound/include/bound.h,,\n")
    (site / "bound/include").mkdir(parents=True)
    (site / "bound/__init__.py").write_text("def get_include():\n    return __path__[0] + '/include'\n")
    (site / "bound/include/bound.h").write_text(f'#define VALUE "{value}"\n')


@pytest.fixture
def made(project, tmp_path, monkeypatch):
    """Make a project that includes a header of the package `bound`, which is installed for this machine."""

    def make(more="", **options):
        install(tmp_path / "host", "1.0", "here", **options)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "host"))
        monkeypatch.syspath_prepend(tmp_path / "host")
        monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
        made = project(EXTENSION + more)
        made.write("src/p/m.c", SOURCE)
        return made

    return make


def found(made, target):
    made.wheel()
    return made.module(target).read_bytes()


def refusal(made, capsys):
    with pytest.raises(SystemExit):
        made.wheel()
    return capsys.readouterr().err


def test_native(made):
    assert b"found here" in found(made(), "native")


@pytest.mark.usefixtures("wasi")
class TestWasi:
    def test_pure(self, made):
        assert b"found here" in found(made(pure=True), "wasi")

    def test_refused(self, made, capsys):
        said = refusal(made(), capsys)
        assert f"error: {KEY}.include-from: bound is installed for this machine and not for WASI" in said
        assert "hatch-wasi install Bound-Headers==1.0" in said
        assert 'portable-headers = ["bound"]' in said

    def test_optional(self, made, capsys):
        assert made("optional = true\n").wheel().name == "p-1-py3-none-any.whl"
        assert "warning: p.m is left out, it is optional: " in capsys.readouterr().err

    def test_portable(self, made):
        assert b"found here" in found(made('portable-headers = ["bound"]\n'), "wasi")

    def test_those_that_are_installed_for_wasi(self, made, toolchain, tmp_path):
        project = made()
        install(toolchain.python.site_packages(tmp_path / "data"), "2.0", "there")
        assert b"found there" in found(project, "wasi")
        [wheel] = project.root.glob("dist/*.whl")
        with zipfile.ZipFile(wheel) as archive:
            [bill] = [name for name in archive.namelist() if "/sboms/" in name]
            components = json.loads(archive.read(bill))["components"]
        assert [item["version"] for item in components if item["name"].lower() == "bound-headers"] == ["2.0"]

    def test_those_of_a_build_by_hatch_wasi_wheel(self, made, monkeypatch, tmp_path, capsys):
        """The build says what it lacks in a file, and is run again with it."""
        project = made()
        monkeypatch.setenv("HATCH_WASI_MISSING", str(tmp_path / "missing"))
        monkeypatch.setenv("HATCH_WASI_TARGET_PACKAGES", str(tmp_path / "packages"))
        refusal(project, capsys)
        assert (tmp_path / "missing").read_text() == "Bound-Headers==1.0\n"
        install(tmp_path / "packages", "1.0", "there")
        assert b"found there" in found(project, "wasi")

    def test_found_when_installed_later(self, made, toolchain, tmp_path, capsys):
        project = made('portable-headers = ["bound"]\n')
        assert b"found here" in found(project, "wasi")
        configuration = project.root / "pyproject.toml"
        configuration.write_text(configuration.read_text().replace('portable-headers = ["bound"]\n', ""))
        refusal(project, capsys)
        install(toolchain.python.site_packages(tmp_path / "data"), "1.0", "there")
        assert b"found there" in found(project, "wasi")
