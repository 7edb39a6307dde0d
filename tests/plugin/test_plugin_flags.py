"""Settings that were written for other machines, and what WASI Python offers to an extension."""

import pytest

from hatch_wasi.wasm.side_module import SideModule

pytestmark = pytest.mark.usefixtures("wasi")

EXTENSION = '[[{key}.extensions]]\nname = "p.m"\nsources = ["src/p/m.c"]\n'
MODULE = """\
#include <Python.h>
static PyObject *ask(PyObject *self, PyObject *unused) { ANSWER }
static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "m", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_m(void) { return PyModule_Create(&definition); }
"""


def ask(guest, made):
    done = guest("--site", made.unpack(), "-c", "import p.m; print(p.m.ask())")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def module(answer, before=""):
    return before + MODULE.replace("ANSWER", answer)


@pytest.mark.parametrize(
    "settings",
    [
        (
            'extra-compile-args = ["-pthread", "-matomics", "-ftls-model=local-exec", "-march=native", "-mtune=native", '
            '"-fno-PIC", "-mthread-model", "posix", "-Xclang", "-target-feature", "-Xclang", "+atomics"]\n'
            'extra-link-args = ["-pthread", "-Wl,--shared-memory", "-Wl,--max-memory=1048576", "-Wl,--global-base=4096", '
            '"-Wl,--stack-first", "-Wl,-z,stack-size=65536", "-Wl,--export-memory", "-Wl,--import-memory,env,other"]\n'
        ),
        (
            'libraries = ["m", "pthread", "stdc++", "dl"]\nlibrary-dirs = ["/usr/lib"]\ninclude-dirs = ["/usr/include"]\n'
            'extra-link-args = ["-Wl,--as-needed", "-Wl,-rpath,$ORIGIN", "-Wl,-z,now", "-lpthread", "-static-libgcc"]\n'
        ),
    ],
)
def test_flags_of_other_machines_change_nothing(project, guest, settings):
    made = project(EXTENSION + settings)
    before = "static _Thread_local int counter = 6;\nstatic int numbers[] = {1, 2, 3};\n"
    made.write("src/p/m.c", module("return PyLong_FromLong(++counter * 10 + numbers[2]);", before))
    assert ask(guest, made) == "73"
    changed, text = made.module().read_bytes(), (made.root / "src/p/m.c").read_text()
    plain = project(EXTENSION)
    plain.write("src/p/m.c", text)
    plain.wheel()
    assert plain.module().read_bytes() == changed


def test_pragmas_of_openmp_are_ignored(project, guest):
    made = project(EXTENSION + 'extra-compile-args = ["-fopenmp"]\nextra-link-args = ["-fopenmp", "-lgomp"]\n')
    answer = (
        "int sum = 0;\n#pragma omp parallel for reduction(+:sum)\n"
        "for (int i = 0; i < 8; i++) sum += i;\nreturn PyLong_FromLong(sum);\n"
    )
    made.write("src/p/m.c", module(answer, "#ifdef _OPENMP\n#include <omp.h>\n#endif\n"))
    assert ask(guest, made) == "28"


def test_what_is_left_out_is_told_on_request(project, capsys, monkeypatch):
    made = project(EXTENSION + 'extra-compile-args = ["-march=native"]\nlibraries = ["m"]\n')
    made.wheel()
    assert "-march=native" not in capsys.readouterr().err
    monkeypatch.setenv("HATCH_VERBOSE", "1")
    (made.root / "src/p/m.c").write_text((made.root / "src/p/m.c").read_text() + "\n")
    made.wheel()
    assert "p.m: without -march=native -lm, " in capsys.readouterr().err


def test_what_cannot_hold_is_an_error(project, capsys):
    made = project(EXTENSION + 'extra-compile-args = ["-fpack-struct=1"]\n')
    with pytest.raises(SystemExit):
        made.wheel()
    error = capsys.readouterr().err
    assert "extensions[0].extra-compile-args" in error
    assert "-fpack-struct=1" in error


def test_code_for_threads_is_an_error(project, capsys, wasi_sdk):
    import subprocess

    made = project(EXTENSION + 'extra-link-args = ["threaded.o"]\n')
    made.write("threaded.c", "_Thread_local int counter = 6;\nint next(void) { return ++counter; }\n")
    subprocess.run([*wasi_sdk.cc, "-fPIC", "-pthread", "-c", "threaded.c"], cwd=made.root, check=True)
    made.write("src/p/m.c", module("return PyLong_FromLong(next());", "extern int next(void);\n"))
    with pytest.raises(SystemExit):
        made.wheel()
    assert "p.m was compiled for threads" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["m.c", "m.cpp"])
@pytest.mark.parametrize(
    "header",
    [
        "pthread.h", "signal.h", "setjmp.h", "sys/mman.h", "sys/resource.h", "sys/times.h", "sys/socket.h", "netdb.h",
        "unistd.h",
    ],
)  # fmt: skip
def test_headers_before_pythons(project, header, name):
    made = project(EXTENSION.replace("m.c", name))
    made.write(f"src/p/{name}", module("return PyLong_FromLong(7);", f"#include <{header}>\n"))
    made.wheel()


CALLS = """\
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <unistd.h>
static volatile int seen;
static void note(int number) { seen = number; }
static int calls(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct rusage usage;
    struct tms times_;
    int *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || getrusage(RUSAGE_SELF, &usage) || times(&times_) == (clock_t)-1 || getpid() <= 0)
        return 1;
    signal(SIGTERM, note);
    raise(SIGTERM);
    page[10] = seen;
    return pthread_mutex_lock(&mutex) || pthread_mutex_unlock(&mutex) || page[10] != SIGTERM || munmap(page, 65536);
}
"""


