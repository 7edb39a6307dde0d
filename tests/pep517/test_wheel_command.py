"""`hatch-wasi wheel` as a person runs it: real backends, real compiler, and the module runs on WASI."""

import platform
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import bills
import pytest
from making import RUN, fails, made, pure_wheel, sdist, unpack
from projects import EXTENSION, HATCH, PROJECT, PROJECTS, SETUPTOOLS, C, write
from wheel.wheelfile import WheelFile


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_of_each_kind_is_built_and_runs(wheel, guest, tmp_path, name):
    project = write(name, tmp_path / "the project")
    before = sorted(project.iterdir())
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    tag = "cp311-abi3" if name == "limited-api" else "cp313-cp313"
    assert made(tmp_path) == [f"answer-1.0-{tag}-wasi_wasm32.whl"]
    assert sorted(project.iterdir()) == before, "the project is left alone"
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(9.0), answer.__file__.rpartition('/')[2])")
    suffix = ".abi3.so" if name == "limited-api" else ".cpython-313-wasm32-wasi.so"
    assert ran.stdout == f"7.0 answer{suffix}\n", ran.stderr
    if name in ("setuptools-cxx", "scikit-build-core-pybind11"):
        ran = guest("--site", site, "-c", "import answer; answer.ask(-1)")
        assert "ValueError: negative: -1.0" in ran.stderr


def test_an_sdist_and_a_requirement_with_what_it_needs(wheel, tmp_path):
    """A folder of sdists and wheels serves as index; the dependency is pure and taken as it is."""
    project = write("setuptools-c", tmp_path / "answer-1.0")
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(
        text + "dependencies = [\"hatch-wasi-tests-helper; sys_platform == 'wasi'\", \"no; os_name == 'nt'\"]\n"
    )
    index = tmp_path / "index"
    sdist(project, index)
    pure_wheel(index, "hatch_wasi_tests_helper", "2.0", {"helper.py": ""})
    both = ["answer-1.0-cp313-cp313-wasi_wasm32.whl", "hatch_wasi_tests_helper-2.0-py3-none-any.whl"]
    done = wheel("answer==1.0", "-f", index)
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == both
    (tmp_path / "out" / both[0]).unlink()
    done = wheel("--no-deps", index / "answer-1.0.tar.gz")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == both


