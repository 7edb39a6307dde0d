"""What crosses the border between host and guest: functions of any type, values of any type, exceptions of the host."""

import re
from pathlib import Path

import pytest
import wasmtime
from handmade import ENV, THROWS, name, section, side_module

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime.capi import Api, Tagged, find_library
from hatch_wasi.runtime.engine import I32, NESTING, Engine, Function, Rejected, Trapped

IMPORT = """
import importlib.machinery, importlib.util
def load(path, name='it'):
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    return importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
"""
# Opens as many libraries, and tells why that failed.
REFUSED = """
import ctypes
for number in range({count}):
    try: ctypes.CDLL(f'./{{number}}.so')
    except OSError as error: print('OSError', error)
    else: print('loaded')
"""
# Types that the host does not call by, and a body each.
ODD = {
    "i64": "(i64.const 1)", "f32": "(f32.const 1)", "f64": "(f64.const 1)", "v128": "(v128.const i64x2 1 2)",
    "exnref": "(ref.null exn)", "externref": "(ref.null extern)", "funcref": "(ref.null func)",
    "anyref": "(ref.null any)", "i31ref": "(ref.i31 (i32.const 1))", "structref": "(ref.null struct)",
    "(ref i31)": "(ref.i31 (i32.const 1))",
}  # fmt: skip
PLAIN = ["i64", "f32", "f64", "v128", "exnref", "externref", "funcref"]
"""Those that a side module may have in its types, as we read them."""


@pytest.fixture
def engine() -> Engine:
    return Engine(Api(find_library()[0]))


def exports(engine: Engine, text: str) -> object:
    return engine.instantiate_with(engine.compile(bytes(wasmtime.wat2wasm(f"(module {text})"))), [])


@pytest.mark.parametrize("kind", ODD)
def test_functions_of_another_type_are_not_called(engine, kind):
    text = f'(func (export "parameter") (param {kind})) (func (export "result") (result {kind}) {ODD[kind]})'
    instance = exports(engine, text)
    with pytest.raises(Rejected):
        engine.function(instance, b"parameter", I32, b"")(1)
    with pytest.raises(Rejected):
        engine.function(instance, b"result", b"", I32)()
    with pytest.raises(Rejected):
        engine.function(instance, b"result", b"", b"")()


@pytest.mark.parametrize("count", [0, 2, 3, 1000])
def test_functions_with_another_number_of_values_are_not_called(engine, count):
    kinds = "i64 " * count
    text = f"""(func (export "parameters") (param {kinds}) unreachable)
        (func (export "results") (result {kinds}) unreachable)"""
    instance = exports(engine, text)
    with pytest.raises(Rejected):
        engine.function(instance, b"parameters", I32, b"")(1)
    with pytest.raises(Rejected):
        engine.function(instance, b"results", b"", I32)()


def calling(engine: Engine, function: Tagged) -> Function:
    """Return a function of a guest that calls a function of the host."""
    module = engine.compile(bytes(wasmtime.wat2wasm('(module (import "e" "f" (func)) (func (export "f") (call 0)))')))
    made = engine.function(engine.instantiate_with(module, [function]), b"f", b"", b"")
    assert made is not None
    return made


def test_what_is_no_function_is_not_called(engine):
    text = '(global (export "malloc") i32 (i32.const 1)) (memory (export "free") 1) (tag (export "_start"))'
    instance = exports(engine, text)
    for item in (b"malloc", b"free", b"_start"):
        with pytest.raises(LoadError):
            engine.function(instance, item, I32, I32)
    assert engine.function(instance, b"none", I32, I32) is None


@pytest.mark.parametrize("kind", [*ODD, "i32 i32", "f64 i32"])
def test_exceptions_of_unknown_tags_are_traps(engine, kind):
    values = {"i32 i32": "(i32.const 1) (i32.const 2)", "f64 i32": "(f64.const 1) (i32.const 2)"}.get(kind)
    value = values or ODD[kind]
    instance = exports(engine, f'(tag $t (param {kind})) (func (export "f") (throw $t {value}))')
    with pytest.raises(Trapped) as caught:
        engine.function(instance, b"f", b"", b"")()
    assert caught.value.thrown is None


