"""ctypes in the guest, on functions that the real compiler made: the C ABI, callbacks, and what is wrong."""

import contextlib

import pytest
import wasmtime

TYPES = """
from ctypes import *
class One(Structure): _fields_ = [("value", c_double)]
class Nested(Structure): _fields_ = [("one", One * 1)]
class Tiny(Structure): _fields_ = [("value", c_byte)]
class Empty(Structure): _fields_ = []
class Pair(Structure): _fields_ = [("first", c_int), ("second", c_short)]
class Large(Structure): _fields_ = [("numbers", c_longlong * 3), ("real", c_double)]
class Quad(Structure): _fields_ = [("value", c_longdouble)]
class Either(Union): _fields_ = [("number", c_int), ("real", c_float)]
class Lone(Union): _fields_ = [("real", c_float)]
def declared(name, result, *parameters):
    function = getattr(lib, name)
    function.restype, function.argtypes = result, parameters
    return function
"""


@pytest.fixture
def foreign(build, answer):
    """Evaluate an expression in a guest that has `lib`, and the types of foreign.c."""
    path = build("foreign", exports=())

    def evaluate(expression, before=""):
        return answer(expression, f"{TYPES}lib = CDLL({str(path)!r})\n{before}")

    return evaluate


def test_scalars_of_every_width(foreign):
    before = (
        "mixed = declared('mixed', c_double, c_byte, c_ubyte, c_short, c_ushort, c_int, c_uint, c_longlong, c_ulonglong,"
        " c_float, c_double)"
    )
    assert foreign("mixed(-1, 255, -2, 65535, -3, 2**32 - 1, -4, 2**53, 0.5, 0.25)", before) == (
        -1 + 255 - 2 + 65535 - 3 + 2**32 - 1 - 4 + 2**53 + 0.75
    )
    assert foreign("[declared('narrow', c_byte, c_int)(200), declared('narrow_unsigned', c_ushort, c_int)(-1)]") == [
        -56,
        65535,
    ]
    assert foreign("declared('wide', c_ulonglong, c_ulonglong)(2**64 - 2)") == 2**64 - 1
    assert foreign("declared('half', c_float, c_float)(3)") == 1.5
    assert foreign("declared('quadruple', c_longdouble, c_longdouble, c_int)(1.5, 70)") == 1.5 * 2**70
    assert foreign("c_int.in_dll(lib, 'variable').value") == 42


def test_structures_by_value(foreign):
    assert foreign("declared('pass_one', One, One)(One(1.5)).value") == 2.5
    assert foreign("declared('pass_nested', Nested, Nested)(Nested((One * 1)(One(2)))).one[0].value") == 4
    assert foreign("declared('pass_tiny', Tiny, Tiny)(Tiny(-128)).value") == 127
    assert foreign("declared('pass_quad', Quad, Quad)(Quad(0.5)).value") == 1.5
    assert foreign("declared('pass_empty', c_int, Empty, c_int)(Empty(), 7)") == 7
    assert foreign("[given.first, result.first, result.second]", "given = Pair(1, -2)\n"
                   "result = declared('pass_pair', Pair, Pair, c_int)(given, 10)") == [1, 11, 8]  # fmt: skip
    before = "result = declared('pass_large', Large, c_int, Large, c_int)(1, Large((10, 20, 30), 2.5), 3)"
    assert foreign("[*result.numbers, result.real]", before) == [11, 20, 33, -2.5]
    assert foreign("declared('pass_either', c_int, Either)(Either(number=5))") == 5
    assert foreign("declared('pass_lone', c_float, Lone)(Lone(1.5))") == 1.5


def test_variadic_functions(foreign, python):
    arguments = "1, c_double(0.5), c_longlong(2**40), Pair(3, 4), c_longdouble(0.25)"
    assert foreign(f"declared('sum', c_longdouble, c_int)(5, {arguments})") == 1 + 0.5 + 2**40 + 7 + 0.25
    # Without variadic arguments, and without any declaration: a null pointer is passed for them.
    assert foreign("[declared('is_called_without', c_int, c_char_p)(b'four'), lib.is_called_without(b'five5')]") == [
        4,
        5,
    ]
    done = python(
        "from ctypes import *\nlibc = CDLL(None)\nlibc.printf.argtypes = [c_char_p]\n"
        "libc.printf(b'%d %s %.2f %lld\\n', 7, b'text', c_double(1.5), c_longlong(-2**40))\nlibc.fflush(None)"
    )
    assert (done.stdout, done.stderr) == ("7 text 1.50 -1099511627776\n", "")


