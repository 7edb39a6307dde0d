"""The original archives in the distribution's source packages: what upstream released, vouched for by apt's signatures."""

import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from hatch_wasi.cache import Cache
from hatch_wasi.errors import FetchError
from hatch_wasi.fetch import is_offline, sha256_of
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution

__all__ = ["Originals"]

Read = TypeVar("Read")


class Originals:
    """Asks the machine's suites for source packages, then newer ones; each suite's index is read once."""

    def __init__(self, cache: Cache) -> None:
        """Keep apt's state and the archives in the cache."""
        self._cache = cache

    @cached_property
    def _suites(self) -> list[Apt]:
        if is_offline():
            message = "offline: packages cannot be fetched"
            raise FetchError(message)
        machine = Distribution.detect()
        folder, log = self._cache.folder("apt"), self._cache.folder("logs") / "apt.log"
        return [Apt(suites, folder / suites.codename, log) for suites in (machine, *machine.newer())]

    def find(self, package: str, accept: Callable[[Path, str, str], Read]) -> Read:
        """Fetch the `.orig` archive of the first suite's package that `accept` takes, and give what that gives.

        `accept` gets the archive in the cache, its sha256 and where it came from, and raises `FetchError` with a
        reason if it does not serve. Raises `FetchError` with every suite's reason, `ToolchainError` where there is no
        apt.
        """
        reasons = []
        with self._cache.lock("apt"):
            for apt in self._suites:
                suites = apt.distribution
                try:
                    path, sha256 = self._fetch(apt, package)
                    return accept(
                        path, sha256, f"{suites.id} {suites.codename}: {path.name.removeprefix(f'{sha256}-')}"
                    )
                except FetchError as error:
                    reasons.append(f"{suites.codename}: {error.message}")
        message = "; ".join(reasons)
        raise FetchError(message)

    def _fetch(self, apt: Apt, package: str) -> tuple[Path, str]:
        downloads = self._cache.folder("downloads")
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=downloads) as name:
            original = apt.original(package, Path(name))
            sha256 = sha256_of(original)
            kept = downloads / f"{sha256}-{original.name}"
            original.replace(kept)
        return kept, sha256
