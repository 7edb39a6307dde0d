"""The hook and `hatch-wasi wheel` refuse what they built if it would not import, and pass what stock setuptools makes."""

import os
import re
import subprocess
import sys
import zipfile

import pytest
from hatchling.builders.wheel import WheelBuilder

MODULE = """\
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "m"};
PyMODINIT_FUNC PyInit_m(void) { return PyModuleDef_Init(&definition); }
"""
HATCHLING = """\
[build-system]
requires = ["hatchling", "hatch-wasi"]
build-backend = "hatchling.build"
[project]
name = "p"
version = "1"
[tool.hatch.build.targets.wheel]
packages = ["p"]
exclude = ["*.c"]
[[tool.hatch.build.targets.wheel.hooks.wasi.extensions]]
name = "p.m"
sources = ["p/m.c"]
"""
FORCED = '[tool.hatch.build.targets.wheel.force-include]\n"{}" = "p/{}"\n'
SETUPTOOLS = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "demo"
version = "1.0"
[tool.setuptools]
packages = ["p"]
[tool.setuptools.package-data]
p = ["*.so"]
"""
SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('p.m', ['p/m.c'], {})])\n"


@pytest.fixture
def project(tmp_path):
    """Write a project, a package `p` with `m.c`."""

    def write(**files):
        root = tmp_path / "project"
        for name, content in {"p/__init__.py": "", "p/m.c": MODULE, **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        return root

    return write


@pytest.fixture
def hatchling(project, toolchain, monkeypatch):
    """Build with the hook, with more of pyproject.toml and other files."""
    for name in ("HATCH_WASI_SDK", "HATCH_WASI_PYTHON", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HATCH_WASI_TARGET", "wasi")

    def build(more="", **files):
        root = project(**{"pyproject.toml": HATCHLING + more, **files})
        return root, lambda: next(iter(WheelBuilder(str(root)).build(versions=["standard"])))

    return build


def test_the_hook_passes_a_good_wheel_once(hatchling, run_audit):
    """What was found good is not looked at again, as long as it is the same."""
    root, build = hatchling()
    wheel = build()
    assert run_audit("--strict", wheel).returncode == 0
    seen = root / ".hatch" / "wasi" / "audited"
    first = seen.read_text(), seen.stat().st_ino  # an audit writes it anew
    build()
    assert (seen.read_text(), seen.stat().st_ino) == first
    (root / "p" / "__init__.py").write_text("x = 1\n")
    build()
    assert seen.read_text() != first[0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("n.so", "p/n.so: malformed WebAssembly: it does not begin with \\0asm"),
        ("n.cpython-313-wasm32-wasi.so", "p/n.cpython-313-wasm32-wasi.so: malformed WebAssembly"),
    ],
)
def test_the_hook_refuses_a_source_file_in_a_modules_place(hatchling, capsys, name, reason):
    root, build = hatchling(FORCED.format("p/m.c", name))
    with pytest.raises(SystemExit) as caught:
        build()
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert "error: p-1-cp313-cp313-wasi_wasm32.whl was built and is not right: " + reason in said
    assert "it was removed; docs/audit.md explains the findings" in said
    assert list((root / "dist").iterdir()) == []


def test_the_hook_refuses_a_module_of_another_name(hatchling, make, capsys):
    """And builds again when it is mended."""
    root, build = hatchling(FORCED.format("prebuilt", "n.abi3.so"))
    (root / "prebuilt").write_bytes(make.extension(name="other"))
    with pytest.raises(SystemExit):
        build()
    assert "p/n.abi3.so: it exports PyInit_other and not PyInit_n" in capsys.readouterr().err
    (root / "prebuilt").write_bytes(make.extension(name="n"))
    assert "p/n.abi3.so" in zipfile.ZipFile(build()).namelist()


def test_the_hook_says_what_is_not_as_it_should_be(hatchling, make, capsys):
    root, build = hatchling(FORCED.format("prebuilt", "n.so"))
    (root / "prebuilt").write_bytes(make.extension(name="n", note=None))
    build()
    assert "p/n.so: nothing says which wasi-libc it was built with" in capsys.readouterr().err


def test_a_build_with_nothing_to_do_imports_nothing_for_it(hatchling):
    """It is the hook's promise to cost next to nothing then."""
    root, build = hatchling()
    build()
    argv = [sys.executable, "-X", "importtime", "-m", "hatchling", "build", "-t", "wheel"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True)
    assert "hatch_wasi.audit.gate" in done.stderr
    for name in ("hatch_wasi.audit.auditor", "hatch_wasi.bootstrap", "hatch_wasi.cache"):
        assert not re.search(rf"\| +{re.escape(name)}$", done.stderr, re.MULTILINE), name


def test_a_native_wheel_is_not_audited(hatchling, monkeypatch):
    root, build = hatchling(FORCED.format("p/m.c", "n.so"))
    monkeypatch.setenv("HATCH_WASI_TARGET", "native")
    assert "p/n.so" in zipfile.ZipFile(build()).namelist()
    assert not (root / ".hatch" / "wasi" / "audited").exists()


def wheel(source, out):
    argv = [sys.executable, "-m", "hatch_wasi", "wheel", "--no-deps", "-w", out, source]
    return subprocess.run(argv, env={**os.environ}, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.parametrize("limited", [False, True])
def test_wheels_of_stock_setuptools(project, toolchain, run_audit, tmp_path, limited):
    options = "define_macros=[('Py_LIMITED_API', '0x030b0000')], py_limited_api=True" if limited else ""
    config = "[bdist_wheel]\npy_limited_api = cp311\n" if limited else ""
    root = project(**{"pyproject.toml": SETUPTOOLS, "setup.py": SETUP.format(options), "setup.cfg": config})
    done = wheel(root, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    [made] = (tmp_path / "out").iterdir()
    assert made.name == f"demo-1.0-{'cp311-abi3' if limited else 'cp313-cp313'}-wasi_wasm32.whl"
    audited = run_audit("--strict", made)
    assert (audited.returncode, audited.stderr) == (0, "")
    assert audited.stdout.startswith(f"{made.name}: fine (1 side module, ")


def test_a_wheel_that_would_not_import_is_not_kept(project, toolchain, tmp_path):
    """A data file that poses as a module."""
    root = project(**{"pyproject.toml": SETUPTOOLS, "setup.py": SETUP.format(""), "p/n.so": "no module"})
    done = wheel(root, tmp_path / "out")
    assert done.returncode == 1
    assert "demo-1.0-cp313-cp313-wasi_wasm32.whl was built and is not right: p/n.so: malformed" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
