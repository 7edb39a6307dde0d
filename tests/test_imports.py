"""The architecture, enforced: imports run downward only (design: adapters to foundations), siblings stay apart.

Every import counts, those inside functions and under TYPE_CHECKING too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hatch_wasi

PACKAGE = Path(hatch_wasi.__file__).parent

# From the ground up. A unit is a module or a subpackage of hatch_wasi; units in one set are siblings.
LAYERS = (
    {"redaction"},
    {"text"},
    {"errors"},
    {"archives", "console", "process", "fetch", "network", "cache", "contents", "disk", "workspace", "environment"},
    {
        "config", "target", "sdk", "wasi_python", "pins", "wasm", "cxx_library", "config_reader", "side_modules", "epoch",
        "sbom", "launchers", "activation",
    },
    {"sources"},
    {"toolchain", "cpython", "extension", "wheels", "disguise", "runtime", "linker", "virtual"},
    {"bootstrap"},
    {"audit", "resolver", "index"},  # judge wheels, choose wheels, offer wheels
    {"pep517"},
    {"bundle"},  # packs and unpacks what bootstrap makes and finds
    {"hatch_files"},  # what the plugin knows of Hatch's file selection
    {"cli", "__main__", "plugin", "hooks"},
)  # fmt: skip
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}
FOUNDATIONS, KNOWLEDGE = LAYERS[3], LAYERS[4]

# Siblings that may know each other: foundations and knowledge, each a small world of its own, and the two files of
# which the second only hands over to the first.
ACQUAINTED = (FOUNDATIONS, KNOWLEDGE, {"__main__", "cli"}, {"hooks", "plugin"})

# Who may use what reaches out of the process; nobody else.
GUARDED = {
    "subprocess": {"process"},
    "multiprocessing": set(),
    "socket": {"network"},
    "urllib.request": {"network"},
    "http.client": set(),
    "urllib3": {"network"},
    "filelock": {"cache"},
    "fcntl": {"cache"},
    "wasmtime": {"runtime"},
    "installer": {"wheels"},
    "hatchling": {"hatch_files", "plugin", "hooks"},
}
# Reasons that are good enough: (module, what it imports) -> why.
ALLOWED: dict[tuple[str, str], str] = {
    **{
        ("disguise.shim", name): "imported before the interpreter is disguised; it runs apart from the package"
        for name in ("subprocess", "multiprocessing", "urllib.request")
    },
    ("disguise.driver", "subprocess"): "runs apart from the package, as the compiler of a build",
}


def modules() -> list[str]:
    """Dotted names below hatch_wasi, `__init__` left out of a package's."""
    names = (".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py"))
    return sorted(name.removesuffix(".__init__") for name in names if name != "__init__")


def path_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(source: str) -> Iterator[str]:
    """Every dotted name that is imported: of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            yield from _lazy(node.args[0])


def _lazy(name: ast.expr) -> Iterator[str]:
    """The literal beginning of what `importlib.import_module` is given: `hatch_wasi.cli` of f"hatch_wasi.cli.{x}"."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) else name
    assert isinstance(first, ast.Constant), "what is imported must be readable from the source"
    yield str(first.value).rstrip(".")


def units(source: str) -> set[str]:
    """Modules and subpackages of hatch_wasi that `source` imports."""
    parts = (name.split(".") for name in imports(source))
    found = {words[1] for words in parts if words[0] == "hatch_wasi" and len(words) > 1}
    return {unit for unit in found if (PACKAGE / unit).is_dir() or (PACKAGE / f"{unit}.py").is_file()}


def complaint(unit: str, other: str) -> str:
    """Why `unit` may not import `other`; empty if it may."""
    if unit == other:
        return ""
    if other not in LEVEL:
        return f"{other} is in no layer"
    if LEVEL[other] > LEVEL[unit]:
        return f"{other} is above {unit}"
    if LEVEL[other] == LEVEL[unit] and not any({unit, other} <= group for group in ACQUAINTED):
        return f"{other} is a sibling of {unit}"
    if unit in KNOWLEDGE and other in FOUNDATIONS:
        return f"{unit} is pure knowledge: it may not run, fetch, cache or print"
    return ""


