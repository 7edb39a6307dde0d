"""Side modules in the guest: what they share with python.wasm and each other."""

import json
from pathlib import Path

import pytest


def test_function_has_one_address_in_main_and_all_side_modules(build, answer):
    build("identity_a")
    build("identity_b")
    first, second, stored, erf = answer(
        "[a.addresses(), b.addresses(), a.stored(), b.call_erf(a.addresses()['erf'])]",
        "import identity_a as a, identity_b as b",
    )
    assert first == second
    assert first["generic"] == stored
    assert len(set(first.values())) == 4
    assert erf == [True, pytest.approx(0.8427007929497149)]


def test_data_of_python_is_reached_through_the_got_and_relocations(build, python):
    build("got_data")
    done = python(
        "import got_data as d\n"
        "assert d.list_types() == (int, str, dict, object)\n"
        "assert d.list_exceptions() == (KeyError, OSError, ImportError)\n"
        "assert d.apply([1]) == '[1]' and d.own_data() == (1, 3) and d.singletons() == (None, True, ...)\n"
        "try: d.fail()\n"
        "except KeyError as error: print(error)\n"
    )
    assert (done.stdout, done.stderr) == ("'raised in C'\n", "")


def test_constructors_run_in_order(build, answer):
    build("constructors")
    assert answer("c.ran()", "import constructors as c") == ["123", "made by a constructor"]


def test_large_zeroed_data_alignment_and_thread_locals(build, answer):
    build("zeroed")
    # The memory was used before: the loader must clear what malloc gives it again.
    before = "import zeroed as z\njunk = [bytes([255]) * (5 << 20) for _ in range(3)]\ndel junk"
    assert answer("[z.sum(), z.remainders(), z.bump(), z.bump()]", before) == [0, [0, 0, 3], 8, 9]


def test_memory_for_data_is_cleared(build, answer):
    build("zeroed")
    before = "junk = [bytes([255]) * (5 << 20) for _ in range(3)]\ndel junk\nimport zeroed as z"
    assert answer("z.sum()", before) == 0


def test_libc_beyond_what_python_uses(build, python):
    build("libc")
    done = python(
        "import libc, json; libc.printed()\n"
        "print(json.dumps([libc.sorted(), libc.text(), libc.scanned(), libc.mathematics(), libc.others()]))"
    )
    assert done.returncode == 0, done.stderr
    printed, results = done.stdout.splitlines()
    assert (printed, done.stderr) == ("printed by C: 42", "and to stderr: 1.50\n")
    sorted_, text, scanned, mathematics, others = json.loads(results)
    assert sorted_ == [-3, 7, 15, 42, 99, 2, True]
    assert text == "<one><two><three>+1.235e+04|0x1p-1|0.33333333333333333333|00042|ab  |0xff"
    assert scanned == [3, 17, 2500.0, "hello", 3.0, "tail", True]
    assert mathematics == pytest.approx([0.5204998778130465, 24.0, 5.0, 0.23208767214421472, 10.0, 0.8414709848078965])
    assert others == ["2000-02-29 001", 0, 0, 4, 1, "o world"]


def test_the_libraries_of_python_wasm_serve_modules(build, python):
    build("zipped")
    code = "import zipped, zlib, lzma, sqlite3\ncrc, data, refused, xz, sqlite = zipped.all()\n"
    done = python(f"{code}print(hex(crc), zlib.decompress(data), refused, xz, sqlite == sqlite3.sqlite_version)")
    assert done.returncode == 0, done.stderr
    crc, data, refused, xz, same = done.stdout.split()
    assert (crc, data, refused, same) == ("0xcbf43926", "b'aaaaaaaaaaaaaaaaaaaa'", "-8", "True")
    assert xz.startswith("5.")


def test_thread_functions_where_there_is_one_thread(build, answer, python):
    build("threads")
    assert answer("[t.keys(), t.onces(), t.locks()]", "import threads as t") == [
        [0, 0, True, True],
        2,
        [0, -1, True, 1],
    ]
    done = python("import threads; print('before', flush=True); threads.leave(); print('after')")
    assert (done.returncode, done.stdout) == (0, "before\n")


