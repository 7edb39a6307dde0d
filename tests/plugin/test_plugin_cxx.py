"""C++ extensions for WASI, as a project has them built and as its users meet them."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from hatch_wasi.wasm.module import Module
from hatch_wasi.wasm.side_module import SideModule

PACKAGE = Path(__file__).parents[1] / "packages" / "throwing"
EXPORTS = {"__wasm_call_ctors", "__wasm_apply_data_relocs", "hatch_wasi_describe_exception"}


def build(root: Path) -> Path:
    """Build the package at `root` as hatchling does, and give the folder to import from."""
    shutil.copytree(PACKAGE, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HATCH_WASI_TARGET", "wasi")
        [wheel] = WheelBuilder(str(root)).build(versions=["standard"])
    site = root / "site"
    shutil.unpack_archive(wheel, site, "zip")
    return site


@pytest.fixture(scope="module")
def site(toolchain, tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("throwing") / "project")


@pytest.fixture
def python(guest, site) -> Callable[[str], object]:
    return lambda code: guest("--site", site, "-c", code)


@pytest.fixture
def said(python) -> Callable[[str], str]:
    """Give what an expression about the package's `name` gives in the guest."""

    def ask(name: str, expression: str) -> str:
        done = python(f"from throwing import _{name} as m; print('\\n' + repr({expression}))")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    return ask


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("files", "a.txt deep some text No such file or directory"),
        ("expressions", "22,4444,refused"),
        ("locks", "1 7 refused"),
        ("values", "variant any function vector stoi: no conversion"),
        ("through_c", "thirteen"),
        ("nested", "left unwound outer inner 0"),
        ("storage", "11"),
    ],
)
def test_the_library(said, part, expected):
    assert said("library", f"m.{part}()") == repr(expected)


def test_streams_are_the_guests(python):
    done = python("from throwing import _library; print(_library.streams())")
    assert done.stdout == "to standard output\n3.5 ff true|3.500000|ff\n"
    assert done.stderr == "to standard error\n"


def test_cython(said):
    assert said("words", "m.count(b'to be or not to be')") == "{b'be': 2, b'not': 1, b'or': 1, b'to': 2}"
    assert said("words", "m.check(100)") == "100"
    assert said("words", "m.at([5, 6], 1)") == "6"


@pytest.mark.parametrize(
    ("call", "expected"),
    [("check(101)", "IndexError: no more than 100, not 101"), ("at([5], 3)", "IndexError: vector")],
)
def test_exceptions_in_cython_are_pythons(python, call, expected):
    done = python(f"from throwing import _words; _words.{call}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == expected


def test_jumps(said):
    assert said("jumps", "m.jump()") == "(42, 2)"
    # C11, 7.13.2.1: a longjmp with 0 is one with 1.
    assert said("jumps", "m.jump_out_of_qsort()") == "1"
    assert said("jumps", "[m.jump() for _ in range(1000)].count((42, 2))") == "1000"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one", [(1, 1, 1), (5, 1, 1), (-50, 1, 1)]),
        ("arrays", [(2, 9, 9), (50, 9, 9), (-50, 9, 9)]),
        ("no_exceptions", [(0, 1, 1), (100, 1, 1)]),
        ("tried", [(3, 2, 2), (-1, 2, 2), (7, 2, 2)]),
        ("chosen", [(5, 3, 3), (-1, 2, 2), (-50, 2, 2)]),
        ("again", [(0, 0, 0), (1, 0, 0), (2, 0, 0)]),
        ("nested", [(101, 2, 2), (9, 2, 2), (-50, 2, 2)]),
    ],
)
def test_objects_of_functions_that_call_setjmp(said, name, expected):
    """What a function gives that returns, is left by longjmp, and throws; and how many objects are made and destroyed."""
    assert said("owners", f"[m.run({name!r}, how) for how in range({len(expected)})]") == repr(expected)


def test_what_throws_while_it_is_imported_is_an_import_error(python, site):
    code = "try: import throwing._{0}\nexcept ImportError as error: print(error)\nimport throwing._words; print('on')"
    done = python(code.format("constructor"))
    [module] = site.glob("throwing/_constructor*.so")
    began, went_on = done.stdout.splitlines()
    assert began.startswith(f"{module}: its __wasm_call_ctors ended in a trap: ")
    assert "uncaught C++ exception std::domain_error: impossible (in " in began
    assert went_on == "on"
    [module] = site.glob("throwing/_init*.so")
    done = python(code.format("init"))
    message = f"{module}: its initialization threw a C++ exception std::length_error: too long: 7"
    assert done.stdout.splitlines() == [message, "on"]