@pytest.mark.parametrize(
    "raised", [RecursionError, KeyboardInterrupt, MemoryError, SystemExit, GeneratorExit, ValueError]
)
def test_exceptions_of_the_host_are_traps(engine, capfd, raised):
    def work(*_: int) -> int:
        raise raised

    function = engine.host_function(b"", b"", work)
    with pytest.raises(Trapped, match=raised.__name__):
        calling(engine, function)()
    assert capfd.readouterr().err == ""


def test_an_exception_that_cannot_be_shown_is_a_trap(engine):
    class Silent(Exception):
        def __repr__(self) -> str:
            raise MemoryError

    def work() -> int:
        raise Silent

    with pytest.raises(Trapped, match="the host has no memory left"):
        calling(engine, engine.host_function(b"", b"", work))()


def test_calls_to_and_fro_end(engine, capfd):
    depths = []

    def work() -> int:
        depths.append(len(depths))
        back()
        return 0

    back = calling(engine, engine.host_function(b"", b"", work))
    with pytest.raises(Trapped, match="levels deep"):
        back()
    assert len(depths) == NESTING
    assert capfd.readouterr().err == ""


# The same in a guest, by side modules.

DESCRIBE = '(func (export "hatch_wasi_describe_exception")'
SEEN = {
    "more parameters": f"{DESCRIBE} (param {'i64 ' * 200}))",
    "results": f"{DESCRIBE} (param i32 i32 i32) (result {'i64 ' * 1000}) {'(i64.const -1)' * 1000})",
    "one result": f"{DESCRIBE} (param i32 i32 i32) (result i32) (i32.const 1))",
    "references": f"{DESCRIBE} (param funcref i32 i32) (drop (ref.is_null (local.get 0))))",
    "exceptions": f"{DESCRIBE} (param exnref i32 i32))",
    "vectors": f"{DESCRIBE} (param v128 i32 i32))",
    "nothing": f"{DESCRIBE})",
    "a global": '(global (export "hatch_wasi_describe_exception") i32 (i32.const 0))',
    "a tag": '(tag (export "hatch_wasi_describe_exception"))',
    "a vector": '(global (export "hatch_wasi_describe_exception") v128 (v128.const i64x2 1 2))',
}


