"""Bytecode of what is installed, made beforehand: the guest's site-packages is read-only, and WASI is slow to compile.

The guest compiles it itself, with the folder shown where it will be. It is of the kind that is checked by the source's time and size: the import system looks at the source file in any case, so an unchecked kind
would save nothing, and who edits an installed file gets what he wrote.
"""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hatch_wasi.errors import HatchWasiError, WheelError
from hatch_wasi.wasi_python import GUEST_HOME, Runner, WasiPython

__all__ = ["compile_all"]

BATCH = 100
"""Files that are worth another guest: compiling one takes 1 to 5 ms, starting Python 20."""
# Reads a list of names; prints which bytecode file it made of which source. A source that does not compile (a template,
# Python of another age) is left to fail when it is imported, as pip does.
PROGRAM = """
import importlib.util, json, py_compile, sys, warnings
warnings.simplefilter("ignore")
folder = sys.argv[2]
made = {}
for name in json.load(open(sys.argv[1], encoding="utf-8")):
    target = importlib.util.cache_from_source(name)
    try:
        py_compile.compile(
            folder + "/" + name, folder + "/" + target, doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP,
        )
    except Exception:
        continue
    made[name] = target
print(json.dumps(made))
"""


def compile_all(
    names: Sequence[str], stage: Path, scratch: Path, python: WasiPython, run: Runner, code: Path
) -> tuple[dict[str, str], str]:
    """Compile the sources `names` below `stage`, with the paths that the guest sees.

    `scratch` is an existing folder for the lists that are handed over, `code` one for compiled code. Gives source ->
    bytecode file, relative to `stage`, and why some are missing (empty if all that can be compiled are): a wheel can
    be used without them.
    """
    jobs = max(1, min(os.cpu_count() or 1, len(names) // BATCH))
    home = python.guest_site_packages
    folders, shown = {home: stage, "/jobs": scratch}, {f"{GUEST_HOME}/lib": python.library}
    environment = {"PYTHONHOME": GUEST_HOME}

    def work(index: int) -> dict[str, str]:
        (scratch / f"compile-{index}.json").write_text(json.dumps(names[index::jobs]), encoding="utf-8")
        argv = ["-S", "-P", "-c", PROGRAM, f"/jobs/compile-{index}.json", home]
        status, output = run(python.wasm, argv, folders=folders, shown=shown, environment=environment, code=code)
        if status:
            raise WheelError(output.strip().rpartition("\n")[2])
        return dict(json.loads(output))

    if not names:
        return {}, ""
    made: dict[str, str] = {}
    problem = ""
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work, index) for index in range(jobs)]:
            try:
                made |= future.result()
            except (HatchWasiError, ValueError) as error:
                problem = str(error)
    return made, problem
