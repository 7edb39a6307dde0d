"""Bytecode of what is installed, made beforehand: the guest's site-packages is read-only, and WASI is slow to compile.

WASI Python compiles it itself, or a native Python whose bytecode is the same (its magic number says so, PEP 3147), which
takes a quarter of the time. It is of the kind that is checked by the source's time and size: the import system looks at
the source file in any case, so an unchecked kind would save nothing, and who edits an installed file gets what he wrote.
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import HatchWasiError, ProcessFailed, WheelError
from hatch_wasi.wasi_python import GUEST_HOME, Runner, WasiPython

__all__ = ["Compiler"]

BATCH = 100
"""Files that are worth another guest: compiling one takes 1 to 5 ms, starting Python 20."""
# Reads a list of names; prints which bytecode file it made of which source. A source that does not compile (a template,
# Python of another age) is left to fail when it is imported, as pip does.
PROGRAM = """
import importlib.util, json, py_compile, sys, warnings
warnings.simplefilter("ignore")
names, folder, shown, magic, suffix = sys.argv[1:]
if importlib.util.MAGIC_NUMBER.hex() != magic:
    sys.exit("its bytecode is another Python's")
made = {}
for name in json.load(open(names, encoding="utf-8")):
    above, _, leaf = name.rpartition("/")
    target = (above + "/" if above else "") + "__pycache__/" + leaf.removesuffix(".py") + suffix
    try:
        py_compile.compile(
            folder + "/" + name, folder + "/" + target, shown + "/" + name, doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP,
        )
    except Exception:
        continue
    made[name] = target
print(json.dumps(made))
"""


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """Compiles for one WASI Python."""

    python: WasiPython
    run_wasi: Runner
    code: Path
    """Folder for compiled code of the guest."""
    native: Callable[[], Path | None]
    """Gives a native Python of the same X.Y, if there is one; asked only where it is worth it."""

    def compile_all(self, names: Sequence[str], stage: Path, scratch: Path) -> tuple[dict[str, str], str]:
        """Compile the sources `names` below `stage`, with the paths that the guest sees.

        `scratch` is an existing folder for the lists that are handed over. Gives source -> bytecode file, relative to
        `stage`, and why some are missing (empty if all that can be compiled are): a wheel can be used without them.
        """
        if not names:
            return {}, ""
        jobs = max(1, min(os.cpu_count() or 1, len(names) // BATCH))
        native = self.native() if len(names) >= BATCH else None
        made: dict[str, str] = {}
        problem = ""
        with ThreadPoolExecutor(jobs) as pool:
            parts = {scratch / f"compile-{index}.json": names[index::jobs] for index in range(jobs)}
            work = [pool.submit(self._compile, part, stage, lists, native) for lists, part in parts.items()]
            for future in work:
                try:
                    made |= future.result()
                except (HatchWasiError, ValueError) as error:
                    problem = str(error)
        return made, problem

    def _compile(self, names: Sequence[str], stage: Path, lists: Path, native: Path | None) -> dict[str, str]:
        """Compile `names`, which the file `lists` is for."""
        lists.write_text(json.dumps(names), encoding="utf-8")
        home = self.python.guest_site_packages
        suffix = f".cpython-{self.python.short_version.replace('.', '')}.pyc"
        magic = (self.python.stdlib / "__pycache__" / f"os{suffix}").read_bytes()[:4].hex()
        if native is not None:
            words: list[str | Path] = ["-S", "-c", PROGRAM, lists, stage, home, magic, suffix]
            with suppress(ProcessFailed, ValueError):  # the guest can do it in any case
                made = process.run_python(words, program=native, isolated=True, what="compiling bytecode")
                return dict(json.loads(made))
        folders, shown = {home: stage, "/jobs": lists.parent}, {f"{GUEST_HOME}/lib": self.python.library}
        guest_words = ["-S", "-P", "-c", PROGRAM, f"/jobs/{lists.name}", home, home, magic, suffix]
        environment = {"PYTHONHOME": GUEST_HOME}
        status, output = self.run_wasi(
            self.python.wasm, guest_words, folders=folders, shown=shown, environment=environment, code=self.code
        )
        if status:
            raise WheelError(output.strip().rpartition("\n")[2])
        return dict(json.loads(output))