def test_exceptions_are_described_by_functions_of_the_right_type_only(guest, tmp_path):
    for number, text in enumerate(SEEN.values()):
        (tmp_path / f"{number}.so").write_bytes(side_module(THROWS + text))
    code = f"""{IMPORT}
for number in range({len(SEEN)}):
    try: load(f'./{{number}}.so')
    except ImportError as error: print('ImportError', error)
"""
    done = guest("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(SEEN)
    for number, line in enumerate(lines):
        assert line == f"ImportError {tmp_path}/{number}.so: its initialization threw a C++ exception"


def test_functions_that_the_loader_calls_have_no_other_type(guest, tmp_path):
    expected = []
    for function in ("__wasm_call_ctors", "_initialize", "__wasm_apply_data_relocs"):
        for kind in ("(param i32)", "(result i64) (i64.const 1)", "(param exnref v128)"):
            text = f'{ENV} (func (export "{function}") {kind})'
            (tmp_path / f"{len(expected)}.so").write_bytes(side_module(text))
            expected.append(f"its {function} is ")
    done = guest("-c", REFUSED.format(count=len(expected)))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [text for text, line in zip(expected, lines, strict=True) if text not in line] == []


@pytest.mark.parametrize(
    "kind", ["(param i32) (result i32) (i32.const 0)", "(result i64) (i64.const 0)", "(param v128)"]
)
def test_an_initialization_of_another_type_is_an_import_error(guest, tmp_path, kind):
    """CPython would call it, and trap."""
    (tmp_path / "it.so").write_bytes(side_module(f'(func (export "PyInit_it") {kind})'))
    code = f"{IMPORT}\ntry: load('./it.so')\nexcept ImportError as error: print(error)"
    done = guest("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert "its PyInit_it is " in done.stdout
    assert "and must be () -> (i32)" in done.stdout


def test_functions_of_any_type_are_called_by_nobody_who_cannot_write_it(guest, tmp_path):
    """Through ctypes, and out of a table that the module has filled."""
    for number, kind in enumerate(PLAIN):
        text = f"""
            (import "env" "__indirect_function_table" (table 4 funcref))
            (import "env" "__table_base" (global $slots i32))
            (func $odd (export "odd") (param {kind}) (result {kind}) (local.get 0))
            (func $none (export "none") (param {kind}))
            (func $gives (export "gives") (result {kind}) {ODD[kind]})
            (func (export "slot") (result i32) (global.get $slots))
            (elem (global.get $slots) func $odd $none $gives)"""
        (tmp_path / f"{number}.so").write_bytes(side_module(ENV + text, table=4))
    code = f"""
import ctypes
def tried(function, *arguments):
    try: function(*arguments)
    except Exception as error: return type(error).__name__
    return 'called'
for number in range({len(PLAIN)}):
    lib = ctypes.CDLL(f'./{{number}}.so')
    slots = [ctypes.CFUNCTYPE(None, ctypes.c_int)(lib.slot() + index) for index in range(4)]
    functions = [lib.odd, lib.none, lib.gives, *slots]
    print(*(tried(function, 1) for function in functions))
"""
    done = guest("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == len(PLAIN)
    # What ctypes has names for is a TypeError that tells them; the rest might as well be no function.
    assert [row[0] for row in rows] == ["TypeError"] * 3 + ["ValueError"] * 4
    assert {word for row in rows[3:] for word in row} == {"ValueError"}


@pytest.mark.parametrize("kind", ["v128", "exnref", "f64"])
def test_globals_and_tags_of_any_type(guest, tmp_path, kind):
    text = f"""(global (export "value") {kind} {ODD[kind]}) (tag $own (export "tag") (param {kind}))
        (func (export "throws") (throw $own {ODD[kind]}))"""
    (tmp_path / "it.so").write_bytes(side_module(ENV + text))
    code = """
import ctypes
lib = ctypes.CDLL('./it.so')
for name in ('value', 'tag'):
    try: print(getattr(lib, name))
    except AttributeError: print('none', flush=True)
lib.throws()
"""
    done = guest("-c", code)
    assert done.stdout == "none\nnone\n"
    assert done.returncode == 134
    assert done.stderr.startswith("error: the guest crashed: ")


IMPORTS = {
    "a table of exceptions": '(import "env" "__indirect_function_table" (table 0 exnref))',
    "a table of others": '(import "env" "__indirect_function_table" (table 0 externref))',
    "a vector": '(import "env" "__stack_pointer" (global (mut v128)))',
    "an exception": '(import "env" "__memory_base" (global exnref))',
    "a GOT entry": '(import "GOT.mem" "PyExc_ImportError" (global (mut v128)))',
    "a GOT entry of functions": '(import "GOT.func" "malloc" (global (mut funcref)))',
    "a tag of vectors": '(import "env" "__cpp_exception" (tag (param v128)))',
    "a tag of exceptions": '(import "env" "__other" (tag (param exnref)))',
    "a function": '(import "env" "malloc" (func (param v128) (result exnref)))',
    "a memory of 64 bits": '(import "env" "memory" (memory i64 0))',
    "a table of 64 bits": '(import "env" "__indirect_function_table" (table i64 0 funcref))',
    "a shared memory": '(import "env" "memory" (memory 0 65536 shared))',
}


def test_imports_of_other_types_are_refused(guest, tmp_path):
    for number, text in enumerate(IMPORTS.values()):
        (tmp_path / f"{number}.so").write_bytes(side_module(text))
    done = guest("-c", REFUSED.format(count=len(IMPORTS)))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == ["OSError"] * len(IMPORTS)


def chain(folder: Path, count: int, text: str = "") -> None:
    for number in range(count):
        needed = [f"m{number + 1}.so"] if number < count - 1 else []
        (folder / f"m{number}.so").write_bytes(side_module(ENV + text, needed=needed))


def test_a_chain_of_libraries_has_an_end(guest, tmp_path):
    chain(tmp_path, 400)
    done = guest("-c", "import ctypes\ntry: ctypes.CDLL('./m0.so')\nexcept OSError as error: print('OSError', error)")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^OSError .*more than \d+ modules need or open each other", done.stdout)


def test_a_long_list_of_libraries_is_loaded(guest, tmp_path):
    chain(tmp_path, 30)
    done = guest("-c", "import ctypes; ctypes.CDLL('./m0.so'); print('loaded')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "loaded\n", "")


def test_constructors_that_open_the_next_module_have_an_end(guest, tmp_path):
    count = 200
    for number in range(count):
        path = f"{tmp_path}/m{number + 1}.so"
        text = f"""{ENV} (import "env" "dlopen" (func $open (param i32 i32) (result i32)))
            (data (global.get $base) "{path}\\00")
            (func (export "__wasm_call_ctors") (drop (call $open (global.get $base) (i32.const 2))))"""
        (tmp_path / f"m{number}.so").write_bytes(side_module(text, memory=len(path) + 1))
    done = guest("-c", f"import ctypes; ctypes.CDLL('{tmp_path}/m0.so'); print('loaded')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "loaded\n", "")


def test_memory_that_is_full_when_the_loader_is_made(guest, tmp_path):
    (tmp_path / "it.so").write_bytes(side_module(ENV))
    code = """
import _ctypes
small = [bytes(3000) for _ in range(64)]
held, size = None, 1 << 24
while size >= 2048:
    try: held = held, bytearray(size)
    except MemoryError: size //= 2
del small[::2]
try: _ctypes.dlopen('./it.so', 0)
except OSError as error: text = str(error)
held = None
print(text)
print(_ctypes.dlopen('./it.so', 0) > 0)
"""
    done = guest("--max-memory", "64M", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("the loader cannot be made: no memory for ")
    assert second == "True"


HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eevil\n  error: run this\nCaused by:\n    hatch"


def test_names_out_of_a_module_are_shown_and_not_obeyed(guest, tmp_path):
    functions = section(1, b"")[:1] + name(b"\x01\0" + name(HOSTILE))
    names = section(0, name("name") + b"\0" + name(name("mod\x1b[1m")) + functions)
    (tmp_path / "it.so").write_bytes(side_module('(func (export "f") unreachable)', after=names))
    done = guest("-c", "import ctypes; ctypes.CDLL('./it.so').f()")
    assert done.returncode == 134
    assert all(sign.isprintable() or sign == "\n" for sign in done.stderr)
    assert done.stderr.startswith(
        "error: the guest crashed: wasm `unreachable` instruction executed\n  at mod\\x1b[1m!"
    )
    assert not [line for line in done.stderr.splitlines() if line.strip().startswith("error: run")]


def test_names_of_imports_are_shown_and_not_obeyed(guest, tmp_path):
    imports = section(2, b"\x01" + name("env") + name(HOSTILE) + b"\0\0")
    (tmp_path / "it.so").write_bytes(side_module("(type (func))", after=imports))
    code = "import ctypes\ntry: ctypes.CDLL('./it.so')\nexcept OSError as error: print(ascii(str(error)))"
    done = guest("-c", code)
    assert done.returncode == 0
    assert "\\\\x1b]0;title" in done.stdout
    assert done.stdout.count("\\n") == done.stdout.count("\\\\n")