def test_emulations_are_there(project, guest):
    made = project(EXTENSION)
    made.write("src/p/m.c", module("return PyLong_FromLong(calls());", CALLS))
    assert ask(guest, made) == "0"


def test_cxx_before_python(project, guest):
    made = project(EXTENSION.replace('"src/p/m.c"', '"src/p/m.cpp", "src/p/engine.cpp"'))
    header = "#include <string>\n#include <mutex>\n#include <csignal>\nstd::string join(int);\n"
    made.write("src/p/engine.h", header)
    made.write("src/p/engine.cpp", '#include "engine.h"\nstd::string join(int n) { return std::string(n, 120); }\n')
    made.write("src/p/m.cpp", module("return PyLong_FromLong(join(7).size());", '#include "engine.h"\n'))
    assert ask(guest, made) == "7"


def test_libraries_of_python(project, guest):
    made = project(EXTENSION + 'libraries = ["z", "sqlite3", "bz2", "lzma", "ffi"]\n')
    headers = "#include <zlib.h>\n#include <sqlite3.h>\n#include <bzlib.h>\n#include <lzma.h>\n#include <ffi.h>\n"
    calls = "zlibVersion(), sqlite3_libversion(), BZ2_bzlibVersion(), lzma_version_string()"
    made.write("src/p/m.c", module(f'return Py_BuildValue("ssss", {calls});', headers))
    done = guest("-c", "import sqlite3, zlib; print(zlib.ZLIB_RUNTIME_VERSION, sqlite3.sqlite_version)")
    assert ask(guest, made).replace("'", "").strip("()").split(", ")[:2] == done.stdout.split()
    assert made.module().stat().st_size < 10000


def test_a_library_of_the_projects_own_comes_first(project, guest, wasi_sdk):
    import subprocess

    made = project(EXTENSION + 'libraries = ["z"]\nlibrary-dirs = ["own"]\n')
    made.write("own/z.c", 'const char *zlibVersion(void) { return "own"; }\n')
    subprocess.run([*wasi_sdk.cc, "-fPIC", "-c", "z.c"], cwd=made.root / "own", check=True)
    subprocess.run([wasi_sdk.program("llvm-ar"), "rcs", "libz.a", "z.o"], cwd=made.root / "own", check=True)
    made.write(
        "src/p/m.c", module("return PyUnicode_FromString(zlibVersion());", "extern const char *zlibVersion(void);\n")
    )
    assert ask(guest, made) == "own"


def test_a_function_of_two_types_is_an_error(project, capsys):
    made = project(EXTENSION.replace('"src/p/m.c"', '"src/p/m.c", "src/p/helper.c"'))
    made.write("src/p/helper.c", "double helper(double x) { return x; }\n")
    made.write("src/p/m.c", module("return PyLong_FromLong(helper(1));", "extern int helper(int);\n"))
    with pytest.raises(SystemExit):
        made.wheel()
    error = capsys.readouterr().err
    assert "helper is declared with different types" in error
    assert "src/p/m.c.o" in error
    assert "src/p/helper.c.o" in error
    assert not list(made.root.glob("dist/*.whl"))


def test_a_function_of_pythons_with_another_type_is_an_error(project, capsys):
    made = project(EXTENSION)
    text = 'extern double f(double) __asm__("strnlen");\n'
    made.write("src/p/m.c", module("return PyFloat_FromDouble(f(1));", text))
    with pytest.raises(SystemExit):
        made.wheel()
    assert "strnlen is declared (f64) -> (f64)" in capsys.readouterr().err


def test_warnings_are_shown_once(project, capsys):
    made = project(EXTENSION)
    made.write("src/p/m.c", module("int nothing = 1; return PyLong_FromLong(7);"))
    made.wheel()
    error = capsys.readouterr().err
    assert "src/p/m.c:2:" in error
    assert "-Wunused-variable" in error
    made.wheel()
    assert "-Wunused-variable" not in capsys.readouterr().err


TWO = """
[[{key}.extensions]]
name = "p.m"
sources = ["src/p/m.c"]
marker = "sys_platform != 'wasi'"

[[{key}.extensions]]
name = "p.m"
sources = ["src/p/m.c"]
marker = "sys_platform == 'wasi'"
define-macros = {{ PORT = "7" }}
"""


def test_one_extension_for_each_target(project, guest, capsys):
    made = project(TWO)
    made.write("src/p/m.c", module("return PyLong_FromLong(PORT);", "#ifndef PORT\n#define PORT 1\n#endif\n"))
    assert ask(guest, made) == "7"
    both = project(TWO.replace("!=", "=="))
    with pytest.raises(SystemExit):
        both.wheel()
    assert "both are p.m, and both markers hold" in capsys.readouterr().err


def test_settings_for_each_target(project, guest, monkeypatch):
    own = '[{key}.extensions.wasi]\ndefine-macros = {{ PORT = "7" }}\n[{key}.extensions.native]\nstd = "c11"\n'
    made = project(EXTENSION + own)
    made.write("src/p/m.c", module("return PyLong_FromLong(PORT);", "#ifndef PORT\n#define PORT 1\n#endif\n"))
    assert ask(guest, made) == "7"
    assert SideModule.parse(made.module().read_bytes(), "m").exports
