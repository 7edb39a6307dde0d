"""What can be chosen of `hatch-wasi wheel`: where things come from, what is kept, how and by what it is tested."""

import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import index_server
import pytest
from making import fails, made, metadata, pure_wheel, sdist
from projects import EXTENSION, PROJECT, SETUPTOOLS, C, write

from hatch_wasi import bootstrap
from hatch_wasi.console import Console

WHEEL = "answer-1.0-cp313-cp313-wasi_wasm32.whl"
LINUX = f"cp313-cp313-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
PACKED = "setup(package_data={'pkg': ['where.bin']}, "
TESTS = """\
import sys
import answer, helper
def test():
    assert sys.platform == "wasi"
    assert answer.ask(9.0) == 7.0
test()
print("1 passed")
"""


@pytest.fixture
def tested(tmp_path):
    """A project with tests, and what those need."""
    project = write("setuptools-c", tmp_path / "project")
    (project / "tests").mkdir()
    (project / "tests" / "check.py").write_text(TESTS)
    pure_wheel(tmp_path / "index", "hatch_wasi_tests_helper", "2.0", {"helper.py": ""})
    return project


HELPED = ("-f", "index", "--test-requires", "hatch-wasi-tests-helper")


def test_a_wheel_that_passes_its_tests_is_kept(wheel, tested, tmp_path):
    done = wheel(tested, *HELPED, "--test-sources", "tests", "--test-command", "ls && python tests/check.py")
    assert done.returncode == 0, done.stderr
    assert f"Tests of {WHEEL} pass: 1 passed" in done.stderr
    assert made(tmp_path) == [WHEEL]


def test_a_test_command_that_prints_nothing(wheel, tested):
    done = wheel(tested, "--test-command", "true")
    assert done.returncode == 0, done.stderr
    assert f"Tests of {WHEEL} pass" in done.stderr.splitlines()


def test_one_that_fails_them_is_not(wheel, tested, tmp_path):
    (tested / "tests" / "check.py").write_text(TESTS.replace("7.0", "8.0"))
    told = fails(wheel(tested, *HELPED, "--test-command", "python {project}/tests/check.py"), tmp_path)
    assert f"{WHEEL} fails its tests on WASI (exit status 1): AssertionError" in told
    assert "the wheel was not kept" in told
    (log,) = [line.split()[-1] for line in told.splitlines() if line.strip().startswith("log:")]
    assert "assert answer.ask(9.0) == 8.0" in Path(log).read_text()


def test_extras_for_the_tests(wheel, tested, tmp_path):
    text = (tested / "pyproject.toml").read_text()
    extras = '[project.optional-dependencies]\ntest = ["hatch-wasi-tests-helper"]\n'
    (tested / "pyproject.toml").write_text(text + extras)
    words = ("-f", "index", "--test-sources", "tests", "--test-command", "python tests/check.py")
    assert "No module named 'helper'" in fails(wheel(tested, *words), tmp_path)
    done = wheel(tested, *words, "--test-extras", "test")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == [WHEEL]


def test_what_was_installed_before_is_not_there_for_the_tests(wheel, tested, tmp_path):
    told = fails(wheel(tested, "--test-command", "python {project}/tests/check.py"), tmp_path)
    assert "No module named 'helper'" in told


def test_tests_of_what_is_not_there(wheel, tested, tmp_path):
    told = fails(wheel(tested, "--test-sources", "test", "--test-command", "true"), tmp_path, 2)
    assert "--test-sources test: the project has no such file or folder" in told
    assert "for --test-command" in fails(wheel(tested, "--test-requires", "pytest"), tmp_path, 2)


def test_test_sources_are_looked_for_before_anything_is_built(wheel, tested, tmp_path):
    """What cannot be compiled is not even tried."""
    (tested / "answer.c").write_text("#error\n")
    sdist(tested, tmp_path / "index")
    for project in (tested, tmp_path / "index" / "answer-1.0.tar.gz"):
        for name in ("test", "../out", "/"):
            told = fails(wheel(project, "--test-sources", name, "--test-command", "true"), tmp_path, 2)
            assert f"--test-sources {name}" in told