@pytest.mark.parametrize("module", modules())
def test_imports_run_downward(module):
    unit = module.partition(".")[0]
    assert unit in LEVEL, f"{unit} is in no layer: give it one here and in docs/architecture.md"
    source = path_of(module).read_text(encoding="utf-8")
    assert [why for other in units(source) if (why := complaint(unit, other))] == []


@pytest.mark.parametrize("module", modules())
def test_what_reaches_out_is_in_one_place(module):
    unit = module.partition(".")[0]
    found = set(imports(path_of(module).read_text(encoding="utf-8")))
    wrong = {
        guarded
        for guarded, users in GUARDED.items()
        if unit not in users and any(f"{name}.".startswith(f"{guarded}.") for name in found)
    }
    assert {name for name in wrong if (module, name) not in ALLOWED} == set()


def test_every_exception_is_needed():
    for module, name in ALLOWED:
        found = imports(path_of(module).read_text(encoding="utf-8"))
        assert any(f"{other}.".startswith(f"{name}.") for other in found), f"{module} does not import {name} any more"


# Where the path of this Python is no command of ours: CMake runs the scripts of LLVM's sources by it, ….
NAMED = {
    "toolchain.compiler_rt", "toolchain.llvm_build", "toolchain.runtimes",  # Python3_EXECUTABLE
    "extension.native",  # in a message
    "launchers",  # hatch-wasi is beside it
    "runtime.trust",
}  # fmt: skip


@pytest.mark.parametrize("module", [name for name in modules() if name not in {"process", "disguise.shim"}])
def test_every_python_is_started_in_one_place(module):
    """`process.python` and `process.run_python` keep the working folder off its path; the guest's is not meant."""
    found = []
    for node in ast.walk(ast.parse(path_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.executable" and module not in NAMED:
            found.append(node.lineno)
        # Words such as [python, "-m", "venv"]: a program, and what makes it a Python.
        if isinstance(node, ast.List) and any(_is_python_option(word) for word in node.elts[1:]):
            first = ast.unparse(node.elts[0])
            if not first.startswith(("*process.python(", "'-", '"-')):
                found.append(node.lineno)
    assert found == [], "start it by process.run_python, or with the words of process.python"


def _is_python_option(word: ast.expr) -> bool:
    return isinstance(word, ast.Constant) and word.value in ("-m", "-I", "-P", "-ISB", "-IS")


@pytest.mark.parametrize(
    ("unit", "source", "expected"),
    [
        ("errors", "from hatch_wasi.console import Console", "console is above errors"),
        ("wasm", "def f():\n    from hatch_wasi import process", "wasm is pure knowledge"),
        ("wasm", "import hatch_wasi.runtime.loader", "runtime is above wasm"),
        ("wheels", "from hatch_wasi.extension import recipe", "extension is a sibling of wheels"),
        ("runtime", "if TYPE_CHECKING:\n    from hatch_wasi.bootstrap import Toolchain", "bootstrap is above runtime"),
        ("bootstrap", "import importlib\nimportlib.import_module(f'hatch_wasi.cli.{name}')", "cli is above bootstrap"),
        ("cli", "from hatch_wasi.plugin import Hook", "plugin is a sibling of cli"),
        ("hooks", "from hatch_wasi.plugin import Hook", ""),
        ("cli", "from hatch_wasi import __version__, bootstrap\nfrom hatch_wasi.wheels.install import x", ""),
    ],
)
def test_the_rules_see_what_they_should(unit, source, expected):
    found = [why for other in units(source) if (why := complaint(unit, other))]
    assert len(found) == (1 if expected else 0)
    assert not expected or expected in found[0]


def test_the_start_of_run_imports_little() -> None:
    """Each of these takes a millisecond or two, of the 35 that `run -c pass` has."""
    slow = ("argparse", "enum", "json", "re", "signal", "subprocess", "typing", "hatch_wasi.bootstrap", "wasmtime")
    code = (
        f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import hatch_wasi.cli, hatch_wasi.cli.run, "
        f"hatch_wasi.runtime.guest; print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
