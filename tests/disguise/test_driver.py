"""What the compiler driver makes: the exports of its modules, setjmp in C++, and what it refuses."""

import subprocess
from pathlib import Path

import pytest

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.disguise.toolset import Toolset
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wasm.side_module import SideModule

OWNERS = Path(__file__).parents[1] / "packages" / "throwing" / "src" / "throwing" / "owners.cpp"
OWN = {"__wasm_call_ctors", "__wasm_apply_data_relocs", "__wasm_apply_global_relocs", "hatch_wasi_describe_exception"}
INIT = "void *PyInit_m(void) { return 0; }\n"
LOW = "int low(void) { return 4; }\nint lower(void) { return 3; }\n"
HIGH = "extern int low(void);\nint high(void) { return low(); }\nint value = 3;\n"


class Tools:
    """The programs of a toolset, called in a folder with sources."""

    def __init__(self, toolset: Toolset, folder: Path) -> None:
        self.toolset = toolset
        self.folder = folder

    def write(self, **sources: str) -> None:
        for name, text in sources.items():
            (self.folder / name.replace("_", ".")).write_text(text)

    def __call__(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = [self.toolset.program(name), *words]
        return subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, check=False)

    def exports(self, name: str, *words: str) -> set[str]:
        done = self(name, *words)
        assert done.returncode == 0, done.stderr
        return set(SideModule.parse((self.folder / "m.so").read_bytes(), "m.so").exports) - OWN


@pytest.fixture(scope="module")
def toolset(
    cache: Cache, wasi_sdk: WasiSdk, wasi_python: WasiPython, tmp_path_factory: pytest.TempPathFactory
) -> Toolset:
    folder = tmp_path_factory.mktemp("toolset")
    none = folder / "none"
    made = Toolset(
        folder=folder / "tools", sdk=wasi_sdk, python=wasi_python, hidden=(folder,), site_packages=none,
        cxx=bootstrap.ensure_cxx(cache, Console(), wasi_sdk), target_packages=none,
    )  # fmt: skip
    made.write()
    return made


@pytest.fixture
def tools(toolset: Toolset, tmp_path: Path) -> Tools:
    return Tools(toolset, tmp_path)


def test_plain_symbols_are_exported_and_those_of_static_libraries_are_not(tools: Tools) -> None:
    tools.write(init_c=INIT, low_c=LOW, high_c=HIGH)
    assert tools("cc", "-c", "init.c", "low.c", "high.c").returncode == 0
    for kind in ("rcs", "rcsT"):
        (tools.folder / "libLOW.a").unlink(missing_ok=True)
        assert tools("ar", kind, "libLOW.a", "low.o").returncode == 0
        assert tools.exports("cc", "-shared", "-o", "m.so", "init.o", "high.o", "libLOW.a") == {
            "PyInit_m", "high", "value"
        }  # fmt: skip
        # For ctypes: all is an interface.
        assert tools.exports("cc", "-shared", "-o", "m.so", "high.o", "libLOW.a") == {"high", "low", "lower", "value"}
    whole = ["-Wl,--whole-archive", "libLOW.a", "-Wl,--no-whole-archive"]
    assert tools.exports("cc", "-shared", "-o", "m.so", "init.o", *whole) == {"PyInit_m", "low", "lower"}
    whole[1:2] = ["-L.", "-lLOW"]
    assert tools.exports("cc", "-shared", "-o", "m.so", "init.o", *whole) == {"PyInit_m", "low", "lower"}


def test_a_projects_visibility_wins(tools: Tools) -> None:
    tools.write(
        m_cpp='extern "C" {\n' + INIT.replace("void *", '__attribute__((visibility("default"))) void *', 1) + LOW + "}"
    )
    assert tools("c++", "-c", "m.cpp").returncode == 0
    assert tools.exports("c++", "-shared", "-o", "m.so", "m.o") == {"PyInit_m", "low", "lower"}
    assert tools("c++", "-fvisibility=hidden", "-c", "m.cpp").returncode == 0
    assert tools.exports("c++", "-shared", "-o", "m.so", "m.o") == {"PyInit_m"}


def test_compiling_and_linking_at_once(tools: Tools) -> None:
    tools.write(m_c=INIT + LOW)
    assert {"PyInit_m", "low", "lower"} <= tools.exports("cc", "-shared", "-o", "m.so", "m.c")


def test_a_package_that_is_an_extension(tools: Tools) -> None:
    tools.write(init_c="void *PyInit_both(void) { return 0; }\nvoid *PyInit___init__(void) { return 0; }\n")
    (tools.folder / "both").mkdir()
    assert tools("cc", "-fvisibility=hidden", "-c", "init.c").returncode == 0
    done = tools("cc", "-shared", "-o", "both/__init__.cpython-313-wasm32-wasi.so", "init.o")
    assert done.returncode == 0, done.stderr
    [module] = (tools.folder / "both").iterdir()
    assert set(SideModule.parse(module.read_bytes(), "m").exports) - OWN == {"PyInit_both", "PyInit___init__"}


@pytest.mark.parametrize("options", ["-O2", "-O0", "-O3 -g -MD -MF x.d"])
def test_objects_of_functions_that_call_setjmp(tools: Tools, guest, tmp_path: Path, options: str) -> None:
    done = tools("c++", *options.split(), "-c", str(OWNERS), "-o", "owners.o")
    assert done.returncode == 0, done.stderr
    assert (tools.folder / "x.d").is_file() == ("-MF" in options)
    assert not list(tools.folder.glob("*.ll"))
    done = tools("c++", "-shared", "owners.o", "-o", "_owners.so")
    assert done.returncode == 0, done.stderr
    ran = guest(
        "--site", tmp_path, "-c", "import _owners as o; print([o.run(n, 1) for n in ('one', 'arrays', 'nested')])"
    )
    assert ran.stdout == "[(5, 1, 1), (50, 9, 9), (9, 2, 2)]\n", ran.stderr


def test_what_cannot_hold_is_refused(tools: Tools) -> None:
    tools.write(m_c=LOW)
    done = tools("cc", "-fshort-wchar", "-c", "m.c")
    assert done.returncode == 1
    assert "-fshort-wchar" in done.stderr
    assert not (tools.folder / "m.o").exists()


def test_errors_of_the_compiler_are_its_own(tools: Tools) -> None:
    tools.write(m_cpp="int x = ;")
    done = tools("c++", "-c", "m.cpp")
    assert done.returncode == 1
    assert "m.cpp:1:9: error:" in done.stderr
