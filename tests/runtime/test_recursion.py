"""Recursion without end, in Python and in C: an exception of the guest, never the end of the host."""

import pytest

PYTHON_CASES = {
    "function": "def f(n): return f(n + 1)\nf(0)",
    "method": "class C:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nC().x",
    "repr": "class C:\n    def __repr__(self): return repr(self)\nrepr(C())",
    "equality": "class C:\n    def __eq__(self, other): return self == other\nC() == C()",
    "property": "class C:\n    @property\n    def p(self): return self.p\nC().p",
    "sort_key": "def k(n): return sorted([1, 2], key=k)[0]\nk(0)",
    "import": "import importlib\ndef f(): return importlib.import_module('os').path.join(f(), 'x')\nf()",
}
C_CASES = {
    "repr of nested lists": "x = []\nfor _ in range(100000): x = [x]\nrepr(x)",
    "json": "import json\njson.loads('[' * 100000)",
    "json dump": "import json\nx = []\nfor _ in range(100000): x = [x]\njson.dumps(x)",
    "pickle": "import pickle\nx = []\nfor _ in range(100000): x = [x]\npickle.dumps(x)",
    "comparison": "x, y = [], []\nfor _ in range(100000): x, y = [x], [y]\nx == y",
    "hash": "x = ()\nfor _ in range(100000): x = (x,)\nhash(x)",
    "isinstance": "t = int\nfor _ in range(100000): t = (t,)\nisinstance('', t)",
    "deep copy": "import copy\nx = []\nfor _ in range(100000): x = [x]\ncopy.deepcopy(x)",
    "literal": "import ast\nast.literal_eval('-' * 100000 + '1')",
    "compile parentheses": "compile('(' * 100000 + ')' * 100000, 'x', 'eval')",
    "compile sums": "compile('+' * 100000 + '1', 'x', 'eval')",
    "compile attributes": "compile('a' + '.b' * 100000, 'x', 'eval')",
    "compile calls": "compile('f' + '()' * 100000, 'x', 'eval')",
    "compile lists": "compile('[' * 199 + ']' * 199, 'x', 'eval')\ncompile('[' * 5000 + ']' * 5000, 'x', 'eval')",
    "regular expression": "import re\nre.compile('(' * 5000 + ')' * 5000)",
    "generic alias": "import types\nx = list[int]\nfor _ in range(100000): x = list[x]\nrepr(x)",
    "iterator chain": "import itertools\nx = iter([1])\nfor _ in range(100000): x = itertools.chain(x)\nnext(x)",
    "partial": "import functools\nf = int\nfor _ in range(100000): f = functools.partial(lambda g: g(), f)\nf()",
    "exception chain": "e = None\nfor _ in range(100000):\n    f = ValueError(); f.__cause__ = e; e = f\nraise e",
    "map chain": "x = iter([1])\nfor _ in range(100000): x = map(int, x)\nnext(x)",
    "str of dict": "x = {}\nfor _ in range(100000): x = {1: x}\nstr(x)",
    "xml": "import xml.etree.ElementTree as E\nE.fromstring('<a>' * 100000 + '</a>' * 100000)\nraise RecursionError",
    "re match": "import re\nre.match('(?:a|b)*$', 'ab' * 1000000)\nraise RecursionError",
}
SCRIPT = """
import sys
try:
{code}
except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error: print(type(error).__name__)
else: print('no exception')
x = y = t = f = e = None
print('alive', sum(range(10)))
"""


def attempt(guest, code: str, *options: str) -> list[str]:
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    done = guest(*options, "-c", SCRIPT.format(code=indented), timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", PYTHON_CASES)
def test_recursion_in_python(guest, name):
    assert attempt(guest, PYTHON_CASES[name]) == ["RecursionError", "alive 45"]


@pytest.mark.parametrize("name", ["function", "repr"])
def test_recursion_in_python_with_a_high_limit(guest, name):
    code = "sys.setrecursionlimit(100_000)\n" + PYTHON_CASES[name]
    assert attempt(guest, code)[0] in {"RecursionError", "MemoryError"}


@pytest.mark.parametrize("name", C_CASES)
def test_recursion_in_c(guest, name):
    first, alive = attempt(guest, C_CASES[name])
    assert first in {"RecursionError", "MemoryError", "SyntaxError", "ValueError", "OverflowError", "no exception"}
    assert alive == "alive 45"


def test_default_limit_is_reached(guest):
    code = "import sys\ndef f(n): return n if n > 900 else f(n + 1)\nprint(f(0), sys.getrecursionlimit())"
    assert guest("-c", code).stdout == "901 1000\n"


def test_endless_recursion_of_an_extension_is_a_crash_of_the_guest_alone(build, python):
    build("crash")
    done = python("import crash; print(crash.deep(1000), flush=True); crash.deep(10**9)")
    assert done.stdout == "1000\n"
    assert done.returncode == 134
    assert done.stderr.startswith("error: the guest crashed: ")
    assert "  at crash.so!dive" in done.stderr