def test_functions_that_wasi_cannot_offer_say_so(build, answer):
    build("threads")
    assert answer("t.refused()", "import threads as t") == [-1, True, -1, 0, -1, 0]


def test_functions_with_fewer_parameters_than_python_passes(build, answer):
    build("arity")
    before = "import arity as a\nbox = a.box()()\nbox.value = 5\nvalue = box.value"
    assert answer("[a.none_taken(), a.one_taken(), a.keywords_ignored(1, x=2), a.proper(), value]", before) == [
        100, 101, [1], True, 5,
    ]  # fmt: skip


def test_slots_of_types_with_functions_of_other_types(build, answer):
    build("arity")
    before = (
        "import arity, gc\n"
        "Odd = arity.odd()\n"
        "class Odder(Odd): pass\n"
        "loop = Odder([]); loop().append(loop); del loop\n"
        "collected = gc.collect()\n"
        "odd = Odd('inside')"
    )
    assert answer("[collected > 0, odd(), len(odd), odd ** 3, (-odd) is ...]", before) == [
        True, "inside", 7, 3, True,
    ]  # fmt: skip


def test_slots_of_modules_with_functions_of_other_types(build, python):
    build("slots")
    done = python("import slots, sys, gc\nslots.keep([slots])\ndel slots, sys.modules['slots']\ngc.collect()")
    assert (done.returncode, done.stderr) == (0, "")


def test_pythons_own_slots_have_functions_of_their_types(python):
    assert python((Path(__file__).parent / "own_slots.py").read_text()).stdout == "True\n"


def test_python_errors_from_an_underdeclared_setter(build, python):
    build("arity")
    done = python("import arity\ntry: arity.box()().value = 'x'\nexcept TypeError as error: print(error)")
    assert done.stdout == "'str' object cannot be interpreted as an integer\n"


def test_calling_back_into_python_and_raising_through_c(build, answer):
    build("callback")
    before = (
        "import callback as c\n"
        "def lookup(): return {}['x']\n"
        "def other(): raise ValueError('through C')\n"
        "try: c.call(c.call, c.guard, other)\n"
        "except ValueError as error: text = str(error)\n"
    )
    expression = "[c.call(c.call, max, 3, 9), c.guard(lookup), text, c.evaluate('sum(range(10))')]"
    assert answer(expression, before) == [9, "caught", "through C", 45]


def test_needed_libraries_are_loaded_first_and_shared(build, answer):
    build("chain_leaf", exports=())
    build("chain_middle", exports=(), needs=["chain_leaf"])
    build("chain", needs=["chain_middle", "chain_leaf"])
    # The middle's constructor already calls the leaf: 11; then the module does: 12.
    assert answer("chain.look()", "import chain") == [11, 12, 49, True, True]


def test_libraries_that_need_each_other(build, answer):
    build("cycle_b", exports=())
    build("cycle_a", exports=())
    build("cycle_b", name="cycle_b_linked", exports=(), needs=["cycle_a"])
    build(
        "cycle_a", name="cycle_a_linked", exports=("PyInit_cycle_a", "a_data", "a_function"), needs=["cycle_b_linked"]
    )
    # Names in NEEDED are those of the files that were linked: the cycle is closed by renaming.
    (build.folder / "cycle_a.so").write_bytes((build.folder / "cycle_a_linked.so").read_bytes())
    assert answer("cycle_a.look()", "import cycle_a") == [65, True]


def test_missing_needed_library_is_named(build, python):
    build("chain_leaf", exports=())
    build("uses_global", name="needs_missing", exports=["PyInit_uses_global"], needs=["chain_leaf"])
    moved = build.folder / "alone"
    moved.mkdir()
    (build.folder / "needs_missing.so").rename(moved / "uses_global.so")
    done = python(f"import sys; sys.path.insert(0, {str(moved)!r}); import uses_global")
    assert done.returncode == 1
    assert "uses_global.so: needs chain_leaf.so, which cannot be loaded: " in done.stderr
    assert "chain_leaf.so: No such file or directory" in done.stderr


