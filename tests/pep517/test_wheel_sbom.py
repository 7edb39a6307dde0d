"""The bill of materials that `hatch-wasi wheel` gives a wheel (PEP 770), whatever built it."""

import hashlib
import subprocess
import zipfile

import bills
from making import made, pure_wheel, sdist
from projects import EXTENSION, PROJECT, SETUPTOOLS, C, write

from hatch_wasi import bootstrap
from hatch_wasi.wheels.wheel import Wheel

WHEEL = "answer-1.0-cp313-cp313-wasi_wasm32.whl"
MODULE = "answer.cpython-313-wasm32-wasi.so"
HEADER = "hatch_wasi_tests_header"


def test_a_wheel_by_setuptools_is_accounted_for(wheel, toolchain, cache, tmp_path):
    done = wheel(write("setuptools-cxx", tmp_path / "project"))
    assert done.returncode == 0, done.stderr
    path = tmp_path / "out" / WHEEL
    bill = bills.of(path)
    with Wheel.open(path) as opened:  # RECORD lists the bill
        module = opened.archive.read(MODULE)
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/answer@1.0"
    assert bills.sha256(bills.component(bill, f"module-{MODULE}")) == hashlib.sha256(module).hexdigest()
    runtime = {"compiler-rt", "cpython", "hatch-wasi", "wasi-libc"}
    assert bills.needs(bill, f"module-{MODULE}") == runtime | {"libc++", "libc++abi", "libunwind"}
    cxx = bootstrap.ready_cxx(cache, toolchain.sdk)
    archive = cxx.archives(exceptions=True)[0]
    assert bills.sha256(bills.component(bill, "libc++")) == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert bills.tools(bill).keys() == {"setuptools"}


def test_files_of_build_requirements_are_named(wheel, tmp_path):
    """One is declared by PEP 725: its wheel for WASI is laid beside the build."""
    project, index = write("setuptools-c", tmp_path / "project"), tmp_path / "index"
    file = pure_wheel(index, HEADER, "2.0", {"header/some.h": "\n"})
    external = '[external]\nhost-requires = ["dep:pypi/hatch-wasi-tests-header"]\n'
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + external)
    done = wheel(project, "-f", index)
    assert done.returncode == 0, done.stderr
    bill = bills.of(tmp_path / "out" / WHEEL)
    header = bills.component(bill, "pypi-hatch-wasi-tests-header")
    assert header["purl"] == "pkg:pypi/hatch-wasi-tests-header@2.0"
    assert bills.sha256(header) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert "pypi-hatch-wasi-tests-header" in bills.needs(bill, "wheel")


def test_none_is_given_if_none_is_asked_for_or_nothing_was_compiled(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    done = wheel("--no-sbom", project)
    assert done.returncode == 0, done.stderr
    assert bills.places(tmp_path / "out" / WHEEL) == []
    (project / "setup.py").unlink()
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + "[tool.setuptools]\npy-modules = ['plain']\n")
    (project / "plain.py").write_text("")
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    (pure,) = (tmp_path / "out").glob("answer-1.0-py3-none-any.whl")
    assert bills.places(pure) == []


def test_what_is_kept_in_the_cache_is_of_the_choice(wheel, tmp_path):
    file = sdist(write("setuptools-c", tmp_path / "project"), tmp_path / "index")
    for words, count in ((["--no-sbom"], 0), ([], 1), (["--no-sbom"], 0)):
        done = wheel(*words, file)
        assert done.returncode == 0, done.stderr
        assert len(bills.places(tmp_path / "out" / WHEEL)) == count
    assert made(tmp_path) == [WHEEL]


def test_a_wheel_that_is_taken_as_it_is_stays_as_it_is(wheel, tmp_path):
    file = pure_wheel(tmp_path / "index", HEADER, "2.0", {"b.py": "", "a.py": ""})
    done = wheel(file)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()


BILL = """\
        with open("hatch-wasi.cdx.json", "w") as file:
            file.write("{}")
        build_data["sbom_files"].append("hatch-wasi.cdx.json")
"""


def test_one_that_is_there_stays(wheel, tmp_path):
    """A project with our hook has one from that build; here a hook of the project's own puts it there."""
    project = write("hatchling-own-hook", tmp_path / "project")
    hook = project / "hatch_build.py"
    hook.write_text(hook.read_text() + BILL)
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    (place,) = bills.places(tmp_path / "out" / WHEEL)
    with zipfile.ZipFile(tmp_path / "out" / WHEEL) as archive:
        assert archive.read(place) == b"{}"


def test_static_libraries_that_came_with_the_sources_are_named(wheel, toolchain, tmp_path):
    """One is in the sources, another is made by the build: that one is the project's own code."""
    project, sdk = write("setuptools-c", tmp_path / "project"), toolchain.sdk
    for name in ("theirs", "ours"):
        (project / f"{name}.c").write_text(f"int {name}(void) {{ return 1; }}\n")
    subprocess.run([*sdk.cc, "-fPIC", "-c", "theirs.c"], cwd=project, check=True)
    subprocess.run([sdk.program("llvm-ar"), "rcs", "libtheirs.a", "theirs.o"], cwd=project, check=True)
    (project / "answer.c").write_text(
        C + "int theirs(void), ours(void);\nint both(void) { return theirs() + ours(); }\n"
    )
    words = "extra_objects=['libtheirs.a'])], libraries=[('ours', {'sources': ['ours.c']}"
    (project / "setup.py").write_text(EXTENSION.format("answer.c", words))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    bill = bills.of(tmp_path / "out" / WHEEL)
    sha256 = hashlib.sha256((project / "libtheirs.a").read_bytes()).hexdigest()
    archive = f"archive-libtheirs.a-{sha256[:12]}"
    runtime = {"compiler-rt", "cpython", "hatch-wasi", "wasi-libc"}
    assert bills.needs(bill, f"module-{MODULE}") == runtime | {archive}
    assert bills.sha256(bills.component(bill, archive)) == sha256