def test_build_requirements_of_an_index_that_does_not_answer(wheel, tmp_path):
    """One short line, with the reason: pip prints the same connection error five times, and then blames the version."""
    project = write("setuptools-c", tmp_path / "project")
    told = fails(wheel("-i", "http://127.0.0.1:9/simple", project, PIP_RETRIES="1", NO_PROXY="*"), tmp_path)
    (line,) = [line for line in told.splitlines() if line.startswith("error:")]
    assert "Connection refused" in line
    assert len(line) < 200


def test_a_wheel_of_an_sdist_is_kept_until_it_is_to_be_built_again(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    # Its own, so that no other run has it in the cache.
    (project / "pyproject.toml").write_text((project / "pyproject.toml").read_text() + f"# {tmp_path} {os.getpid()}\n")
    file = sdist(project, tmp_path / "index")
    for words, builds in (((), True), ((), False), (("--rebuild",), True), (("-C", "x=y"), True)):
        done = wheel("-v", *words, file)
        assert done.returncode == 0, done.stderr
        assert ("Building answer" in done.stderr) == builds
        assert ("was built before" in done.stderr) != builds
        assert made(tmp_path) == [WHEEL]
        (tmp_path / "out" / WHEEL).unlink()


def test_a_wheel_that_is_not_right_is_not_kept(wheel, tmp_path):
    """It names the folder that it was built in; the next build has another folder, and would not be found out by it."""
    project = write("setuptools-c", tmp_path / "project")
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + "[tool.setuptools]\npackages = ['pkg']\n")
    (project / "pkg").mkdir()
    (project / "pkg" / "__init__.py").touch()
    (project / "MANIFEST.in").write_text("include pkg/where.bin\n")
    writing = "import os\nopen('pkg/where.bin', 'w').write('\\0' + os.getcwd())\n"
    (project / "setup.py").write_text(writing + EXTENSION.format("answer.c", "").replace("setup(", PACKED))
    file = sdist(project, tmp_path / "index")
    for _ in range(2):
        assert "pkg/where.bin: it names" in fails(wheel(file), tmp_path)


def test_a_direct_reference(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    file = sdist(project, tmp_path / "index")
    done = wheel(f"answer @ {file.as_uri()}")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == [WHEEL]
    (tmp_path / "out" / WHEEL).unlink()
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "All"]):
        subprocess.run(["git", *words], cwd=project, env=environment, check=True)
    done = wheel(f"answer @ git+{project.as_uri()}")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == [WHEEL]
    (tmp_path / "out" / WHEEL).unlink()
    told = fails(wheel(f"answer @ {(tmp_path / 'none-1.0.tar.gz').as_uri()}"), tmp_path)
    assert "cannot be fetched" in told
    wrong = f"answer @ {file.as_uri()}#sha256={'0' * 64}"
    assert "cannot be fetched" in fails(wheel(wrong), tmp_path)


def test_constraints_choose_the_version(wheel, tmp_path):
    for version in ("1.0", "2.0"):
        pure_wheel(tmp_path / "index", "hatch_wasi_tests_helper", version, {"helper.py": ""})
    (tmp_path / "constraints.txt").write_text("hatch-wasi-tests-helper < 2  # not yet\n")
    done = wheel("hatch-wasi-tests-helper", "-f", "index", "-c", "constraints.txt")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == ["hatch_wasi_tests_helper-1.0-py3-none-any.whl"]


def test_an_index_that_has_not_all_is_not_told_of(wheel, tmp_path):
    for name in ("one", "two"):
        page = tmp_path / name / "simple" / f"hatch-wasi-tests-{name}"
        page.mkdir(parents=True)
        file = pure_wheel(page, f"hatch_wasi_tests_{name}", "1.0", {f"{name}.py": ""})
        (page / "index.html").write_text(f'<a href="{file.name}">{file.name}</a>')
    with index_server.serving(tmp_path / "one") as one, index_server.serving(tmp_path / "two") as two:
        indexes = ("-i", f"{one.url}simple/", "--extra-index-url", f"{two.url}simple/")
        done = wheel(*indexes, "hatch-wasi-tests-one", "hatch-wasi-tests-two", no_proxy="127.0.0.1")
    assert done.returncode == 0, done.stderr
    assert len(made(tmp_path)) == 2
    assert "404" not in done.stderr