@pytest.mark.parametrize(
    ("call", "cause", "frame"),
    [
        ("uncaught()", "Failure: nobody catches this", "uncaught("),
        ("throws(0)", "int", "throws("),
        ("throws(1)", "char const*", "throws("),
        ("throws(2)", "std::bad_alloc: std::bad_alloc", "throws("),
        ("throws(3)", "std::system_error: opening: No such file or directory", "throws("),
        ("throws(4)", "std::filesystem::filesystem_error: filesystem error: in file_size: No such file", "throws("),
        ("throws(5)", "(anonymous namespace)::Hidden", "throws("),
        ("throws(6)", "outer::Generic", "throws("),
        ("throws(7)", "NSt3__26vectorIiNS_9allocatorIiEEEE", "throws("),
    ],
)
def test_an_uncaught_exception_ends_the_guest(python, call, cause, frame):
    done = python(f"from throwing import _library; _library.{call}")
    assert done.returncode == 134
    first, *frames = done.stderr.splitlines()
    assert first.startswith(f"error: the guest crashed: uncaught C++ exception {cause}")
    assert any(frame in line and "_library" in line for line in frames), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("terminated", "std::terminate: uncaught C++ exception Failure: being handled"),
        # Of an exception that leaves a noexcept function, std::terminate is not told by WebAssembly's code.
        ("noexcept_left", "std::terminate was called"),
    ],
)
def test_terminate_says_what_it_knows(python, function, words):
    done = python(f"from throwing import _library; _library.{function}()")
    assert done.returncode == 134
    first, *rest = done.stderr.splitlines()
    assert first == words
    assert any(f"{function}(" in line for line in rest), done.stderr
    assert "Traceback" not in done.stderr


def test_a_jump_to_nowhere_ends_the_guest(python):
    done = python("from throwing import _jumps; _jumps.jump(); _jumps.lost()")
    assert done.returncode == 134
    assert (
        done.stderr.splitlines()[0] == "error: the guest crashed: longjmp, and no function that called setjmp is active"
    )


class TestModules:
    """What the modules are, as files."""

    def module(self, site: Path, name: str) -> SideModule:
        [path] = site.glob(f"throwing/{name}.*.so")
        return SideModule.parse(path.read_bytes(), name)

    @pytest.mark.parametrize("name", ["_library", "_words", "_jumps", "_without", "_with"])
    def test_nothing_of_the_cxx_library_is_exported(self, site, name):
        found = {symbol for symbol in self.module(site, name).exports if symbol not in EXPORTS}
        cython = {"__pyx_module_is_main_throwing___words"} if name == "_words" else set()  # neither static nor hidden
        assert found == {f"PyInit_{name}"} | cython

    def test_without_exceptions_it_is_smaller_and_works(self, site, said, python):
        [smaller] = site.glob("throwing/_without.*.so")
        [larger] = site.glob("throwing/_with.*.so")
        assert smaller.stat().st_size < larger.stat().st_size * 0.8
        song = repr("rex says woof; tom says meow softly; ")
        assert said("without", "m.chorus()") == said("with", "m.chorus()") == song
        tags = {item.name for item in Module(smaller.read_bytes(), "m").imports if item.kind == "tag"}
        assert tags == set()
        done = python("from throwing import _without; _without.too_far()")
        assert done.returncode == 134
        assert "out_of_range was thrown in -fno-exceptions mode" in done.stderr

    def test_the_c_library_is_named(self, site):
        def note(name: str) -> dict[str, object]:
            return json.loads(self.module(site, name).custom("hatch_wasi.abi"))

        assert note("_library")["libcxx"] == note("_library")["clang"]
        assert "libcxx" not in note("_jumps")


def test_two_builds_give_the_same(site, tmp_path):
    other = build(tmp_path / "elsewhere")
    for path in sorted(site.rglob("*.so")):
        assert path.read_bytes() == (other / path.relative_to(site)).read_bytes(), path.name
        assert str(Path(sys.prefix)).encode() not in path.read_bytes()
