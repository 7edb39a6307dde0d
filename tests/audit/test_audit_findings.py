"""For every kind of finding a wheel that has it, and one much like it that has it not."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from sections import with_export

from hatch_wasi.audit.auditor import CODES, WARNINGS
from hatch_wasi.audit.gate import judge
from hatch_wasi.errors import WheelError
from hatch_wasi.wasm.sections import without_custom
from hatch_wasi.wheels.wheel import Wheel

DOCS = Path(__file__).parents[2] / "docs" / "audit.md"
OWN = ".cpython-313-wasm32-wasi.so"
ELF = b"\x7fELF\x02\x01\x01" + bytes(100)
QUIT = '__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) extern void quit(int);'
LIBRARY = "int answer(void) { return 42; }"
MANGLED = 'int init(void) __asm__("_Z8PyInit_mv"); int init(void) { return 0; }'
# As wasm-ld names it.
STUB = 'int stub(void) __asm__("signature_mismatch:helper"); volatile int seen; __attribute__((noinline)) int stub(void) { return seen; }'
USES_LIBRARY = "return PyLong_FromLong(answer());", "extern int answer(void);"
# By concatenation: no scanner should find one in this file.
TOKEN = "gh" + "p_" + "A1b2C3d4E5f6" * 3


class Case(NamedTuple):
    code: str
    bad: Callable[..., dict[str, object]]
    """Gives the arguments of `audit` for the wheel that has it, from what makes side modules."""
    good: Callable[..., dict[str, object]]
    text: str
    """What is said, a regular expression."""


def extension(name="m" + OWN, *arguments, **options):
    """A wheel of one extension module."""
    rest = {key: options.pop(key) for key in ("tag", "extra") if key in options}
    return lambda make: {"files": {name: make.extension(*arguments, **options)}, **rest}


def files(tag="py3-none-any", extra="", **content):
    return lambda make: {"files": dict(content), "tag": tag, "extra": extra}


def with_library(place):
    """A wheel of one extension module in `pkg` that needs libanswer.so, which is at `place` if that is not empty."""

    def build(make):
        library = make.library(LIBRARY, ["answer"])
        module = make.extension(*USES_LIBRARY, needs={"libanswer.so": library})
        return {"files": {"pkg/m" + OWN: module, **({place: library} if place else {})}}

    return build


def foreign(make):
    return {"files": {"m.so": ELF}, "tag": "py3-none-any"}


def not_wasm(make):
    return {"files": {"m.so": ELF}}


def threaded(make):
    return {"files": {"m" + OWN: make.extension(compile_flags=["-matomics"])}}


def plain_library(make):
    return {"files": {"m.so": make.library(LIBRARY, ["answer"])}}


def headless(make):
    data = without_custom(make.extension(), "m", lambda name: name == "dylink.0")
    return {"files": {"m" + OWN: data}}


def exported_table(make):
    return {"files": {"m" + OWN: with_export(make.extension(), "__indirect_function_table", 1, 0)}}


GOOD = extension()
ABI3 = {"tag": "cp311-abi3-wasi_wasm32"}
OTHER_LIBC = {"schema": 1, "wasi_libc": "1234567"}
CASES = [
    Case("tag", extension(tag="cp312-cp312-wasi_wasm32"), GOOD, "cp312-cp312-wasi_wasm32 does not fit Python 3.13"),
    Case("tag", extension(tag="py3-none-any"), extension(tag="py3-none-wasi_wasm32"), "tagged for any platform and has m"),
    Case("tag", extension(tag="cp313-cp313-linux_x86_64"), extension(tag="cp313-none-wasi_0_0_0_wasm32"), "does not fit"),
    Case("requires-python", extension(extra="Requires-Python: <3.13\n"), extension(extra="Requires-Python: >3\n"), "<3.13"),
    Case("foreign", foreign, files(), "it is for another system"),
    Case("not-wasm", not_wasm, GOOD, "does not begin with ..asm"),
    Case("dylink", headless, GOOD, "does not begin with a dylink.0 section"),
    Case("dylink", extension(kind=["-Wl,-pie"]), GOOD, "it has a memory of its own|has a memory of its own"),
    Case("memory", extension(link_flags=["-Wl,--export-memory"]), GOOD, "exports its memory as memory"),
    Case("memory", extension(link_flags=["-Wl,--max-memory=134217728"]), GOOD, "imports a memory that is shared, bounded"),
    Case("table", exported_table, GOOD, "exports its table as __indirect_function_table"),
    Case("exports-nothing", extension(exports=[]), GOOD, "it exports nothing"),
    Case("init", extension("other" + OWN), GOOD, "it exports PyInit_m and not PyInit_other"),
    Case("init", extension("ä" + OWN), extension("ä" + OWN, init="PyInitU_4ca"), "and not PyInitU_4ca"),
    Case(
        "init", lambda make: {"files": {"m" + OWN: make.library(MANGLED, ["_Z8PyInit_mv"])}},
        lambda make: {"files": {"m" + OWN: make.library(LIBRARY, ["answer"])}}, r"the name that C\+\+ gives",
    ),
    Case("init", extension("pkg/__init__" + OWN), extension("m/__init__" + OWN), "exports PyInit_m and not PyInit_pkg"),
    Case("init", extension("m" + OWN, init="PyModExport_n"), extension("m" + OWN, init="PyModExport_m"), "not PyInit_m"),
    Case("threads", threaded, plain_library, "compiled for threads"),
    Case("mismatch", extension("m" + OWN, "return PyLong_FromLong(stub());", STUB), GOOD, "different types, which will trap: helper"),
    Case("suffix", extension("m.cpython-312-wasm32-wasi.so"), extension("m.so"), "suffix .cpython-312-wasm32-wasi.so is not"),
    Case("suffix", extension("m.so.1"), extension("m.abi3.so"), "suffix .so.1 is not"),
    Case("abi3-suffix", extension(**ABI3), extension("m.abi3.so", **ABI3), "is one Python's"),
    Case("needed", with_library(""), with_library("pkg/libanswer.so"), "needs libanswer.so, which is not in the wheel"),
    Case(
        "needed-elsewhere", with_library("libs/libanswer.so"), with_library("pkg/libanswer.so"),
        "needs libanswer.so, which is libs/libanswer.so",
    ),
    Case(
        "undefined",
        extension("m" + OWN, "return PyLong_FromLong(gone() + nothing);", "extern int gone(void), nothing;"),
        extension("m" + OWN, "return PyLong_FromVoidPtr(&gone ? &nothing : 0);",
                  "extern int gone(void) __attribute__((weak)), nothing __attribute__((weak));"),
        "what WASI Python does not have: gone, nothing$",
    ),
    Case(
        "host-import", extension("m" + OWN, "quit(1); Py_RETURN_NONE;", QUIT),
        extension("m" + OWN, "exit(1); Py_RETURN_NONE;"), "imports proc_exit from the host's 'wasi_snapshot_preview1'",
    ),
    Case(
        "signature",
        extension("m" + OWN, "return PyFloat_FromDouble(f(1.0));", 'extern double f(double) __asm__("strnlen");'),
        extension("m" + OWN, "return PyLong_FromLong(f(0, 1));", 'extern int f(char *, int) __asm__("strnlen");'),
        r"strnlen is declared \(f64\) -> \(f64\), but is \(i32, i32\) -> \(i32\) in python.wasm",
    ),
    Case(
        "signature", extension("m" + OWN, "return PyLong_FromLong(number);", 'extern int number __asm__("strnlen");'),
        extension("m" + OWN, "return PyLong_FromLong(number);", "int number;"), "strnlen is a function in python.wasm",
    ),
    Case(
        "signature",
        extension("m" + OWN, "return PyLong_FromVoidPtr(&function);", 'extern int function(void) __asm__("PyLong_Type");'),
        extension("m" + OWN, "return PyLong_FromVoidPtr(&PyLong_Type);"), "PyLong_Type is a variable in python.wasm",
    ),
    Case(
        "signature",
        extension("m" + OWN, "return PyLong_FromLong(function());", 'extern int function(void) __asm__("PyLong_Type");'),
        GOOD, "PyLong_Type is a variable in python.wasm, not a function",
    ),
    Case("abi", extension(note=OTHER_LIBC), GOOD, "was built with wasi-libc 1234567; Python 3.13"),
    Case("abi", extension(note="[1]"), GOOD, "cannot be read: it is no JSON object"),
    Case("abi", extension(note="[" * 9000), GOOD, "cannot be read"),
    Case("abi", extension(note={"schema": 1}), GOOD, "does not say which wasi-libc"),
    Case("abi-note", extension(note=None), GOOD, "nothing says which wasi-libc it was built with"),
    Case(
        "limited-api", extension("m.abi3.so", "return PyFunction_GetCode(self);", **ABI3), extension("m.abi3.so", **ABI3),
        "not in the stable ABI of Python 3.11: PyFunction_GetCode",
    ),
    Case(
        "limited-api", extension("m.abi3.so", "return PyLong_FromLong(PyLong_AsInt(self));", **ABI3),
        extension("m.abi3.so", "return PyLong_FromLong(PyLong_AsInt(self));", tag="cp313-abi3-wasi_wasm32"),
        r"PyLong_AsInt \(since 3.13\)",
    ),
    Case(
        "limited-api", extension("m.abi3.so", "return PyFunction_GetCode(self);", tag="cp313-none-wasi_wasm32"),
        extension("m.so", "return PyFunction_GetCode(self);", tag="cp313-none-wasi_wasm32"),
        "not in the stable ABI: PyFunction_GetCode",
    ),
    Case(
        "abi3-name", extension("m.abi3.so", "return PyFunction_GetCode(self);"),
        extension("m.abi3.so"), "uses what is not in it: PyFunction_GetCode",
    ),
    Case("debug", extension(compile_flags=["-g"], link_flags=[]), GOOD, "bytes of debug sections"),
    Case(
        "host-path",
        extension("m" + OWN, "return PyUnicode_FromString(__FILE__);", '#line 1 "/home/alice/demo/src/m.c"'),
        extension("m" + OWN, "return PyUnicode_FromString(__FILE__);", '#line 1 "src/m.c"'), "/home/alice/demo/src/m.c",
    ),
    Case(
        "host-path", files(**{"demo-1.0.dist-info/sboms/demo.json": '{"built": "/builds/acme/demo/x.c"}'}),
        files(extra="Summary: x\n\nSee /home/alice/demo/README and /tmp/demo/x.\n", **{"demo.py": "x = '/home/a/b'"}),
        "/builds/acme/demo/x.c",
    ),
    Case("secret", files(**{"demo.py": "p = 'hunter2-hunter2'"}), files(**{"demo.py": "p = 'hunter2'"}), "INDEX_PASSWORD$"),
    Case("secret-shape", files(**{"demo.py": TOKEN}), files(**{"demo.py": TOKEN + "x"}), "looks like a GitHub token"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_wheel_that_has_it_and_one_that_has_it_not(audit, make, case):
    bad = audit(**case.bad(make))
    found = [finding for finding in bad.findings if finding.code == case.code]
    assert [finding for finding in found if re.search(case.text, finding.what)], bad.findings
    assert {finding.level.value for finding in found} == {"warning" if case.code in WARNINGS else "error"}
    good = audit(**case.good(make))
    assert case.code not in {finding.code for finding in good.findings}, good.findings
    assert good.errors == []


def test_a_good_wheel_has_nothing(audit, make):
    report = audit(**GOOD(make))
    assert report.findings == []
    [module] = report.modules
    assert (module.name, module.debug, module.needed, module.abi) == ("m" + OWN, 0, (), make.note)


def test_every_code_has_its_wheels_and_its_place_in_the_documentation():
    """`malformed` is for what is no wheel: the command says so (test_audit_cli.py)."""
    assert {case.code for case in CASES} | {"malformed"} == CODES
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (error|warning) ", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {code: "warning" if code in WARNINGS else "error" for code in CODES}
    assert len(rows) == len(CODES)


def test_very_many_findings_are_counted(audit, make):
    """A hostile wheel could have millions."""
    names = [f"gone{number}" for number in range(25)]
    hosts = "".join(
        f'__attribute__((import_module("host"), import_name("{name}"))) extern int {name}(void);' for name in names
    )
    report = audit(
        {"m" + OWN: make.extension(f"return PyLong_FromLong({' + '.join(f'{n}()' for n in names)});", hosts)}
    )
    assert len(report.findings) == 11
    assert report.findings[-1].what == "and 15 more of this kind"
    missing = make.extension(
        f"return PyLong_FromLong({' + '.join(f'{name}()' for name in names)});",
        "".join(f"extern int {name}(void);" for name in names),
    )
    [finding] = audit({"m" + OWN: missing}).findings
    assert finding.what.endswith("gone16, gone17 and 15 more")


def test_what_is_installed_is_judged_by_whether_it_can_be_used(auditor, make, make_wheel):
    for content, problem in (("hunter2-hunter2", ""), (ELF, "m.so: malformed")):
        wheel = make_wheel("demo", "1.0", {"m.so" if problem else "m.txt": content}, tag="cp313-cp313-wasi_wasm32")
        with Wheel.open(wheel) as opened:
            if problem:
                with pytest.raises(WheelError, match=problem):
                    judge(auditor, opened)
            else:
                judge(auditor, opened)
        assert auditor.check(wheel).errors