def test_callbacks(foreign):
    before = (
        "T = CFUNCTYPE(c_double, c_byte, c_ushort, c_longlong, c_float, c_double, One, Pair, c_longdouble)\nseen = []\n"
        "def work(*values):\n    seen.append([getattr(v, 'value', getattr(v, 'first', v)) for v in values])\n    return 0.125\n"
        "result = declared('call_back', c_double, T)(T(work))"
    )
    assert foreign("[result, *seen]", before) == [0.125, [-1, 65535, -(1 << 40), 0.5, 0.25, 8, 3, 2.5]]
    assert foreign("declared('call_narrow', c_int, T)(T(lambda: -7))", "T = CFUNCTYPE(c_byte)") == -7
    before = "T = CFUNCTYPE(c_longdouble, c_longdouble)"
    assert foreign("declared('call_quadruple', c_longdouble, T, c_longdouble)(T(lambda x: x / 4), 1)", before) == 0.25
    before = "T = CFUNCTYPE(c_float, c_float)"
    assert foreign("declared('call_float', c_float, T, c_float)(T(lambda x: x / 4), 1)", before) == 0.25
    before = "T = CFUNCTYPE(c_longlong, c_longlong)"
    assert foreign("declared('call_wide', c_longlong, T, c_longlong)(T(lambda x: -x), 2**50)", before) == -(2**50)
    before = "seen = []\nT = CFUNCTYPE(None, c_int)\ndeclared('call_void', None, T, c_int)(T(seen.append), -5)"
    assert foreign("seen", before) == [-5]


def test_qsort_compares_in_python(foreign):
    before = (
        "T = CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))\nnumbers = (c_int * 5)(3, 1, 5, 2, 4)\n"
        "CDLL(None).qsort(numbers, 5, sizeof(c_int), T(lambda a, b: b[0] - a[0]))"
    )
    assert foreign("list(numbers)", before) == [5, 4, 3, 2, 1]


def test_a_callback_is_called_by_python_and_by_callbacks(foreign):
    before = "T = CFUNCTYPE(c_int, c_int)\ntwice = declared('call_twice', c_int, T, c_int)\ninner = T(lambda x: x + 1)"
    assert foreign("[twice(T(lambda x: twice(inner, x)), 0), inner(41)]", before) == [4, 42]


def test_closures_are_made_by_the_thousand_and_used_again(foreign):
    before = (
        "T, D = CFUNCTYPE(c_int, c_int), CFUNCTYPE(c_double, c_double)\nslots = set()\n"
        "kept = [T(lambda x, k=k: x + k) for k in range(100)]\n"
        "right = all(function(1) == k + 1 for k, function in enumerate(kept))\n"
        "for k in range(3000):\n"
        "    function = T(lambda x: k) if k % 2 else D(lambda x: k / 2)\n"
        "    slots.add(c_void_p.from_buffer(function).value)\n"
        "    right &= function(1) == (k if k % 2 else k / 2)\n"
        "right &= all(function(1) == k + 1 for k, function in enumerate(kept))"
    )
    right, count = foreign("[right, len(slots)]", before)
    assert right
    assert count < 100


def test_what_native_calling_conventions_forgive(foreign):
    # A result that is expected of a function that has none (ctypes' default), and one that is ignored.
    assert foreign("[lib.count(), lib.count(), lib.counted()]") == [0, 0, 2]
    assert foreign("[declared('wide', None, c_ulonglong)(1), declared('counted', None)()]") == [None, None]


