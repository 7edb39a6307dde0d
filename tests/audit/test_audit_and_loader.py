"""The audit says of modules what the real loader does with them; and a few things that only the audit can see."""

import json
import re
from dataclasses import replace

import pytest
from sections import join, leb, number_at, split

from hatch_wasi.wasm import linkage
from hatch_wasi.wasm.entities import FuncType
from hatch_wasi.wasm.linkage import Interface
from hatch_wasi.wasm.side_module import TLS, SideModule

OWN = ".cpython-313-wasm32-wasi.so"
LIBRARY = "int answer(void) { return 42; }"
TRY_ALL = """
import importlib, json, sys
def attempt(name):
    try: importlib.import_module(name)
    except ImportError as error: return str(error)
    return 'imported'
print(json.dumps({name: attempt(name) for name in sys.argv[1:]}))
"""


def symbol(name, asm, declared="extern int {name}(void);"):
    return declared.format(name=f"{name}").replace(";", f' __asm__("{asm}");')


def foreign_elements(make):
    """A module whose functions are put into the table at a fixed place, where other modules' are."""
    data = make.extension(name="fixed_slots", top="int (*f)(void); int g(void) { return 1; }", use="f = g; return 0;")

    def changed(content):
        # 1 segment, flags 0, `global.get __table_base; end`
        count, at = number_at(content, 0)
        assert (count, content[at], content[at + 1]) == (1, 0, 0x23)
        _, end = number_at(content, at + 2)
        return leb(1) + b"\0\x41\0" + content[end:]

    return join((kind, changed(content) if kind == 9 else content) for kind, content in split(data))


@pytest.fixture(scope="session")
def modules(make):
    """Files of a site-packages; each `.so` but the libraries is imported by its name."""

    def named(name, use="return PyLong_FromLong(1);", top="", **options):
        return {f"{name}{OWN}": make.extension(use, top, name=name, **options)}

    library = make.library(LIBRARY, ["answer"])
    other_type = make.library("double answer(void) { return 42; }", ["answer"])
    middle = make.library(
        "extern int answer(void); int more(void) { return answer() + 1; }", ["more"], needs={"libinner.so": library}
    )
    uses = "return PyLong_FromLong(answer());", "extern int answer(void);"
    local = make.library("_Thread_local int counter = 3;", ["counter"])
    return {
        **named("good"),
        **named("undefined_one", "return PyLong_FromLong(gone());", "extern int gone(void);"),
        **named("weak_one", "return PyLong_FromLong(gone ? 1 : 2);", "extern int gone(void) __attribute__((weak));"),
        **named("other_type", "return PyFloat_FromDouble(f());", symbol("f", "strlen", "extern double {name}(void);")),
        **named("function_for_variable", "return PyLong_FromLong(v);", symbol("v", "strlen", "extern int {name};")),
        **named("variable_for_function", "return PyLong_FromVoidPtr(&f);", symbol("f", "PyLong_Type")),
        **named("called_variable", "return PyLong_FromLong(f());", symbol("f", "PyLong_Type")),
        **named("host", "quit(1); return 0;", '__attribute__((import_module("wasi_snapshot_preview1"), '
                'import_name("proc_exit"))) extern void quit(int);'),
        **named("wrong_name", init="PyInit_another"),
        **named("other_libc", note={"schema": 1, "wasi_libc": "1234567"}),
        **named("other_python", note={**make.note, "soabi": "cpython-314-wasm32-wasi"}),
        **named("any_python", note={**make.note, "soabi": "abi3"}),
        **named("unreadable", note="{"),
        **named("lacks_library", *uses, needs={"libgone.so": library}),
        **named("has_library", *uses, needs={"libanswer.so": library}),
        **named("library_of_other_type", *uses, needs={"libother.so": library}),
        **named("by_way", "return PyLong_FromLong(more());", "extern int more(void);", needs={"libmiddle.so": middle}),
        **named("by_lost_way", "return PyLong_FromLong(more());", "extern int more(void);",
                needs={"libmiddle2.so": middle}),
        **named("thread_local", "return PyLong_FromLong(counter);", "extern int counter;", needs={"liblocal.so": local}),
        f"fixed_slots{OWN}": foreign_elements(make),
        f"ä{OWN}": make.extension(name="a", init="PyInitU_4ca"),
        "libanswer.so": library, "libinner.so": library, "libother.so": other_type, "libmiddle.so": middle,
        "libmiddle2.so": middle, "liblocal.so": local,
    }  # fmt: skip


