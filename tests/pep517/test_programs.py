"""Programs that a build makes and runs: they are for WASI, run there, and behave as the build expects of its own."""

import os
import stat
import zipfile

import pytest
from making import fails, made, unpack
from projects import EXTENSION, PROJECT, SCIKIT, SETUPTOOLS, C, write

# Reads a file of the source folder beside its own, writes one below its working folder, says what it was given.
TOOL = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char line[100] = "", folder[4096];
    if (argc > 2 && !strcmp(argv[1], "exit"))
        return atoi(argv[2]);
    if (argc > 1 && !strcmp(argv[1], "abort"))
        abort();
    if (argc > 2 && !strcmp(argv[1], "open")) {
        FILE *file = fopen(argv[2], argv[3]);
        puts(file ? "opened" : "refused");
        return 0;
    }
    FILE *in = fopen("../number.txt", "r"), *out = fopen(argv[1], "w");
    if (!in || !out || !fgets(line, 100, in))
        return 3;
    fprintf(out, "#define NUMBER %d\\n#define POINTER %d\\n", atoi(line), (int)sizeof(void *));
    fclose(out);
    if (!fgets(line, 100, stdin))
        strcpy(line, "(nothing)");
    const char *color = getenv("COLOR"), *secret = getenv("THEIR_SECRET");
    printf("%s|%s|%s|%s|%s\\n", argv[0], getcwd(folder, sizeof folder), line, color ? color : "-", secret ? secret : "-");
    fputs("to stderr\\n", stderr);
    return 0;
}
"""
BUILD = """\
import os, shutil, subprocess, sys
from setuptools import Extension, setup
os.makedirs("folder", exist_ok=True)
def run(*words, **named):
    return subprocess.run(words, capture_output=True, text=True, **named)