def test_a_function_of_another_type_is_an_exception(foreign, python):
    text = foreign("str(error)", "try: lib.half(1)\nexcept TypeError as caught: error = caught")
    assert "is (f32) -> f32 in WebAssembly, and was called as (i32) -> i32" in text
    assert "argtypes" in text
    text = foreign("str(error)", "try: lib.pass_pair(1)\nexcept TypeError as caught: error = caught")
    assert "(i32, i32, i32)" in text
    for address in ("0x7fffffff", "2**32 - 1", "1 << 20"):
        before = f"try: CFUNCTYPE(c_int)({address})()\nexcept ValueError as caught: error = caught"
        assert "there is no C function at" in foreign("str(error)", before)
    # The same call works once it is declared.
    assert foreign(
        "[error, declared('half', c_float, c_float)(5)]", "try: lib.half(1)\nexcept TypeError: error = 1"
    ) == [1, 2.5]


def test_errno_is_ctypes_own(foreign):
    before = "own = CDLL(lib._name, use_errno=True)\nset_errno(5)\nown.set_errno(7)\nfirst = get_errno()\n"
    assert foreign("[first, own.set_errno(0), get_errno()]", before) == [7, 7, 0]


def test_an_exception_in_a_callback_is_reported(build, python):
    path = build("foreign", exports=())
    code = f"{TYPES}lib = CDLL({str(path)!r})\nT = CFUNCTYPE(c_int, c_int)\n"
    done = python(code + "print(declared('call_twice', c_int, T, c_int)(T(lambda x: 1 // x), 0))")
    assert (done.returncode, done.stdout) == (0, "0\n")
    assert "ZeroDivisionError" in done.stderr


def test_pythons_own_functions(foreign):
    assert foreign("pythonapi.PyLong_AsLong(py_object(77))") == 77
    before = "pythonapi.PyErr_SetNone.argtypes = [py_object]\ntry: pythonapi.PyErr_SetNone(KeyError)\nexcept KeyError: raised = True"
    assert foreign("raised", before)
    assert foreign("string_at(pythonapi.Py_GetVersion(), 2).decode()") == "3."


def test_libraries_that_are_there_and_not_there(foreign):
    before = (
        "import ctypes.util\nreasons = []\n"
        "for name in ('libcrypto.so.3', 'libm.dylib', './libm.so', '/nowhere.so'):\n"
        "    try: CDLL(name)\n    except OSError as error: reasons.append(str(error))\n"
        "try: lib.nothing\nexcept AttributeError as error: reasons.append(str(error))"
    )
    names = "[ctypes.util.find_library(name) for name in ('c', 'm', 'crypto', '')]"
    found, reasons = foreign(f"[{names}, reasons]", before)
    assert found == ["libc.so", "libm.so", None, None]
    assert len(reasons) == 5
    assert "libcrypto.so.3: No such file or directory" in reasons[0]
    assert "undefined symbol: nothing" in reasons[4]
    own = "[CDLL(name).abs(-3) for name in ('libc.so', 'libm.so.6', 'libpthread.so.0', None)]"
    assert foreign(own) == [3] * 4


def test_a_freed_callback_is_nothing(foreign):
    before = (
        "T = CFUNCTYPE(c_int, c_int)\nf = T(abs)\nat = c_void_p.from_buffer(f).value\nalive = T(at)(-1)\ndel f\n"
        "try: T(at)(1)\nexcept ValueError as caught: error = caught"
    )
    alive, text = foreign("[alive, str(error)]", before)
    assert alive == 1
    assert "there is no C function" in text


HOSTILE = """
import ctypes
from ctypes import *
fields = (c_uint32 * 12).in_dll(pythonapi, "hatch_wasi_dl")
def entry(index, *parameters):
    return CFUNCTYPE(c_uint32, *parameters)(fields[index])
call, describe = entry(8, c_void_p), entry(11, c_uint32, c_uint32, c_uint32)
closure, copy = entry(9, c_void_p, c_uint32, c_uint32, c_uint32, c_uint32), entry(10)
complain = entry(4, c_void_p, c_uint32)
def text(value):
    kept.append(create_string_buffer(value))
    return addressof(kept[-1])
kept = []
def why():
    buffer = create_string_buffer(200)
    complain(buffer, 200)
    return buffer.value.decode()
"""


