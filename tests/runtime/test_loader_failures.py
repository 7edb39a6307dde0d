"""Side modules that cannot be loaded: an ImportError that says which, what and why, and nothing left behind."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

# Tries to import each file under the name of the module it was made from, and tells how that ended.
TRY_ALL = """
import importlib.machinery, importlib.util, json, sys
def attempt(name, path):
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    try: importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    except (ImportError, SystemError) as error: return type(error).__name__ + ': ' + str(error)
    return 'loaded'
"""


@pytest.fixture
def refusal(python):
    """Import a module that cannot be; gives the error's text, after making sure that the guest lives on."""

    def text(name: str) -> str:
        code = (
            f"try: import {name}\nexcept ImportError as error: first = str(error)\n"
            f"try: import {name}\nexcept ImportError as error: assert str(error) == first, error\n"
            "print(first)"
        )
        done = python(code)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    return text


def test_undefined_symbols_are_all_named(build, refusal):
    path = build("undefined")
    assert set(refusal("undefined").removeprefix(f"{path}: ").split("; ")) == {
        "undefined symbol: no_such_function",
        "undefined symbol: no_such_variable",
    }


def test_function_of_another_type_is_refused(build, refusal):
    path = build("mismatch")
    assert refusal("mismatch") == (
        f"{path}: PyArg_UnpackTuple is declared (i32) -> (f64), but is (i32, i32, i32, i32, i32) -> (i32) in python.wasm"
    )


@pytest.mark.parametrize(
    ("name", "host", "symbol"),
    [("host_import", "wasi_snapshot_preview1", "path_unlink_file"), ("unknown_host", "made_up", "thing")],
)
def test_host_functions_are_refused(build, refusal, name, host, symbol):
    path = build(name)
    expected = f"it imports {symbol} from the host module '{host}': extension modules can only use python.wasm's"
    assert refusal(name) == f"{path}: {expected}"


def test_build_for_another_python_is_refused(build, refusal):
    path = build("callback", name="other_python", exports=["PyInit_callback"], abi={"soabi": "cpython-314-wasm32-wasi"})
    assert refusal("other_python") == (
        f"{path}: built for Python cpython-314-wasm32-wasi, but this is Python cpython-313-wasm32-wasi "
        "(install a build for this Python)"
    )


def test_build_for_another_wasi_libc_is_refused(build, refusal, wasi_python):
    path = build("callback", name="other_libc", exports=["PyInit_callback"], abi={"wasi_libc": "1234567"})
    assert f"{path}: built for wasi-libc 1234567, but this is wasi-libc {wasi_python.wasi_libc}" in refusal(
        "other_libc"
    )


def test_build_for_this_python_and_stable_abi_are_loaded(build, answer, wasi_python):
    soabi = {"soabi": "cpython-313-wasm32-wasi", "wasi_libc": wasi_python.wasi_libc, "schema": 1}
    path = build("callback", name="this_python", exports=["PyInit_callback"], abi=soabi)
    stable = build("callback", name="stable", exports=["PyInit_callback"], abi={**soabi, "soabi": "abi3"})
    before = f"{TRY_ALL}\nresults = [attempt('callback', path) for path in {[str(path), str(stable)]!r}]"
    assert answer("results", before) == ["loaded", "loaded"]


@pytest.mark.parametrize("content", ["{", "[1]", "[" * 5000])
def test_unreadable_abi_section_is_refused(build, refusal, content):
    name = f"bad_abi_{len(content)}"
    build("callback", name=name, exports=["PyInit_callback"], abi=content)
    assert "its hatch_wasi.abi section cannot be read" in refusal(name)


def test_plain_wasm_is_no_side_module(build, refusal, wasi_sdk):
    path = build.folder / "plain_wasm.so"
    build._compile(Path(__file__).parent.parent / "packages" / "loader" / "plain.c", path)
    text = refusal("plain_wasm")
    assert text.startswith(f"{path} is not a side module: it does not begin with a dylink.0 section")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x7fELF" + bytes(100), "malformed WebAssembly: it does not begin with \\0asm"),
        (b"\0asm", "not a core module of version 1"),
        (b"\0asm\x01\0\0\0", "not a side module"),
    ],
)
def test_other_files_are_refused(build, refusal, content, reason):
    (build.folder / "other_file.so").write_bytes(content)
    assert reason in refusal("other_file")