compiler = run("cc", "tool.c", "-o", "tool")
assert compiler.returncode == 0, compiler.stderr
"""


def setup_py(*lines: str) -> str:
    return BUILD + "".join(f"{line}\n" for line in lines) + EXTENSION.partition("\n")[2].format("answer.c", "")


def tool_project(folder, *lines: str):
    """A project whose build makes `tool` and does what `lines` say."""
    project = write("setuptools-c", folder)
    (project / "tool.c").write_text(TOOL)
    (project / "number.txt").write_text("41\n")
    (project / "setup.py").write_text(setup_py(*lines))
    (project / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + "[tool.setuptools]\npy-modules = ['told']\n")
    return project


def told(wheel, tmp_path, *lines: str, **env: str):
    """Build a project that writes what it found out into `told.py`, as `TOLD`; give that."""
    write_told = "open('told.py', 'w').write(f'TOLD = {found!r}')"
    done = wheel(tool_project(tmp_path / "project", *lines, write_told), **env)
    assert done.returncode == 0, done.stderr
    text = (unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site") / "told.py").read_text()
    found: dict[str, object] = {}
    exec(text, found)
    return found["TOLD"]


def test_a_program_behaves_as_one_of_the_machine(wheel, tmp_path):
    """Words, streams, folder, variables and status; files above its folder and below; called through the PATH."""
    header, out, err, status, path = told(
        wheel,
        tmp_path,
        "os.environ['PATH'] += os.pathsep + os.getcwd()",
        "done = run('tool', 'made.h', cwd='folder', input='a line', env={**os.environ, 'COLOR': 'blue'})",
        "found = open('folder/made.h').read(), done.stdout, done.stderr, done.returncode, os.getcwd()",
        THEIR_SECRET="hidden",
    )
    assert (header, err, status) == ("#define NUMBER 41\n#define POINTER 4\n", "to stderr\n", 0)
    assert out == f"{path}/tool|{path}/folder|a line|blue|-\n"


def test_its_exit_status_is_the_programs(wheel, tmp_path):
    found = told(
        wheel,
        tmp_path,
        "found = [run('./tool', *words.split()).returncode for words in ('exit 0', 'exit 3', 'exit 200', 'abort')]",
    )
    assert found == [0, 3, 200, 134]


def test_a_crash_says_what_happened(wheel, tmp_path):
    (said,) = told(wheel, tmp_path, "found = [run('./tool', 'abort').stderr]")
    assert said.startswith("hatch-wasi: ./tool: ")
    assert "abort" in said


def test_a_program_in_cxx_throws_and_catches(wheel, tmp_path):
    project = tool_project(
        tmp_path / "p",
        'built = run("c++", "throw.cpp", "-o", "throw")',
        "assert built.returncode == 0, built.stderr",
        'assert run("./throw").stdout == "caught: why\\n"',
    )
    (project / "throw.cpp").write_text(
        "#include <iostream>\n#include <stdexcept>\n"
        'int main() { try { throw std::runtime_error("why"); }\n'
        'catch (std::exception &e) { std::cout << "caught: " << e.what() << std::endl; } }\n'
    )
    done = wheel(project)
    assert done.returncode == 0, done.stderr


def test_it_can_be_copied_and_stripped(wheel, tmp_path):
    """What reads or changes programs meets a module; what it leaves runs."""
    found = told(
        wheel,
        tmp_path,
        "shutil.copy('tool', 'folder/copy')",
        "before = os.path.getsize('folder/copy')",
        "done = [run(*words.split()) for words in ('strip folder/copy', 'nm tool', 'objcopy tool folder/second', './folder/copy exit 7', './folder/second exit 8', './tool exit 9')]",
        "found = [step.returncode for step in done], ' main' in done[1].stdout, os.path.getsize('folder/copy') < before",
    )
    assert found == ([0, 0, 0, 7, 8, 9], True, True)


def test_it_sees_the_folders_of_the_build_alone(wheel, tmp_path):
    (tmp_path / "private.txt").write_text("")
    found = told(
        wheel,
        tmp_path,
        "top = os.path.dirname(os.environ['TMPDIR'])",
        f"asked = [('/etc/passwd', 'r'), ({str(tmp_path / 'private.txt')!r}, 'r'), ('../../../../../etc/passwd', 'r'), ('number.txt', 'r'), ('new.txt', 'w'), "
        "(os.environ['TMPDIR'] + '/new', 'w'), (top + '/toolset/bin/cc', 'r'), (top + '/toolset/bin/cc', 'w'), (top + '/env/new.pth', 'w'), (top + '/source/../env/new', 'w')]",
        "found = [run('./tool', 'open', *words).stdout.strip() for words in asked]",
    )
    assert found == ["refused"] * 3 + ["opened"] * 4 + ["refused"] * 3


@pytest.mark.parametrize("name", ["gcc", "clang", "x86_64-linux-gnu-gcc", "c99", "g++", "clang++"])
def test_compilers_are_called_by_any_name(wheel, guest, tmp_path, name):
    """A Makefile of other people's: what it compiles is for WASI, whatever it calls."""
    project = write("setuptools-c", tmp_path / "project")
    suffix = "cc" if "++" in name else "c"
    extern = 'extern "C" ' if suffix == "cc" else ""
    (project / f"own.{suffix}").write_text(f"{extern}int own(void) {{ return sizeof(long); }}\n")
    (project / "Makefile").write_text(
        f"libown.a: own.o\n\tar rcs $@ $^\n\tranlib $@\nown.o: own.{suffix}\n\t{name} -O2 -fPIC -march=native -c -o $@ $<\n"
    )
    text = EXTENSION.format("answer.c", "extra_objects=['libown.a']")
    (project / "setup.py").write_text("import subprocess\nsubprocess.check_call(['make'])\n" + text)
    (project / "answer.c").write_text("int own(void);\n" + C.replace("sizeof(long)", "own()"))
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert guest("--site", site, "-c", "import answer; print(answer.ask(9.0))").stdout == "7.0\n"


