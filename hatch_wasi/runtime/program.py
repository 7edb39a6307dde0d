"""Run a program that a build has made for WASI as the build expects: with its words, streams, folder and exit status."""

from __future__ import annotations

import marshal
import os
import signal
import sys

from hatch_wasi.errors import HatchWasiError
from hatch_wasi.runtime.engine import Trapped
from hatch_wasi.runtime.trial import run_attached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["image", "main"]

MAGIC = b"\0asm"
LAUNCHER_LINES = 2
CANNOT_RUN = 126


def image(data: bytes) -> bytes:
    """Return the module in a program's file: what follows its launcher, if it has one."""
    if data.startswith(b"#!"):
        *_, rest = data.split(b"\n", LAUNCHER_LINES)
        return rest if rest.startswith(MAGIC) else data
    return data


def main(settings_file: str, argv: list[str]) -> None:
    """Run `argv[0]` with the words after it, and end with its exit status."""
    # An interrupted build ends its programs, too: the guest's thread would go on after a KeyboardInterrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with open(settings_file, "rb") as file:
        settings = marshal.load(file)
    try:
        with open(argv[0], "rb") as file:
            data = image(file.read())
        if not data.startswith(MAGIC):
            os.execv(argv[0], argv)  # a program of this machine
        status = run_attached(data, argv, *_surroundings(settings), code=settings["code"])
    except HatchWasiError as error:
        sys.stderr.write(f"hatch-wasi: {argv[0]}: {error.render()}\n")
        status = error.exit_code if isinstance(error, Trapped) else CANNOT_RUN
    except OSError as error:
        sys.stderr.write(f"hatch-wasi: {argv[0]}: {error.strerror or error}\n")
        status = CANNOT_RUN
    sys.stderr.flush()
    os._exit(status)


def _surroundings(settings: dict[str, Any]) -> tuple[list[tuple[str, str, bool]], dict[str, str]]:
    """Return the folders that the program sees, each at its own path, and its variables."""
    folders = [(folder, folder, writable) for folder, writable in settings["folders"] if os.path.isdir(folder)]
    withheld = set(settings["withheld"])
    variables = {name: value for name, value in os.environ.items() if name not in withheld}
    variables["PWD"] = cwd = os.getcwd()
    if not any(f"{cwd}/".startswith(f"{folder}/") for folder, _, _ in folders):
        sys.stderr.write(f"hatch-wasi: the program starts in /: {cwd} is not a folder of the build\n")
    return folders, variables