def test_module_that_imports_its_own_definitions(build, answer):
    build("own_import", shared=True, exports=())
    assert answer("own_import.look()", "import own_import") == [42, 3, True]


def test_weak_undefined_symbols(build, python):
    build("weak")
    done = python("import weak; print(weak.present(), flush=True); weak.call()")
    assert done.stdout == "(False, False)\n"
    assert done.returncode == 134
    assert "call of the weak function absent_function, which is nowhere defined" in done.stderr
    assert "Traceback" not in done.stderr


def test_dlopen_gives_one_handle_and_local_symbols_by_default(build, answer):
    build("dl")
    build("chain_leaf", exports=())
    build("uses_global")
    before = (
        "import dl, os\n"
        "LAZY, NOW, NOLOAD, GLOBAL = 1, 2, 4, 256\n"
        "folder = os.path.dirname(dl.__file__)\n"
        "leaf = folder + '/chain_leaf.so'\n"
        "def failure(work, *args):\n"
        "    try: work(*args)\n"
        "    except (OSError, LookupError, ImportError) as error: return str(error).replace(folder, 'SITE')\n"
        "absent = failure(dl.load, leaf, NOW | NOLOAD)\n"
        "one = dl.load(leaf, NOW)\n"
        "os.chdir(folder)\n"
        "again = [dl.load(leaf, LAZY), dl.load(folder + '/./x/../chain_leaf.so', NOW), dl.load('chain_leaf.so', NOW)]\n"
        "main = dl.load(None, NOW)\n"
        "hidden = [failure(dl.sym, main, 'leaf_next'), failure(__import__, 'uses_global')]\n"
        "promoted = dl.load(leaf, NOW | NOLOAD | GLOBAL)\n"
        "import uses_global\n"
        "seen = [dl.call(dl.sym(one, 'leaf_next')), dl.peek(dl.sym(one, 'leaf_counter')), uses_global.use()]\n"
        "same = dl.sym(main, 'leaf_next') == dl.sym(one, 'leaf_next') == dl.sym(0, 'leaf_next')\n"
        "function = dl.sym(main, 'PyLong_FromLong') == dl.from_long()\n"
        "wrong = [failure(dl.sym, one, 'nothing'), failure(dl.sym, 77, 'x'), failure(dl.load, '/none.so', NOW)]\n"
    )
    found = answer("[absent, one, again, main, hidden, promoted, seen, same, function, wrong]", before)
    absent, one, again, main, hidden, promoted, seen, same, function, wrong = found
    assert absent == "SITE/chain_leaf.so: not loaded"
    assert again == [one] * 3
    assert promoted == one != main
    assert hidden == [
        "python.wasm: undefined symbol: leaf_next",
        "SITE/uses_global.so: undefined symbol: leaf_next",
    ]
    assert seen == [11, 11, 12]
    assert same
    assert function
    assert wrong == [
        "SITE/chain_leaf.so: undefined symbol: nothing",
        "x: 0x4d is no handle of a loaded module",
        "/none.so: No such file or directory",
    ]


def test_exceptions_cross_modules_by_one_tag(build, answer, python):
    build("thrower", exports=())
    build("catcher", needs=["thrower"])
    assert answer("catcher.look()", "import catcher") == 4
    done = python("import catcher; catcher.escape()")
    assert done.returncode == 134
    assert "  at thrower.so!throw_number" in done.stderr.splitlines()


def test_exception_of_a_constructor_is_an_import_error(build, python):
    path = build("throw_in_constructor")
    done = python("try: import throw_in_constructor\nexcept ImportError as error: print(error)")
    assert done.stdout.startswith(f"{path}: its __wasm_call_ctors ended in a trap: "), done.stderr