REFUSED = {
    "undefined_one": ("undefined", "undefined symbol: gone"),
    "other_type": ("signature", "strlen is declared"),
    "function_for_variable": ("signature", "strlen is a function"),
    "variable_for_function": ("signature", "PyLong_Type is a variable"),
    "called_variable": ("signature", "PyLong_Type is a variable"),
    "host": ("host-import", "imports proc_exit from the host module"),
    "wrong_name": ("init", "does not define module export function"),
    "other_libc": ("abi", "built for wasi-libc 1234567"),
    "other_python": ("abi", "built for Python cpython-314-wasm32-wasi"),
    "unreadable": ("abi", "cannot be read"),
    "lacks_library": ("needed", "needs libgone.so, which cannot be loaded"),
    "library_of_other_type": ("signature", "answer is declared"),
    "fixed_slots": ("dylink", "not placed from __table_base"),
}
"""Module -> the audit's code and the loader's text."""


def test_it_agrees_with_the_loader(audit, modules, guest, tmp_path):
    report = audit({**modules})
    errors = {(found.where.partition(".")[0], found.code) for found in report.errors}
    assert errors == {(name, code) for name, (code, _) in REFUSED.items()}, report.errors
    site = tmp_path / "site"
    site.mkdir()
    for name, data in modules.items():
        (site / name).write_bytes(data)
    names = [name.removesuffix(OWN) for name in modules if name.endswith(OWN)]
    done = guest("--site", site, "-c", TRY_ALL, *names)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert {name for name, said in outcome.items() if said != "imported"} == set(REFUSED)
    for name, (_, text) in REFUSED.items():
        assert text in outcome[name]


def test_a_library_that_a_library_needs(audit, modules):
    """What is not there is said of the library and of who needs it by way of it."""
    chain = {name: modules[name] for name in (f"by_way{OWN}", "libmiddle.so")}
    report = audit(chain)
    assert {(found.code, found.where, found.what) for found in report.errors if found.code == "needed"} == {
        ("needed", "libmiddle.so", "it needs libinner.so, which is not in the wheel"),
        ("needed", f"by_way{OWN}", "it needs libinner.so (for libmiddle.so), which is not in the wheel"),
    }
    assert audit({**chain, "libinner.so": modules["libinner.so"]}).findings == []


def test_a_run_path_leads_to_a_library(audit, make):
    library = make.library(LIBRARY, ["answer"])
    use = "return PyLong_FromLong(answer());", "extern int answer(void);"
    path = ["-Wl,--strip-debug", "-Wl,-rpath,$ORIGIN/../libs"]
    module = make.extension(*use, needs={"libanswer.so": library}, link_flags=path)
    files = {f"pkg/m{OWN}": module, "libs/libanswer.so": library}
    assert SideModule.parse(module, "m").dylink.runtime_path == ("$ORIGIN/../libs",)
    assert audit(files).findings == []


def test_a_thread_local_variable_has_no_address(make):
    """As the flags of linkers with threads say it; here they make it an ordinary variable."""
    side = SideModule.parse(make.library("_Thread_local int counter = 3;", ["counter"]), "m.so")
    assert "counter" in Interface.of_side(side)
    assert "counter" not in Interface.of_side(replace(side, dylink=replace(side.dylink, export_flags={"counter": TLS})))


def test_a_tag_of_another_type(make, auditor):
    """python.wasm may have exception tags; a module's must be of their type."""
    tag = ".globl other\n.tagtype __cpp_exception i64\n.globl throws\nthrows:\n.functype throws () -> ()\n"
    body = '.section .text.throws,"",@\n' + tag + "i64.const 1\nthrow __cpp_exception\nend_function\n"
    module = SideModule.parse(
        make(body, exports=["throws"], suffix=".s", compile_flags=["-mexception-handling"]), "m.so"
    )
    [item] = [item for item in module.imports if item.kind == "tag"]
    assert item.type == FuncType(b"\x7e", b"")
    own, main = Interface.of_side(module), auditor._interface
    assert list(linkage.problems(module, own, main, [])) == []
    same = replace(main, tags={"__cpp_exception": FuncType(b"\x7e", b"")})
    assert list(linkage.problems(module, own, same, [])) == []
    other = replace(main, tags={"__cpp_exception": FuncType(b"\x7f", b"")})
    [(code, what)] = linkage.problems(module, own, other, [])
    assert code == "signature"
    assert re.fullmatch(r"its tag __cpp_exception carries \(i64\) -> \(\), but \(i32\) -> \(\) in python.wasm", what)
