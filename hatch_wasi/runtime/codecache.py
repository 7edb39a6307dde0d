"""Compiled code, kept: Cranelift takes seconds for python.wasm, a stored module is mapped in a millisecond.

Compiled code is trusted like a program, so it is taken only from a folder that nobody else can write, and only if its
sha256 is the one written down beside it. That check is repeated whenever the file's inode, size or times (ctime
included, which programs cannot set) are not those of the last check; hashing 18 MB at every start costs more than all
else. An entry is two files, each replaced atomically:

    <key>-<sha256 of the code>.cwasm    wasmtime's serialized module
    <key>.info                          a line with the sha256 of the rest; then, in marshal's format, the name, sha256
                                        and stamp of the code, and what its reader wants to know about the module

The folder has a largest size: what was used least recently goes first, as far as the times of the `.info` files tell,
which are renewed once a day. Code that `run.state` names (python.wasm's) stays.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import sys
import time
from ctypes import byref

from hatch_wasi.runtime.capi import Vector
from hatch_wasi.runtime.engine import SETTINGS, Engine, Rejected
from hatch_wasi.runtime.trust import problem, sha256, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

__all__ = ["VARIABLE", "CodeCache", "Entry"]

FORMAT = "4"
"""Changes whenever the descriptions change."""
VARIABLE = "HATCH_WASI_CODE_CACHE_SIZE"
"""Environment variable with the largest size of the folder, such as `2G`."""
LIMIT = 512 << 20
DAY = 24 * 3600
"""Seconds after which the use of an entry is noted again."""


class Entry:
    """A compiled module, ready to be instantiated."""

    __slots__ = ("code", "description", "key", "module")

    def __init__(self, key: str, module: int, description: Any, code: str | None) -> None:
        """Hold `module` (a `wasmtime_module_t`), what is known about it, and the file of its code if it is kept."""
        self.key = key
        self.module = module
        self.description = description
        self.code = code


class CodeCache:
    """The folder `aot` of the cache, for one engine."""

    def __init__(
        self,
        folder: str,
        engine: Engine,
        version: str,
        *,
        tell: Callable[[str], AbstractContextManager[None]] | None = None,
    ) -> None:
        """Use `folder`, made if it can be; `version` is wasmtime's.

        `tell` is entered while a module is compiled, with the file's name.
        """
        self._folder = folder
        self._engine = engine
        self._tell = tell
        self._limit = _limit()
        self._suffix = f"{version}-{SETTINGS}-{os.uname().machine}-{sys.implementation.cache_tag}-{FORMAT}"
        self.problem = problem(folder)
        """Why nothing is kept, or None."""

    def load(
        self, image: bytes | memoryview, describe: Callable[[], Any], *, name: str = "", keep: bool = True
    ) -> Entry:
        """Return the module of `image`, compiled now or before, and what `describe()` returned then.

        A description is made of what marshal can write. `name` is the file's. Unless `keep` is set, which is for what
        this machine runs itself, code that is compiled now is only kept by the method of that name. Raises `Rejected` if it is not valid WebAssembly, and
        what `describe` raises.
        """
        key = f"{sha256(image)[:32]}-{self._suffix}"
        found = None if self.problem else self._read(key)
        if found is not None:
            return found
        description = describe()
        if self._tell is None:
            module = self._engine.compile(bytes(image))
        else:
            with self._tell(name):
                module = self._engine.compile(bytes(image))
        code = self._write(key, module, description, is_forced=True) if keep and not self.problem else None
        return Entry(key, module, description, code)

    def keep(self, entry: Entry) -> None:
        """Keep the code of an entry that was compiled now, whose module must not be deleted yet, if there is room."""
        if entry.code is None and not self.problem:
            entry.code = self._write(entry.key, entry.module, entry.description, is_forced=False)

    def description(self, key: str, *, checked: bool) -> Any:
        """Give the description of the entry `key`, or None if it is not there (any more).

        `checked`: its file is known to be what this cache wrote.
        """
        try:
            return self._info(key, checked=checked)[3]
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def facts(self, key: str) -> str:
        """Name the file that holds what is known about the entry `key`."""
        return os.path.join(self._folder, f"{key}.info")

    def _info(self, key: str, *, checked: bool = False) -> tuple[Any, ...]:
        """Read an entry's file of facts. Raises `ValueError` if it is damaged."""
        with open(self.facts(key), "rb") as file:
            digest, content = file.read(65), file.read()
        if not checked and sha256(content).encode() + b"\n" != digest:
            message = f"{key} is damaged"
            raise ValueError(message)
        name, expected, checked, description = marshal.loads(content)
        return name, expected, checked, description

    def _read(self, key: str) -> Entry | None:
        """Give the entry of `key` if it is whole; anything odd about it means that there is none."""
        try:
            name, expected, checked, description = self._info(key)
            code = os.path.join(self._folder, name)
            if stamp(code) != checked:
                with open(code, "rb") as file:
                    if sha256(file.read()) != expected:
                        return None
                self._renew(key, name, expected, description)
            elif (found := stamp(self.facts(key))) and found[2] < (time.time() - DAY) * 1e9:
                os.utime(self.facts(key))
            return Entry(key, self._engine.map(code), description, code)
        except (OSError, ValueError, EOFError, TypeError, Rejected):
            return None

    def _write(self, key: str, module: int, description: Any, *, is_forced: bool) -> str | None:
        """Keep a compiled module and return its file, or None: there is no room, unless that `is_forced`."""
        vector = Vector()
        try:
            self._engine.check(self._engine.api.wasmtime_module_serialize(module, byref(vector)))
            code = ctypes.string_at(vector.data or 0, vector.size)
            self._engine.api.wasm_byte_vec_delete(byref(vector))
            from hatch_wasi.runtime.eviction import make_room

            if not make_room(self._folder, len(code), self._limit) and not is_forced:
                return None
            digest = sha256(code)
            name = f"{key}-{digest[:16]}.cwasm"
            self._replace(name, code)
            self._write_info(key, name, digest, description)
        except (OSError, Rejected) as error:
            self.problem = f"{self._folder} cannot be written: {getattr(error, 'strerror', None) or error}"
            return None
        return os.path.join(self._folder, name)

    def _renew(self, key: str, name: str, digest: str, description: Any) -> None:
        """Write down the new stamp of code that was found to be right."""
        try:
            self._write_info(key, name, digest, description)
        except OSError:
            return  # the next one checks again

    def _write_info(self, key: str, name: str, digest: str, description: Any) -> None:
        content = marshal.dumps((name, digest, stamp(os.path.join(self._folder, name)), description))
        self._replace(f"{key}.info", sha256(content).encode() + b"\n" + content)

    def _replace(self, name: str, data: bytes) -> None:
        temporary = os.path.join(self._folder, f".{name}.{os.getpid()}-{time.monotonic_ns()}")
        try:
            with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(data)
            os.replace(temporary, os.path.join(self._folder, name))
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise


def _limit() -> int:
    """Return the largest size of the folder in bytes. Raises `UsageError` for a variable that is not one."""
    given = os.environ.get(VARIABLE)
    if not given:
        return LIMIT
    from hatch_wasi.runtime.amounts import size

    return size(given, VARIABLE)
