"""Side modules made of the sources in tests/packages/loader, and a guest that sees them."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from terminals import Terminal

from hatch_wasi.sdk import WasiSdk
from hatch_wasi.wasi_python import WasiPython

SOURCES = Path(__file__).parent.parent / "packages" / "loader"
EMULATED = ("SIGNAL", "GETPID", "PROCESS_CLOCKS")
EXCEPTIONS = ("-nostdinc++", "-fno-rtti", "-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=false")
LINK = (
    "-nostdlib", "-Wl,--no-entry", "-Wl,--unresolved-symbols=import-dynamic", "-Wl,--experimental-pic",
    "-Wl,--export-if-defined=__wasm_call_ctors", "-Wl,--strip-debug",
)  # fmt: skip

Build = Callable[..., Path]
Python = Callable[..., "subprocess.CompletedProcess[str]"]


class Builder:
    """Compiles and links side modules into one folder, each once."""

    def __init__(self, sdk: WasiSdk, python: WasiPython, folder: Path) -> None:
        self.sdk = sdk
        self.python = python
        self.folder = folder
        self._made: set[str] = set()

    def __call__(
        self,
        source: str,
        *,
        name: str | None = None,
        exports: Sequence[str] | None = None,
        needs: Sequence[str] = (),
        also: Sequence[str] = (),
        shared: bool = False,
        abi: dict[str, object] | str | None = None,
    ) -> Path:
        """Build `source`.c, and `also` others, as `name`.so.

        It exports PyInit_* and `exports` (empty: default visibility's symbols).
        """
        name = name or source
        out = self.folder / f"{name}.so"
        if name in self._made:
            return out
        scratch = self.folder.parent / f"{name}.objects"
        scratch.mkdir(parents=True)
        paths = [next(SOURCES.glob(f"{stem}.c*")) for stem in (source, *also)]
        objects = [self._compile(path, scratch / f"{path.stem}.o") for path in paths]
        if abi is not None:
            content = abi if isinstance(abi, str) else json.dumps(abi, sort_keys=True)
            text = (SOURCES / "abi.s").read_text().replace("CONTENT", content.replace('"', '\\"'))
            (scratch / "abi.s").write_text(text)
            objects.append(self._compile(scratch / "abi.s", scratch / "abi.o"))
        kind = ("-shared",) if shared else ("-Wl,-pie", "-Wl,--import-memory")
        wanted = [f"PyInit_{source}"] if exports is None else exports
        names = [f"-Wl,--export={symbol}" for symbol in wanted] or ["-Wl,--export-dynamic"]
        libraries = [str(self.folder / f"{needed}.so") for needed in needs]
        run(*self.sdk.cc, *kind, *LINK, *names, *objects, *libraries, self.sdk.builtins, "-o", out)
        self._made.add(name)
        return out

    def _compile(self, source: Path, target: Path) -> Path:
        defines = [f"-D_WASI_EMULATED_{feature}" for feature in EMULATED]
        flags = [*defines, f"-I{self.python.include}", *(EXCEPTIONS if source.suffix == ".cpp" else ())]
        run(*self.sdk.cc, "-fPIC", "-O1", "-w", *flags, "-c", source, "-o", target)
        return target


def run(*argv: object) -> None:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def build(wasi_sdk: WasiSdk, wasi_python: WasiPython, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    folder = tmp_path_factory.mktemp("loader") / "site"
    folder.mkdir()
    return Builder(wasi_sdk, wasi_python, folder)


@pytest.fixture
def python(guest: Python, build: Builder) -> Python:
    """Run code in a guest that can import what was built."""

    def run_code(code: str, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
        return guest("--site", build.folder, *arguments, "-c", code, **options)

    return run_code


@pytest.fixture
def answer(python: Python) -> Callable[[str], object]:
    """Evaluate an expression in the guest, after statements if there are any, and give its value by JSON."""

    def evaluate(expression: str, before: str = "") -> object:
        done = python(f"{before}\nimport json\nprint('\\n' + json.dumps({expression}))")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return evaluate


@pytest.fixture
def compiled_code(tmp_path: Path, wasi_python: WasiPython) -> Path:
    """A cache of one's own that holds the toolchain's Python and no compiled code."""
    root = tmp_path / "cache"
    entry = root / "python" / wasi_python.root.name
    entry.parent.mkdir(parents=True)
    entry.symlink_to(wasi_python.root)
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def terminal(guest: Python, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Terminal]:
    """Guests on terminals, in an empty folder and with nothing of this machine's person."""
    assert guest("-c", "pass").returncode == 0  # it is compiled now, which takes longer than a terminal is waited for
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("INPUTRC", str(tmp_path / "inputrc"))
    (tmp_path / "inputrc").write_text("")
    for name in ("PYTHONSTARTUP", "PYTHONPATH", "PYTHONINSPECT"):
        monkeypatch.delenv(name, raising=False)
    return Terminal
