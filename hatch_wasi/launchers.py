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

__all__ = ["MARK", "program", "programs", "script_header"]

NAME = "hatch-wasi"
MARK = "launchers"
"""A file in the folder above the launchers. By it they tell other environments from what they may call."""
HEAD = """\
#!/bin/sh
# Written by hatch-wasi. It finds the packages beside itself, so the environment may be moved.
self=$(command -p readlink -f -- "$0") && [ -n "$self" ] || exit 127
here=${{self%/*}}
program={program}
if ! [ -f "$program" ] || ! [ -x "$program" ]; then
    # It was moved. Look on the PATH, but not for another environment's: that would look here in turn.
    program=
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
PYTHON = 'exec "$program" run --site "$here/../.." "$@"\n'
COMMANDS = """\
VIRTUAL_ENV=$here/../../../../..
export VIRTUAL_ENV
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
[ -x "$program" ] || program={name}
exec "$program" run --site "$here/.." "$self" "$@"
"""


def program() -> str:
    """Return the absolute path of the command `hatch-wasi` of this installation; empty if it has none."""
    scheme = sysconfig.get_preferred_scheme("user")
    places = (
        Path(sys.argv[0]),
        Path(sysconfig.get_path("scripts"), NAME),
        Path(sys.executable).with_name(NAME),
        Path(sysconfig.get_path("scripts", scheme), NAME),
    )
    found = (path.absolute() for path in places if path.name == NAME and path.is_file() and os.access(path, os.X_OK))
    return str(next(found, ""))


def programs(short_version: str) -> dict[str, bytes]:
    """Return the launchers that every environment for Python `short_version` has, by their names."""
    head = HEAD.format(program=shlex.quote(program()), name=NAME, mark=MARK)
    python, commands = os.fsencode(head + PYTHON), os.fsencode(head + COMMANDS)
    return {
        **dict.fromkeys(("python", "python3", f"python{short_version}"), python),
        **dict.fromkeys(("pip", "pip3", f"pip{short_version}", NAME), commands),
    }


def script_header(*, environment: bool) -> bytes:
    """Return what a Python script begins with to run on WASI: one of an environment, or one in `DIR/bin`.

    The first has the environment's `python` beside it, the second its packages in the folder above.
    """
    if environment:
        return os.fsencode(SCRIPT_BEGIN + IN_ENVIRONMENT + SCRIPT_END)
    path = program()
    # For Python it is part of a string: a backslash would be an escape, and must not be a wrong one.
    quoted = shlex.quote(path) if "\\" not in path and "'''" not in shlex.quote(path) and _is_text(path) else "''"
    return os.fsencode(SCRIPT_BEGIN + IN_FOLDER.format(program=quoted, name=NAME) + SCRIPT_END)


def _is_text(path: str) -> bool:
    """Tell whether Python can read a path in a source file: as UTF-8, on one line."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return path.isprintable() and Path(path).is_absolute()
