"""The programs that hatch-wasi writes into environments: for /bin/sh of this machine, and each runs something on WASI.

They are the only files there that may be executed. They know the command `hatch-wasi` by its path, since an environment
may be activated in place of the one that hatch-wasi is in, and find the packages beside themselves, since environments
are moved. What they call of this machine's programs they do not look for on the PATH, where packages have theirs.
"""

import os
import shlex
import sys
import sysconfig
from pathlib import Path

__all__ = ["MARK", "PROGRAM", "program", "programs", "script_header"]

NAME = "hatch-wasi"
MARK = "launchers"
"""A file in the folder above the launchers. By it they tell other environments from what they may call."""
PROGRAM = 0o555
"""Mode of a program. A guest that may write to its folder cannot change it: WASI has no chmod, and makes no executables."""
START = "import sys; from hatch_wasi.cli import main; sys.exit(main())"
HEAD = """\
#!/bin/sh
# Written by hatch-wasi. It finds the packages beside itself, so the environment may be moved.
self=$(command -p readlink -f -- "$0") && [ -n "$self" ] || exit 127
here=${{self%/*}}
program={program}
python={python}
if ! [ -f "$program" ] || ! [ -x "$program" ]; then
    # It was moved. Look on the PATH, but not for another environment's: that would look here in turn.
    program=
    python=
    IFS=:
    set -f
    for folder in $PATH; do
        if [ -f "$folder/{name}" ] && [ -x "$folder/{name}" ] && ! [ -e "$folder/../{mark}" ]; then
            program=$folder/{name}
            break
        fi
    done
    unset IFS
    set +f
fi
if [ -z "$program" ]; then
    echo "{name}: not found; install it, and make the environment again: {name} venv DIR" >&2
    exit 127
fi
"""
# PYTHONPATH and the like are meant for WASI Python: the Python that runs hatch-wasi takes no modules from there (-E).
PYTHON = """\
if [ -x "$python" ]; then
    exec "$python" -EP -c "{start}" run --site "$here/../.." "$@"
fi
exec "$program" run --site "$here/../.." "$@"
"""
COMMANDS = """\
VIRTUAL_ENV=$here/../../../../..
export VIRTUAL_ENV
if [ -x "$python" ]; then
    exec "$python" -EP -c "{start}" "$@"
fi
exec "$program" "$@"
"""
"""What is installed by the `pip` of an environment is for it; that of this machine's Python would install there."""

# A program for /bin/sh and for Python at once, as the installer library and distlib write it: what Python reads as a
# string, the shell never gets to the end of. So the guest can be given the same file.
SCRIPT_BEGIN = """\
#!/bin/sh
''':'
self=$(command -p readlink -f -- "$0") && [ -n "$self" ] || exit 127
here=${self%/*}
"""
SCRIPT_END = "' '''\n"
IN_ENVIRONMENT = 'exec "$here/python" "$self" "$@"\n'
IN_FOLDER = """\
program={program}
python={python}
if [ -x "$program" ] && [ -x "$python" ]; then
    exec "$python" -EP -c "{start}" run --site "$here/.." "$self" "$@"
fi
[ -x "$program" ] || program={name}
exec "$program" run --site "$here/.." "$self" "$@"
"""


def program() -> str:
    """Return the absolute path of the command `hatch-wasi` of this installation; empty if it has none."""
    called = Path(sys.argv[0]).absolute()
    return str(called) if _is_command(called) else _installed()


def python() -> str:
    """Return the path of the Python that hatch-wasi is installed in; empty if it only happens to find it."""
    return sys.executable if _installed() else ""


def _installed() -> str:
    scheme = sysconfig.get_preferred_scheme("user")
    places = (
        Path(sysconfig.get_path("scripts"), NAME),
        Path(sys.executable).with_name(NAME),
        Path(sysconfig.get_path("scripts", scheme), NAME),
    )
    return next((str(path) for path in places if _is_command(path)), "")


def _is_command(path: Path) -> bool:
    return path.name == NAME and path.is_file() and os.access(path, os.X_OK)


def programs(short_version: str) -> dict[str, bytes]:
    """Return the launchers that every environment for Python `short_version` has, by their names."""
    values = {"program": shlex.quote(program()), "python": shlex.quote(python())}
    head = HEAD.format(**values, name=NAME, mark=MARK)
    run, commands = (os.fsencode(head + text.format(start=START)) for text in (PYTHON, COMMANDS))
    return {
        **dict.fromkeys(("python", "python3", f"python{short_version}"), run),
        **dict.fromkeys(("pip", "pip3", f"pip{short_version}", NAME), commands),
    }


def script_header(*, environment: bool) -> bytes:
    """Return what a Python script begins with to run on WASI: one of an environment, or one in `DIR/bin`.

    The first has the environment's `python` beside it, the second its packages in the folder above.
    """
    if environment:
        return os.fsencode(SCRIPT_BEGIN + IN_ENVIRONMENT + SCRIPT_END)
    values = {"program": _within_string(program()), "python": _within_string(python())}
    return os.fsencode(SCRIPT_BEGIN + IN_FOLDER.format(**values, name=NAME, start=START) + SCRIPT_END)


def _within_string(path: str) -> str:
    """Quote a path for a shell, in what is part of a string for Python; nothing if it cannot be in one.

    A backslash would be an escape there, and perhaps a wrong one.
    """
    quoted = shlex.quote(path)
    return quoted if "\\" not in path and "'''" not in quoted and _is_text(path) else "''"


def _is_text(path: str) -> bool:
    """Tell whether Python can read a path in a source file: as UTF-8, on one line."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return path.isprintable() and Path(path).is_absolute()