def test_what_does_not_compile_names_its_log_and_leaves_nothing(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    (project / "answer.c").write_text("#include <sys/epoll.h>\n" + C)
    told = fails(wheel(project), tmp_path)
    assert "fatal error: 'sys/epoll.h' file not found" in told
    (log,) = [line.split()[-1] for line in told.splitlines() if line.strip().startswith("log:")]
    assert "sys/epoll.h" in Path(log).read_text()


def test_a_build_that_falls_back_to_pure_python_is_an_error_unless_allowed(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    (project / "setup.py").write_text(EXTENSION.format("answer.c", "optional=True"))
    (project / "answer.c").write_text("#error no\n")
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + "[tool.setuptools]\npy-modules = ['plain']\n")
    (project / "plain.py").write_text("")
    told = fails(wheel(project), tmp_path)
    assert "something was compiled, and yet the wheel is pure Python" in told
    assert "hint: its extension failed to build: answer.c:1:2: error: no; --allow-pure" in told
    done = wheel("--allow-pure", project)
    assert done.returncode == 0, done.stderr
    assert len(made(tmp_path)) == 1


def test_no_project(wheel, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "neither pyproject.toml nor setup.py" in fails(wheel(tmp_path / "empty"), tmp_path)
    assert "neither a file, a folder nor a requirement" in fails(wheel("./nothing.tar.gz"), tmp_path, 2)
    assert "no release of surely-not-there-1234" in fails(wheel("surely-not-there-1234"), tmp_path)
    assert "nothing.tar.gz: no such file" in fails(wheel("nothing.tar.gz"), tmp_path, 2)
    assert "the folder of this name is ./empty" in fails(wheel("-f", tmp_path, "--offline", "empty"), tmp_path)
    assert "-C key is not KEY=VALUE" in fails(wheel("-C", "key", "./empty"), tmp_path, 2)
    (tmp_path / "file.tar.gz").write_text("")
    assert "file.tar.gz cannot be unpacked: " in fails(wheel("file.tar.gz"), tmp_path)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pyproject.toml").write_text("[build-system\n")
    assert "pyproject.toml cannot be read" in fails(wheel(tmp_path / "bad"), tmp_path)


def test_a_backend_that_cannot_be_used(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    (project / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "nobody.knows"\n')
    assert "its build backend nobody.knows cannot be used" in fails(wheel(project), tmp_path)


def test_an_output_folder_that_cannot_be_written(toolchain, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    (tmp_path / "file").write_text("")
    argv = [*RUN, "wheel", "-w", tmp_path / "file", project]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "file cannot be made" in done.stderr


def test_a_damaged_wheel_is_not_taken(wheel, tmp_path):
    with zipfile.ZipFile(tmp_path / "thing-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("thing.py", "")
    told = fails(wheel("--no-deps", tmp_path / "thing-1.0-py3-none-any.whl"), tmp_path)
    assert "there is no .dist-info folder" in told


def test_a_build_requirement_gives_the_targets_headers(wheel, guest, tmp_path):
    """A package with a header of sizes: this machine's wheel says 8, the one built for WASI says 4, and that is used."""
    index, base = tmp_path / "index", tmp_path / "hatch_wasi_tests_base-1.0"
    index.mkdir()
    package = "import os\ndef get_include():\n    return os.path.dirname(__file__)\n"
    metadata = "Metadata-Version: 2.1\nName: hatch-wasi-tests-base\nVersion: 1.0\n"
    tag = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
    with WheelFile(index / f"hatch_wasi_tests_base-1.0-{tag}.whl", "w") as archive:
        archive.writestr("base/__init__.py", package)
        archive.writestr("base/size.h", "#define BASE_LONG 8\n")
        archive.writestr("hatch_wasi_tests_base-1.0.dist-info/METADATA", metadata)
        about = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {tag}\n"
        archive.writestr("hatch_wasi_tests_base-1.0.dist-info/WHEEL", about)
    files = {
        "base/__init__.py": package,
        "answer.c": C,
        "PKG-INFO": metadata,
        "pyproject.toml": SETUPTOOLS + PROJECT.replace('"answer"', '"hatch-wasi-tests-base"'),
        "setup.py": "import sys\nfrom setuptools import Extension, setup\n"
        "open('base/size.h', 'w').write('#define BASE_LONG %d\\n' % (8 if sys.maxsize > 2**32 else 4))\n"
        "setup(packages=['base'], package_data={'base': ['size.h']}, "
        "ext_modules=[Extension('base.answer', ['answer.c'])])\n",
    }
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    with tarfile.open(index / f"{base.name}.tar.gz", "w:gz") as archive:
        archive.add(base, base.name)
    project = write("setuptools-c", tmp_path / "project")
    need = SETUPTOOLS.replace('["setup', '["hatch-wasi-tests-base", "setup')
    (project / "pyproject.toml").write_text(need + PROJECT)
    setup = EXTENSION.format("answer.c", "include_dirs=[base.get_include()]")
    (project / "setup.py").write_text("import base\n" + setup)
    source = C.replace("sizeof(long)", "BASE_LONG").replace("<math.h>", '<math.h>\n#include "size.h"')
    (project / "answer.c").write_text(source)
    done = wheel("-f", index, project)
    assert done.returncode == 0, done.stderr
    assert "Needed for WASI by the build: hatch-wasi-tests-base==1.0" in done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert guest("--site", site, "-c", "import answer; print(answer.ask(9.0))").stdout == "7.0\n"


def test_what_fails_when_it_is_built_again_is_what_is_told(wheel, tmp_path):
    """The first attempt ends for want of a header of a package for WASI, the second by the project's own mistake."""
    tag = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
    pure_wheel(tmp_path / "index", "base", "1.0", {"base/__init__.py": "", "base/size.h": ""}, tag=tag)
    pure_wheel(
        tmp_path / "index", "base", "1.0", {"base/__init__.py": "", "base/size.h": ""}, tag="py3-none-wasi_wasm32"
    )
    project = write("setuptools-c", tmp_path / "project")
    (project / "pyproject.toml").write_text(SETUPTOOLS.replace('["setup', '["base", "setup') + PROJECT)
    (project / "answer.c").write_text('#include "size.h"\n#error no good\n')
    setup = "import base\nfrom setuptools import Extension, setup\n"
    setup += "setup(ext_modules=[Extension('answer', ['answer.c'], include_dirs=base.__path__)])\n"
    (project / "setup.py").write_text(setup)
    told = fails(wheel("-f", tmp_path / "index", project), tmp_path)
    assert "Needed for WASI by the build: base==1.0" in told
    assert "cannot be built for WASI: answer.c:2:2: error: no good" in told


def test_what_wasi_libc_does_not_declare_is_there(wheel, guest, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    more = "#include <pthread.h>\n#include <unistd.h>\nvoid *last = (void *)pthread_exit;\n"
    (project / "answer.c").write_text(more + C.replace("sizeof(long)", "dup(99)"))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(9.0))")
    assert ran.stdout == "2.0\n", ran.stderr


SOCKETS = """
#include <netdb.h>
#include <sys/cdefs.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/unistd.h>
#include <errno.h>
__BEGIN_DECLS
static double sockets(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    struct addrinfo *found = 0;
    int made = socket(AF_INET, SOCK_STREAM, 0), why = errno;
    int joined = connect(99, (struct sockaddr *)&address, sizeof address);
    int set = setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &made, sizeof made);
    int looked_up = getaddrinfo("localhost", "80", 0, &found);
    return 1000 * (made + joined + set) + 100 * (why == EAFNOSUPPORT) + 10 * looked_up + !gethostbyname("localhost");
}
__END_DECLS
"""


def test_what_wasi_cannot_do_with_sockets_fails_when_it_is_called(wheel, guest, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    (project / "answer.c").write_text(SOCKETS + C.replace("sizeof(long)", "sockets()"))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(9.0))")
    assert ran.stdout == f"{3 - 3000 + 100 - 40 + 1}.0\n", ran.stderr


SIGNALS = """
#include <signal.h>
#include <errno.h>
static int came;
static void handler(int number) { came = number; }
static double signals(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
    sigset_t set, old;
    sigfillset(&set), sigdelset(&set, SIGINT), sigemptyset(&action.sa_mask);
    int done = pthread_sigmask(SIG_BLOCK, &set, &old) | sigaction(SIGUSR1, &action, &before);
    int sets = sigismember(&set, SIGPIPE) + sigismember(&set, SIGINT) + sigismember(&old, SIGPIPE);
    raise(SIGUSR1);
    sigaction(SIGUSR1, 0, &action);
    action.sa_flags = SA_SIGINFO;
    int refused = sigaction(SIGUSR2, &action, 0) == -1 && errno == ENOTSUP;
    return 1000 * came + 100 * sets + 10 * refused + (action.sa_handler == handler && !before.sa_handler) + done;
}
"""


def test_code_that_says_when_signals_may_come_builds(wheel, guest, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    (project / "answer.c").write_text(SIGNALS + C.replace("sizeof(long)", "signals()"))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    ran = guest("--site", site, "-c", "import answer; print(answer.ask(0.0))")
    assert ran.stdout == "10111.0\n", ran.stderr


@pytest.mark.parametrize("name", ["meson-python", "setuptools-c"])
def test_pkg_config_finds_libraries_in_build_requirements(wheel, tmp_path, name):
    """As numpy's wheel has them: the file names folders beside itself."""
    index, project = tmp_path / "index", write(name, tmp_path / "project")
    config = "prefix=${pcfiledir}/../../include\nName: base\nDescription: base\nVersion: 1.0\nCflags: -I${prefix}\n"
    files = {"base/__init__.py": "", "base/include/root.h": "#define ROOT sqrt\n", "base/lib/pkgconfig/base.pc": config}
    pure_wheel(index, "hatch_wasi_tests_pc", "1.0", files)
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace('requires = ["', 'requires = ["hatch-wasi-tests-pc", "'))
    (project / "answer.c").write_text(C.replace("<math.h>", "<math.h>\n#include <root.h>").replace("sqrt(", "ROOT("))
    if name == "meson-python":
        meson = (project / "meson.build").read_text().replace("dependencies: ", "dependencies: [dependency('base'), ")
        (project / "meson.build").write_text(meson.replace(", install: true", "], install: true"))
    else:
        ask = "import subprocess\nwords = subprocess.check_output(['pkg-config', '--cflags', 'base'], text=True).split()\n"
        (project / "setup.py").write_text(ask + EXTENSION.format("answer.c", "extra_compile_args=words"))
    done = wheel("-f", index, project)
    assert done.returncode == 0, done.stderr


# What a configure script by autoconf 2.72 does before anything else, as far as it matters here.
CONFIGURE = """\
#!/bin/sh
cross_compiling=no
for file in $CONFIG_SITE; do . "$file"; done
echo 'int main(void) { return 0; }' >conftest.c
$CC -o conftest conftest.c || exit 77
if test "$cross_compiling" != yes; then
    if ./conftest; then cross_compiling=no
    else echo "configure: error: in '$PWD':"; echo "configure: error: cannot run C compiled programs." ; exit 77
    fi
fi
test "${ac_cv_host:-$(uname -m)}" = wasm32-unknown-wasi || exit 77
echo "#define ROOTS sqrt" >config.h
"""


def test_a_configure_script_need_not_be_told_that_it_cross_compiles(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    run = "import subprocess\nsubprocess.check_call(['sh', './configure'])\n"
    (project / "setup.py").write_text(run + EXTENSION.format("answer.c", ""))
    (project / "configure").write_text(CONFIGURE)
    (project / "answer.c").write_text(C.replace("<math.h>", '<math.h>\n#include "config.h"').replace("sqrt(", "ROOTS("))
    done = wheel(project)
    assert done.returncode == 0, done.stderr


# `check` as automake writes it, as far as it matters here.
MAKEFILE = """\
check_PROGRAMS = tried
TESTS = ./tried
tried:
\techo 'int main(void) { return 0; }' >tried.c && $(CC) -o tried tried.c
check: $(check_PROGRAMS)
\tfor test in $(TESTS); do $$test || exit 1; done
\ttouch checked
"""


def test_a_librarys_own_tests_are_not_run_on_this_machine(wheel, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    run = "import os, subprocess\nsubprocess.check_call(['make', 'check'])\nassert os.path.exists('checked')\n"
    (project / "setup.py").write_text(run + EXTENSION.format("answer.c", ""))
    (project / "Makefile").write_text(MAKEFILE)
    done = wheel(project)
    assert done.returncode == 0, done.stderr


def test_a_cxx_program_is_found_and_no_build_folder_stays(wheel, tmp_path):
    """CMake tries its C++ compiler by a program; a file that names it is made neutral, whatever it is called."""
    project = write("scikit-build-core", tmp_path / "project")
    text = (project / "CMakeLists.txt").read_text().replace("LANGUAGES C", "LANGUAGES C CXX")
    text += (
        'if(NOT CMAKE_CXX_ABI_COMPILED)\nmessage(FATAL_ERROR "its ABI is not known")\nendif()\n'
        "find_package(Threads REQUIRED)\nfile(WRITE ${CMAKE_BINARY_DIR}/about.py \"cc = '${CMAKE_CXX_COMPILER}'\\n\")\n"
        'file(WRITE ${CMAKE_BINARY_DIR}/about.c "/* { \\"include_dirs\\": \\"${CMAKE_BINARY_DIR}\\" } */\\n")\n'
    )
    text += "install(FILES ${CMAKE_BINARY_DIR}/about.py ${CMAKE_BINARY_DIR}/about.c DESTINATION .)\n"
    (project / "CMakeLists.txt").write_text(text)
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert (site / "about.py").read_text() == "cc = '/build/toolset/bin/c++'\n"
    assert (site / "about.c").read_text().startswith('/* { "include_dirs": "/build/')


def test_our_own_hook_sees_the_same_target(wheel, guest, tmp_path):
    """hatch-wasi is in the build environment then, from a wheel of this checkout."""
    checkout = Path(__file__).parents[2]
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "-w", tmp_path / "index", checkout], check=True)
    requires = '[build-system]\nrequires = ["hatchling", "hatch-wasi"]\nbuild-backend = "hatchling.build"\n'
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text(requires + PROJECT + HATCH)
    (tmp_path / "project" / "answer.c").write_text(C)
    done = wheel("-f", tmp_path / "index", tmp_path / "project")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == ["answer-1.0-cp313-cp313-wasi_wasm32.whl"]
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert guest("--site", site, "-c", "import answer; print(answer.ask(9.0))").stdout == "7.0\n"
    bill = bills.of(tmp_path / "out" / made(tmp_path)[0])
    assert bills.tools(bill).keys() == {"hatchling"}, "the bill of materials is the hook's"
    assert "timestamp" not in bill["metadata"]


def test_our_own_hook_gets_the_headers_for_wasi(wheel, tmp_path):
    """A package with wheels for this machine and for WASI, whose header says which it is of."""
    checkout, index = Path(__file__).parents[2], tmp_path / "index"
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "-w", index, checkout], check=True)
    machine = "linux_" + platform.machine() if sys.platform == "linux" else sysconfig.get_platform()
    code = "def get_include():\n    return __path__[0]\n"
    for tag in (f"py3-none-{machine.replace('-', '_')}", "cp313-cp313-wasi_wasm32"):
        header = f'#define MADE_FOR "made for {tag}"\n'
        pure_wheel(index, "bound", "1.0", {"bound/__init__.py": code, "bound/bound.h": header}, tag=tag)
    requires = '[build-system]\nrequires = ["hatchling", "hatch-wasi", "bound"]\nbuild-backend = "hatchling.build"\n'
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text(f'{requires}{PROJECT}{HATCH}include-from = ["bound"]\n')
    (tmp_path / "project" / "answer.c").write_text(
        f"#include <bound.h>\n{C}".replace(
            "= {PyModuleDef_HEAD_INIT, ", "= {PyModuleDef_HEAD_INIT, .m_doc = MADE_FOR, "
        )
    )
    done = wheel("-f", index, tmp_path / "project")
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    [module] = site.glob("answer*.so")
    assert b"made for cp313-cp313-wasi_wasm32" in module.read_bytes()
