"""The host with CPython's debug allocator, which overwrites what is freed: pointers outlive nothing."""

import pytest
from handmade import ENV, THROWS, side_module

MODES = [{"PYTHONMALLOC": "debug"}, {"PYTHONMALLOC": "malloc_debug"}, {"PYTHONDEVMODE": "1"}]
CODE = """
import ctypes, importlib.machinery, importlib.util
lib = ctypes.CDLL(None)
numbers = (ctypes.c_int * 5)(3, 1, 2, 5, 4)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
lib.qsort(numbers, 5, 4, compare(lambda a, b: a[0] - b[0]))
print(*numbers)
try: lib.qsort(1.5)
except ctypes.ArgumentError: print('argument')
for path in ('constructor', 'symbol', 'garbage', 'odd'):
    try: ctypes.CDLL(f'./{path}.so')
    except OSError: print(path)
loader = importlib.machinery.ExtensionFileLoader('it', './throws.so')
try: importlib.util.module_from_spec(importlib.util.spec_from_loader('it', loader))
except ImportError: print('throws')
try: bytearray(1 << 30)
except MemoryError: print('memory')
print(ctypes.CDLL('./good.so').seven(), flush=True)
ctypes.CDLL('./good.so').crash()
"""


@pytest.fixture
def modules(tmp_path):
    texts = {
        "constructor": '(func (export "__wasm_call_ctors") unreachable)',
        "symbol": '(import "env" "nowhere" (func))',
        "odd": '(func (export "_initialize") (param v128))',
        "throws": THROWS,
        "good": f'{ENV} (func (export "seven") (result i32) (i32.const 7)) (func (export "crash") unreachable)',
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.so").write_bytes(side_module(text))
    (tmp_path / "garbage.so").write_bytes(b"\0asm garbage")


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: "=".join(*mode.items()))
def test_loader_callbacks_traps_and_exceptions(guest, modules, mode):
    done = guest("--max-memory", "1G", "-c", CODE, env=mode)
    lines = done.stdout.splitlines()
    assert lines == ["1 2 3 4 5", "argument", "constructor", "symbol", "garbage", "odd", "throws", "memory", "7"]
    assert done.returncode == 134
    assert done.stderr.startswith("error: the guest crashed: wasm `unreachable` instruction executed\n  at ")


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: "=".join(*mode.items()))
def test_start_and_exit(guest, mode):
    done = guest("-c", "print(1); raise SystemExit(3)", env=mode)
    assert (done.returncode, done.stdout, done.stderr) == (3, "1\n", "")
