"""Run other programs: the only user of `subprocess`.

Programs are named by argv lists, never shell strings. Output goes to a log file when one is given, and the error names
it; otherwise it is captured and the error carries its end.

Every Python of this machine is started by `run_python`, or by the words that `python` returns: the working folder may
hold files of others, so no module is imported from it.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hatch_wasi import environment
from hatch_wasi.errors import ProcessFailed
from hatch_wasi.redaction import redacted

__all__ = ["base_environment", "python", "quote", "run", "run_python"]

TAIL = 4000
# Variables that change what a compiler, make, configure or Python does; a build must not depend on who runs it.
AMBIENT = (
    "AR", "ARFLAGS", "AS", "CC", "CFLAGS", "CLANG_CONFIG_FILE_SYSTEM_DIR", "CLANG_CONFIG_FILE_USER_DIR", "CONFIG_SITE",
    "CPATH", "CPLUS_INCLUDE_PATH", "CPP", "CPPFLAGS", "CXX", "CXXFLAGS", "C_INCLUDE_PATH", "GNUMAKEFLAGS", "LD",
    "LDFLAGS", "LDSHARED", "LD_LIBRARY_PATH", "LD_PRELOAD", "LIBRARY_PATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "NM",
    "PKG_CONFIG_PATH", "PYTHONBREAKPOINT", "PYTHONCASEOK", "PYTHONDONTWRITEBYTECODE", "PYTHONEXECUTABLE",
    "PYTHONHASHSEED", "PYTHONHOME", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS", "PYTHON_PRESITE", "RANLIB", "SDKROOT",
    "STRIP", "VIRTUAL_ENV", "_PYTHON_HOST_PLATFORM", "_PYTHON_SYSCONFIGDATA_NAME", "__PYVENV_LAUNCHER__",
)  # fmt: skip
NEUTRAL = Path("/")
"""A working folder that only the administrator writes to."""


def base_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what steers compilers and Python, in the C locale, plus `extra`.

    The programs of an active environment for WASI Python are not on its PATH.
    """
    env = {name: value for name, value in os.environ.items() if name not in AMBIENT}
    if "PATH" in env:
        env["PATH"] = environment.search_path(env["PATH"])
    env.update({"LC_ALL": "C", "TZ": "UTC"})
    env.update(extra or {})
    return env


def python(program: str | Path | None = None, *, isolated: bool = False) -> list[str]:
    """Return the words that start the Python `program` (default: the one that runs this); `-c`, `-m` or a script follow.

    Modules are not looked for in the working folder. If `isolated`, PYTHON* variables and the user's own site-packages
    do not count either: for what needs the standard library, or a virtual environment, and nothing else.
    """
    return [os.fspath(program or sys.executable), "-I" if isolated else "-P"]


def run_python(
    words: Sequence[str | Path],
    *,
    what: str,
    program: str | Path | None = None,
    isolated: bool = False,
    cwd: Path | None = NEUTRAL,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    timeout: float | None = None,
    tail: int = TAIL,
) -> str:
    """Run a Python with the arguments `words`; see `python` for `program` and `isolated`, and `run` for the rest.

    Unlike those of `run`, the default working folder is a neutral one (None is the caller's) and the default
    environment is `base_environment()`. Raises `ProcessFailed`.
    """
    argv = [*python(program, isolated=isolated), *words]
    env = base_environment() if env is None else env
    return run(argv, what=what, cwd=cwd, env=env, log=log, timeout=timeout, tail=tail)


def quote(argv: Sequence[str | Path]) -> str:
    """Write `argv` as a shell would need it, to show or to log."""
    return shlex.join(os.fspath(word) for word in argv)


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    hold: Sequence[int] = (),
    timeout: float | None = None,
    accept: Sequence[int] = (0,),
    tail: int = TAIL,
) -> str:
    """Run `argv` to its end and give what it wrote to standard output (and standard error, where there is a `log`).

    Parameters: `what` names the work for the error text; `env` is the whole environment (default: this process's);
    `log` is appended to, with the command first; `hold` are file descriptors that the program and its children
    inherit (a lock that must outlive this process, see `cache`); `timeout` in seconds; `accept` lists good statuses;
    `tail` is how many characters of the output, the last, an error keeps.

    Raises `ProcessFailed` when the program cannot be started, takes too long or ends otherwise.
    """
    words = [os.fspath(word) for word in argv]
    try:
        if log is not None:
            status, output = _run_logged(words, cwd, env, log, hold, timeout)
        else:
            done = subprocess.run(
                words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                pass_fds=tuple(hold), timeout=timeout, check=False, encoding="utf-8", errors="replace",
            )  # fmt: skip
            status, output = done.returncode, done.stdout if done.returncode in accept else done.stderr + done.stdout
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProcessFailed(f"{what}: cannot run {words[0]}: {reason}", status=127, log=log) from error
    except subprocess.TimeoutExpired as error:
        raise ProcessFailed(
            f"{what}: {words[0]} took longer than {timeout} s", status=-signal.SIGKILL, log=log
        ) from error
    if status not in accept:
        raise ProcessFailed(_failure(what, words[0], status, output), status=status, output=output[-tail:], log=log)
    return output


def _run_logged(
    words: list[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    log: Path,
    hold: Sequence[int],
    timeout: float | None,
) -> tuple[int, str]:
    log.parent.mkdir(parents=True, exist_ok=True)
    # Read back through the same file: another process, at the same work, may put its own log in this one's place.
    # A program may print what is secret in ways that are not known here: only the user may read it.
    with open(log, "a+b", opener=_private) as file:
        shown = quote([redacted(word) for word in words])
        file.write(f"+ {shown}   # {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n".encode())
        file.flush()
        begin = file.tell()
        done = subprocess.run(
            words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            pass_fds=tuple(hold), timeout=timeout, check=False,
        )  # fmt: skip
        return done.returncode, _settled(file, begin)


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    with suppress(OSError):  # another user's, as after sudo
        os.fchmod(descriptor, 0o600)
    return descriptor


def _settled(file: BinaryIO, begin: int) -> str:
    """Hide what is secret in the addresses that a program printed into its log, and return what it printed."""
    file.seek(begin)
    said = file.read().decode("utf-8", "replace")
    if (hidden := redacted(said)) != said:
        file.truncate(begin)
        file.write(hidden.encode())
    return said


def _failure(what: str, program: str, status: int, output: str) -> str:
    how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # The first error is the cause; what make, the driver and configure say after it is its echo.
    marks = ("error:", ": not found", "no such file", "undefined", "***")
    told = (line for mark in marks for line in lines if mark in line.lower())
    telling = next(told, lines[-1] if lines else "")
    return f"{what} failed: {Path(program).name}, {how}" + (f": {telling}" if telling else "")
