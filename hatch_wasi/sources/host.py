"""Which machines programs run on: operating system, processor, and the C library that they ask for."""

import mmap
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Host"]

SYMBOL_VERSION = re.compile(rb"\0GLIBC_(\d+)\.(\d+)")
"""As an ELF file's string table names the versions of glibc that it needs (ld.so(8), `objdump -p`)."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A kind of machine."""

    os: str
    """As `sys.platform`: `linux`, `darwin`."""
    machine: str
    """As `uname -m`: `x86_64`, `aarch64`, `arm64`."""
    glibc: str
    """Its version, `2.36`: the machine's own, or the newest that a program asks for; empty where there is none."""

    @classmethod
    def here(cls) -> "Host":
        """Describe this machine."""
        try:
            name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        except (ValueError, OSError):  # another C library
            name, version = "", ""
        return cls(os=sys.platform, machine=os.uname().machine, glibc=version if name == "glibc" else "")

    @classmethod
    def of_programs(cls, folders: Iterable[Path]) -> "Host":
        """Describe the machines that the programs below `folders`, which run on this one, will run on."""
        here, needed = cls.here(), (0, 0)
        for path in (path for folder in folders for path in folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                needed = max(needed, _needed(path))
        return cls(os=here.os, machine=here.machine, glibc=".".join(map(str, needed)) if needed > (0, 0) else "")

    def obstacle(self, machine: "Host") -> str:
        """Say why `machine` cannot run what runs on this; empty if it can."""
        for name in ("os", "machine"):
            mine, its = getattr(self, name), getattr(machine, name)
            if mine != its:
                return f"it is for {self.os} {self.machine}, this is {machine.os} {machine.machine}"
        if self.glibc and not machine.glibc:
            return f"its programs need glibc {self.glibc}, and this machine has another C library"
        if _numbers(self.glibc) > _numbers(machine.glibc):
            return f"its programs need glibc {self.glibc}, this machine has {machine.glibc}"
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _needed(path: Path) -> tuple[int, int]:
    """Give the newest glibc that an ELF file asks for; (0, 0) of any other file."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return 0, 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = ((int(major), int(minor)) for major, minor in SYMBOL_VERSION.findall(data))
            return max(found, default=(0, 0))