def test_a_compiler_of_this_machine_is_called_as_it_is_for_wasi(wheel, tmp_path):
    """Names with a version, which no list can have: those that are on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gcc-999").symlink_to("/bin/false")
    (programs / "riscv64-unknown-linux-gnu-g++-12").symlink_to("/bin/false")
    found = told(
        wheel,
        tmp_path,
        "run('gcc-999', 'tool.c', '-o', 'first'), run('riscv64-unknown-linux-gnu-g++-12', '-v')",
        "found = run('./first', 'exit', '5').returncode, 'wasm32' in run('riscv64-unknown-linux-gnu-g++-12', '-v').stderr",
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
    )
    assert found == (5, True)


CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(answer LANGUAGES C)
include(CheckCSourceRuns)
check_c_source_runs("int main(void) { return sizeof(void *) == 4 ? 0 : 1; }" RUNS)
check_c_source_runs("int main(void) { return 1; }" FAILS)
try_run(STATUS COMPILED ${CMAKE_BINARY_DIR}/try ${CMAKE_SOURCE_DIR}/status.c RUN_OUTPUT_VARIABLE OUTPUT)
if(NOT RUNS OR FAILS OR NOT STATUS EQUAL 3 OR NOT OUTPUT STREQUAL "said")
  message(FATAL_ERROR "runs: ${RUNS} ${FAILS} ${STATUS} ${OUTPUT}")
endif()
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
add_executable(tool tool.c)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/folder)
file(COPY number.txt DESTINATION ${CMAKE_BINARY_DIR})
add_custom_command(OUTPUT made.h COMMAND tool ${CMAKE_CURRENT_BINARY_DIR}/made.h DEPENDS tool WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/folder)
add_custom_command(OUTPUT second.h COMMAND $<TARGET_FILE:tool> ../second.h DEPENDS tool WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/folder)
python_add_library(answer MODULE answer.c made.h second.h WITH_SOABI)
target_include_directories(answer PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
install(TARGETS answer DESTINATION .)
install(TARGETS tool DESTINATION programs)
"""


def test_cmake_runs_what_it_checks_and_generators(wheel, guest, tmp_path):
    project = tool_project(tmp_path / "project")
    (project / "setup.py").unlink()
    (project / "pyproject.toml").write_text(SCIKIT % "" + PROJECT)
    (project / "CMakeLists.txt").write_text(CMAKE)
    (project / "status.c").write_text('#include <stdio.h>\nint main(void) { printf("said"); return 3; }\n')
    (project / "answer.c").write_text(
        '#include "made.h"\n#include "second.h"\n' + C.replace("sizeof(long)", "NUMBER + POINTER")
    )
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    (name,) = made(tmp_path)
    site = unpack(tmp_path / "out" / name, tmp_path / "site")
    assert guest("--site", site, "-c", "import answer; print(answer.ask(9.0))").stdout == "48.0\n"
    assert (site / "programs" / "tool").read_bytes()[:4] == b"\0asm", "a wheel has the program as it is"
    with zipfile.ZipFile(tmp_path / "out" / name) as archive:
        assert archive.getinfo("programs/tool").external_attr >> 16 & stat.S_IXUSR


MESON = """\
project('answer', 'c', version: '1.0')
py = import('python').find_installation(pure: false)
cc = meson.get_compiler('c')
ran = cc.run('#include <stdio.h>\\nint main(void) { printf("%d", (int)sizeof(void *)); return 3; }')
assert(ran.returncode() == 3 and ran.stdout() == '4')
add_languages('c', native: true)
theirs = executable('theirs', 'size.c', native: true)
ours = executable('ours', 'size.c')
headers = []
foreach name, tool : {'THEIRS': theirs, 'OURS': ours}
  headers += custom_target(name, output: name + '.h', command: [tool, '@OUTPUT@', name])
endforeach
py.extension_module('answer', 'answer.c', headers, install: true)
"""
SIZE = """\
#include <stdio.h>
int main(int argc, char **argv)
{
    FILE *out = fopen(argv[1], "w");
    return !out || fprintf(out, "#define %s %d\\n", argv[2], (int)sizeof(void *)) < 0 || fclose(out);
}
"""


def test_meson_runs_what_it_makes_and_builds_native_tools_for_the_machine(wheel, guest, tmp_path):
    """A native tool is compiled by the machine's own compiler, for the machine."""
    project = write("meson-python", tmp_path / "project")
    (project / "meson.build").write_text(MESON)
    (project / "size.c").write_text(SIZE)
    (project / "answer.c").write_text(
        '#include "OURS.h"\n#include "THEIRS.h"\n' + C.replace("sizeof(long)", "OURS * 100 + THEIRS")
    )
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    assert guest("--site", site, "-c", "import answer; print(answer.ask(9.0))").stdout == "411.0\n"


def test_a_program_that_fails_fails_the_build(wheel, tmp_path):
    project = tool_project(tmp_path / "project", "subprocess.check_call(['./tool', 'exit', '9'])")
    assert "returned non-zero exit status 9" in fails(wheel(project), tmp_path)
