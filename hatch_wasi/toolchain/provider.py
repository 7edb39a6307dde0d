"""What every SDK provider is: it says yes with an SDK, or why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import HatchWasiError
from hatch_wasi.sdk import WasiSdk

__all__ = ["Provider", "Request", "Trial", "Unavailable"]

Trial = Callable[[Path], tuple[int, str]]
"""Runs a WASI command module and gives its exit status and standard output."""


class Unavailable(HatchWasiError):
    """A provider cannot serve this request; the message is the reason."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the chain."""

    sdk: str
    """`auto`, a provider's name, or a folder."""
    pair: str
    """The wasi-sdk release, `24`, whose wasi-libc belongs to the Python asked for (PEP 816)."""
    trial: Trial
    """How a program is run on WASI: an SDK is accepted only after one was compiled, linked and run."""


class Provider(Protocol):
    """A source of SDKs. Providers are modules with these two functions.

    A third is optional: `outlook(cache: Cache, request: Request) -> str` says, quickly and without running or fetching
    anything, what `provide` would do, or why it could not serve ("not: offline, …"); it is asked only when nothing is
    `ready`.
    """

    NAME: str

    def ready(self, cache: Cache, request: Request) -> WasiSdk | None:
        """Give the SDK if it is there already and was accepted before; quick, no network."""

    def provide(self, cache: Cache, console: Console, request: Request) -> WasiSdk:
        """Give the SDK, making it if need be. Raises `Unavailable`, or another error if making it failed."""