def test_offline_only_files_are_looked_at(wheel, tmp_path):
    pure_wheel(tmp_path / "index", "hatch_wasi_tests_one", "1.0", {"one.py": ""})
    done = wheel("--offline", "-i", "http://127.0.0.1:9/simple/", "-f", "index", "hatch-wasi-tests-one")
    assert done.returncode == 0, done.stderr
    told = wheel("--offline", "hatch-wasi-tests-no-such-thing").stderr
    assert "offline, only indexes and links that are files are read" in told
    told = wheel("--offline", "one @ http://127.0.0.1:9/one-1.0.tar.gz").stderr
    assert "one@ http://127.0.0.1:9/one-1.0.tar.gz is not fetched: offline" in told.replace("one @", "one@")


def test_extras_are_collected(wheel, tmp_path):
    pure_wheel(tmp_path / "index", "hatch_wasi_tests_helper", "2.0", {"helper.py": ""})
    project = write("setuptools-c", tmp_path / "project")
    extra = '[project.optional-dependencies]\nmore = ["hatch-wasi-tests-helper"]\n'
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + extra)
    sdist(project, tmp_path / "index")
    for words, count in (("answer", 1), ("answer[more]", 2)):
        done = wheel(words, "-f", "index", "--no-binary", "answer")
        assert done.returncode == 0, done.stderr
        assert len(made(tmp_path)) == count


def test_a_release_with_extensions_is_not_made_pure(wheel, tmp_path):
    """Its sdist compiles nothing unless it is asked to, so that only the index tells that it has extensions."""
    index, project = tmp_path / "index", tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + "[tool.setuptools]\npy-modules = ['answer']\n")
    (project / "answer.py").write_text("")
    sdist(project, index)
    pure_wheel(index, "answer", "1.0", {"answer.py": ""}, tag=LINUX)
    told = fails(wheel("answer", "-f", "index"), tmp_path)
    assert "answer 1.0 has extension modules for other systems, and its wheel for WASI is pure Python" in told
    done = wheel("answer", "-f", "index", "--allow-pure")
    assert done.returncode == 0, done.stderr
    # Where the project publishes a pure wheel itself, a pure one is right.
    (tmp_path / "out" / "answer-1.0-py3-none-any.whl").rename(index / "answer-1.0-py3-none-any.whl")
    done = wheel("answer", "-f", "index")
    assert done.returncode == 0, done.stderr
    assert "Made" in done.stderr
    done = wheel("answer", "-f", "index", "--only-binary", ":all:")
    assert done.returncode == 0, done.stderr
    assert "Taken as it is:" in done.stderr


def test_no_wheel_where_only_wheels_may_be_taken(wheel, tmp_path):
    sdist(write("setuptools-c", tmp_path / "project"), tmp_path / "index")
    told = fails(wheel("answer", "-f", "index", "--only-binary", "answer"), tmp_path)
    assert "answer 1.0 has no wheel for WASI Python" in told


def base(index: Path) -> None:
    """Publish a package with a header, as an sdist whose wheel for WASI has another one than the machine's."""
    tree = index.parent / "base-tree"
    (tree / "base").mkdir(parents=True)
    (tree / "base" / "__init__.py").write_text("")
    (tree / "base" / "module.c").write_text(C.replace("PyInit_answer", "PyInit_module"))
    (tree / "base" / "size.h").write_text("#define BASE_LONG 4\n")
    (tree / "pyproject.toml").write_text(SETUPTOOLS + PROJECT.replace('"answer"', '"hatch-wasi-tests-base"'))
    (tree / "setup.py").write_text(
        "from setuptools import Extension, setup\nsetup(packages=['base'], package_data={'base': ['size.h']}, "
        "ext_modules=[Extension('base.module', ['base/module.c'])])\n"
    )
    index.mkdir(exist_ok=True)
    (tree / "PKG-INFO").write_text(metadata("hatch-wasi-tests-base", "1.0"))
    with tarfile.open(index / "hatch_wasi_tests_base-1.0.tar.gz", "w:gz") as archive:
        archive.add(tree, "hatch_wasi_tests_base-1.0")