def test_a_file_that_no_memory_could_hold_is_refused_by_its_size(build, refusal):
    with (build.folder / "huge_file.so").open("wb") as file:
        file.truncate(3 << 30)
    try:
        assert "the file is larger than 2 GiB" in refusal("huge_file")
    finally:
        (build.folder / "huge_file.so").unlink()


def test_trap_in_a_constructor(build, python, answer):
    path = build("trap_in_constructor")
    build("callback")
    # The constructor has moved the stack pointer by 100,000 bytes each time: the loader must put it back.
    done = python(
        "for _ in range(300):\n"
        "    try: import trap_in_constructor\n"
        "    except ImportError as error: text = str(error)\n"
        "import callback; print(callback.evaluate('sum([1, 2])')); print(text)"
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, text = done.stdout.splitlines()
    assert first == "3"
    assert text.startswith(f"{path}: its __wasm_call_ctors ended in a trap: wasm `unreachable` instruction executed")


def test_exit_in_a_constructor_ends_the_process(build, python):
    build("exit_in_constructor")
    done = python("import exit_in_constructor")
    assert (done.returncode, done.stderr) == (42, "")


def test_trap_is_told_with_its_backtrace(build, python):
    build("crash")
    done = python("import crash; crash.divide_by_zero(0)")
    assert done.returncode == 134
    lines = done.stderr.splitlines()
    assert lines[:2] == ["error: the guest crashed: integer divide by zero", "  at crash.so!divide"]
    assert "  at python.wasm!PyEval_EvalCode" in lines
    assert "Traceback" not in done.stderr


def test_module_that_failed_can_be_loaded_when_it_is_mended(build, python, tmp_path):
    broken, good = build("undefined").read_bytes(), build("callback").read_bytes()
    (tmp_path / "bad").write_bytes(broken)
    (tmp_path / "good").write_bytes(good)
    done = python(
        f"{TRY_ALL}\n"
        "import shutil\n"
        "def put(source): shutil.copyfile(source, 'callback.so'); return attempt('callback', 'callback.so')\n"
        "print([put('bad').split(':')[0], put('good'), put('bad')])"
    )
    # The last: a module that is loaded stays, whatever happens to its file.
    assert done.stdout == "['ImportError', 'loaded', 'loaded']\n", done.stderr


def mutations(data: bytes) -> st.SearchStrategy[bytes]:
    def flip(bits: list[int]) -> bytes:
        changed = bytearray(data)
        for bit in bits:
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    truncated = st.integers(0, len(data) - 1).map(lambda size: data[:size])
    flipped = st.lists(st.integers(0, len(data) * 8 - 1), min_size=1, max_size=4).map(flip)
    return st.one_of(truncated, flipped)


def test_truncated_and_bit_flipped_modules_never_hurt_the_host(build, python, tmp_path):
    """All in one guest: each either loads or is an ImportError; the guest goes on and loads a good one at last."""
    data = build("got_data").read_bytes()
    # Changed code may do anything that a module may do, endless loops too: only what is around it is changed.
    code_begin = data.index(b"\x0a", data.index(b"PyInit_got_data"))
    cases: list[bytes] = []

    @settings(max_examples=250, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(mutations(data[:code_begin]))
    def collect(changed: bytes) -> None:
        cases.append(changed if len(changed) < code_begin else changed + data[code_begin:])

    collect()
    for number, case in enumerate([*cases, data]):
        (tmp_path / f"case{number}.so").write_bytes(case)
    script = f"{TRY_ALL}\nprint(json.dumps([attempt('got_data', f'case{{n}}.so') for n in range({len(cases) + 1})]))"
    done = python(script, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads(done.stdout)
    assert results[-1] == "loaded"
    refused = [text for text in results if text != "loaded"]
    assert len(refused) > len(cases) / 2
    assert all(text.startswith(("ImportError: ", "SystemError: ")) for text in refused)
    assert not [text for text in refused if "defect of hatch-wasi" in text]
