"""Bytecode of what is installed, made beforehand: the guest's site-packages is read-only, and WASI is slow to compile.

The toolchain's native interpreter has the guest's version, so its bytecode is the guest's. It is of the kind that is
checked by the source's time and size: the import system looks at the source file in any case, so an unchecked kind
would save nothing, and who edits an installed file gets what he wrote.
"""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import ProcessFailed
from hatch_wasi.wasi_python import WasiPython

__all__ = ["compile_all"]

BATCH = 100
"""Files that are worth another process: compiling one takes 1 to 5 ms, starting Python 20."""
TIMEOUT = 600.0
# Reads {"stage", "guest", "names"}; prints which bytecode file it made of which source. A source that does not compile (a template,
# Python of another age) is left to fail when it is imported, as pip does.
PROGRAM = """
import importlib.util, json, py_compile, sys
job = json.load(open(sys.argv[1], encoding="utf-8"))
made = {}
for name in job["names"]:
    target = importlib.util.cache_from_source(name)
    try:
        py_compile.compile(
            job["stage"] + "/" + name, job["stage"] + "/" + target, job["guest"] + "/" + name, doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP,
        )
    except Exception:
        continue
    made[name] = target
print(json.dumps(made))
"""


def compile_all(names: Sequence[str], stage: Path, scratch: Path, python: WasiPython) -> tuple[dict[str, str], str]:
    """Compile the sources `names` below `stage`, with the paths that the guest sees.

    `scratch` is an existing folder for the lists that are handed over. Gives source -> bytecode file, relative to
    `stage`, and why some are missing (empty if all that can be compiled are): a wheel can be used without them.
    """
    jobs = max(1, min(os.cpu_count() or 1, len(names) // BATCH))

    def work(index: int) -> dict[str, str]:
        job = scratch / f"compile-{index}.json"
        content = {"stage": str(stage), "guest": python.guest_site_packages, "names": names[index::jobs]}
        job.write_text(json.dumps(content), encoding="utf-8")
        argv: list[str | Path] = [python.build_python, "-I", "-S", "-W", "ignore", "-c", PROGRAM, job]
        made = process.run(argv, what="compile", env=process.base_environment(), timeout=TIMEOUT)
        return dict(json.loads(made))

    if not names:
        return {}, ""
    made: dict[str, str] = {}
    problem = ""
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work, index) for index in range(jobs)]:
            try:
                made |= future.result()
            except (ProcessFailed, ValueError) as error:
                problem = str(error)
    return made, problem