@pytest.mark.parametrize("how", ["option", "external"])
def test_files_of_the_target_that_a_build_is_not_seen_to_use(wheel, tmp_path, how):
    base(tmp_path / "index")
    project = write("setuptools-c", tmp_path / "project")
    place = "os.path.join(os.environ['HATCH_WASI_TARGET_PACKAGES'], 'base')"
    (project / "setup.py").write_text("import os\n" + EXTENSION.format("answer.c", f"include_dirs=[{place}]"))
    source = C.replace("sizeof(long)", "BASE_LONG").replace("<math.h>", '<math.h>\n#include "size.h"')
    (project / "answer.c").write_text(source)
    words = ["--target-requires", "hatch-wasi-tests-base"] if how == "option" else []
    if how == "external":
        external = '[external]\nhost-requires = ["dep:pypi/hatch-wasi-tests-base@1.0"]\n'
        (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + external)
    done = wheel("-f", "index", *words, project)
    assert done.returncode == 0, done.stderr
    assert "Needed for WASI by the build: hatch-wasi-tests-base" in done.stderr
    assert made(tmp_path) == [WHEEL]


def test_sources_in_a_package_for_this_machine_are_compiled_as_they_are(wheel, tmp_path):
    """CMake's package has such: with them CMake tries every compiler, and there is no CMake for WASI."""
    files = {"probe/__init__.py": "", "probe/probe.c": "int probe(void) { return 4; }\n", "probe/detect.h": "int x;\n"}
    pure_wheel(tmp_path / "index", "hatch_wasi_tests_probe", "1.0", files, tag=f"py3-none-{LINUX.rpartition('-')[2]}")
    project = write("setuptools-c", tmp_path / "project")
    requires = SETUPTOOLS.replace('["setup', '["hatch-wasi-tests-probe", "setup')
    (project / "pyproject.toml").write_text(requires + PROJECT)
    compiling = "import os, probe, subprocess\nsource = os.path.join(os.path.dirname(probe.__file__), 'probe.c')\n"
    compiling += "subprocess.run([os.environ['CC'], '-v', '-c', source, '-o', 'probe.o'], check=True)\n"
    compiling += "subprocess.run([os.environ['CC'], '-E', source.replace('probe.c', 'detect.h')], check=True)\n"
    (project / "setup.py").write_text(compiling + EXTENSION.format("answer.c", "extra_objects=['probe.o']"))
    (project / "answer.c").write_text("extern int probe(void);\n" + C.replace("sizeof(long)", "probe()"))
    done = wheel("-f", "index", project)
    assert done.returncode == 0, done.stderr
    assert "Needed for WASI" not in done.stderr


def test_what_a_project_says_it_needs_is_named_when_it_fails(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    external = '[external]\nhost-requires = ["dep:generic/libpq"]\n'
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + external)
    (project / "answer.c").write_text("#include <libpq-fe.h>\n" + C)
    told = fails(wheel(project), tmp_path)
    assert "'libpq-fe.h' file not found" in told
    assert "needs dep:generic/libpq, which hatch-wasi does not bring" in told


def test_without_isolation_the_python_must_be_the_same(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    (place,) = tmp_path.glob("env/lib/python3.*")
    place.rename(place.with_name("python3.1"))
    told = fails(wheel("--no-isolation", project, VIRTUAL_ENV=str(tmp_path / "env")), tmp_path, 2)
    assert f"builds in the environment {tmp_path / 'env'}, which has Python 3.1; this is for 3.13" in told


@pytest.fixture(scope="module")
def native_environment(toolchain, cache, tmp_path_factory):
    """An environment of the build python with setuptools in it."""
    folder = tmp_path_factory.mktemp("native") / "env"
    interpreter = bootstrap.ensure_build_python(cache, Console(), toolchain)
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "-q"]
    subprocess.run([*pip, "--disable-pip-version-check", "setuptools>=77"], check=True)
    return folder


def test_without_isolation(wheel, native_environment, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    before = sorted(native_environment.rglob("*"))
    active = {"VIRTUAL_ENV": str(native_environment), "PYTHONDONTWRITEBYTECODE": "1"}
    done = wheel("--no-isolation", project, **active)
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == [WHEEL]
    after = sorted(native_environment.rglob("*"))
    assert [path for path in after if path not in before and "__pycache__" not in path.parts] == [], "it is left alone"
    (tmp_path / "out" / WHEEL).unlink()
    need = SETUPTOOLS.replace('["setup', '["surely-not-there>=3", "setup')
    (project / "pyproject.toml").write_text(need + PROJECT)
    told = fails(wheel("--no-isolation", project, **active), tmp_path)
    assert "build requirements are not in this environment: surely-not-there>=3" in told
