"""The interpreter: a pure-Python suite on WASI against the same suite on a native Python.

Usage: interpreter.py [PYTHON]. The default is the build python, which a bootstrap may have built with less
optimization than a Python that is made to be used: its flags are printed, judge by them.
"""

import json
import sys
from pathlib import Path

from bench import build_python, duration, geometric_mean, hatch_wasi, run, toolchain

ROUNDS = 5
REPEAT = 5
SUITE = Path(__file__).with_name("suite.py")


def main() -> None:
    """Measure and print."""
    native_python = sys.argv[1] if len(sys.argv) > 1 else build_python(toolchain())
    natives: list[dict[str, float]] = []
    guests: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        natives.append(json.loads(run([native_python, SUITE, REPEAT])))
        guests.append(json.loads(hatch_wasi("run", SUITE, REPEAT)))
    print(f"\nPure Python, the fastest of {ROUNDS * REPEAT}:\n")
    print("| | native | WASI | ratio |\n|---|---|---|---|")
    ratios = []
    for name in natives[0]:
        native = min(times[name] for times in natives)
        guest = min(times[name] for times in guests)
        ratios.append(guest / native)
        print(f"| {name} | {duration(native)} | {duration(guest)} | {ratios[-1]:.2f} |")
    print(f"| **geometric mean** | | | **{geometric_mean(ratios):.2f}** |")
    flags = "import sys, sysconfig; print(sys.version, sysconfig.get_config_var('PY_CORE_CFLAGS'))"
    print(f"\nNative: {run([native_python, '-c', flags]).strip()}")


if __name__ == "__main__":
    main()