def test_a_hostile_guest_gets_errors(answer):
    """What the guest asks of the loader for libffi: signatures, addresses and numbers that make no sense."""
    wrong = (
        "[call(text(b'')), call(text(b'x')), call(text(b'iq')), call(text(b'i' * 1002)), call(text(b'\\xff\\xfe')),"
        " call(0xFFFFFFFF), call(0xFFFFFFF0), closure(text(b'v'), 1, 0, 8, 0), closure(text(b'v'), 1, 0, 8, 1025),"
        " closure(None, 0, 0, 0, 0xFFFFFFFF), closure(text(b'i' * 2000), 1, 0, 8, 1), closure(0xFFFFFFFF, 0, 0, 0, 1),"
        " describe(0, 0, 0), describe(0xFFFFFFFF, 64, 9), describe(call(text(b'v')), 0xFFFFFFFF, 64)]"
    )
    assert answer(wrong, HOSTILE) == [0] * 15
    reasons = "[(call(text(b'iq')), why())[1], (closure(None, 0, 0, 0, 0), why())[1], (call(0xFFFFFFFF), why())[1]]"
    kind, count, place = answer(reasons, HOSTILE)
    assert "'iq' is no type of a function" in kind
    assert "0 functions at once" in count
    assert "not in the guest's memory" in place


def test_functions_are_made_once_and_described(answer):
    before = HOSTILE + "buffer = create_string_buffer(16)\nfirst = call(text(b'vij'))\n"
    assert answer("[first == call(text(b'vij')), first == call(text(b'vji')), copy() == copy()]", before) == [
        True,
        False,
        True,
    ]
    assert answer("[describe(first, addressof(buffer), 16), buffer.value.decode()]", before) == [5, "iiii"]
    assert answer("[describe(first, addressof(buffer), 4), describe(first, addressof(buffer), 5)]", before) == [0, 5]
    made = "slot = closure(text(b'djf'), 1, 0xFFFFFFF0, 16, 3)\n"
    described = "[[describe(slot + k, addressof(buffer), 16), buffer.value.decode()] for k in range(3)]"
    assert answer(described, before + made) == [[4, "djf"]] * 3


def test_without_a_loader_calls_are_an_exception(wasi_python, tmp_path):
    """The same python.wasm on an engine that knows nothing of it: ctypes can be imported, and describes memory."""
    code = (
        "import ctypes as c\nclass P(c.Structure): _fields_ = [('a', c.c_int), ('b', c.c_double)]\n"
        "print(c.sizeof(P), P(1, 2.5).b)\n"
        "for work in (lambda: c.memmove(c.create_string_buffer(4), b'abc', 3), lambda: c.CFUNCTYPE(c.c_int)(int),\n"
        "             lambda: c.pythonapi.Py_GetVersion, lambda: c.CDLL('x.so')):\n"
        "    try: print(work())\n    except Exception as error: print(type(error).__name__, error)\n"
    )
    store = wasmtime.Store(wasmtime.Engine())
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    config = wasmtime.WasiConfig()
    config.argv = ["python", "-c", code]
    config.env = [("PYTHONHOME", "/usr")]
    config.preopen_dir(str(wasi_python.root / "lib"), "/usr/lib")
    config.stdout_file = str(tmp_path / "out")
    config.stderr_file = str(tmp_path / "err")
    store.set_wasi(config)
    module = wasmtime.Module.from_file(store.engine, str(wasi_python.wasm))
    start = linker.instantiate(store, module).exports(store)["_start"]
    with contextlib.suppress(wasmtime.ExitTrap):
        start(store)
    lines = (tmp_path / "out").read_text().splitlines()
    assert lines[0] == "16 2.5", (tmp_path / "err").read_text()
    assert lines[1] == "RuntimeError this runtime cannot call C functions from Python; run it by `hatch-wasi run`"
    assert lines[2] == "RuntimeError this runtime cannot make C functions of Python's; run it by `hatch-wasi run`"
    assert [line.split()[0] for line in lines[3:]] == ["AttributeError", "OSError"]
    assert all("`hatch-wasi run`" in line for line in lines[3:])
