"""Remove what is installed: the files that RECORD lists, and bytecode of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from packaging.utils import canonicalize_name

from hatch_wasi.cache import Cache, digest
from hatch_wasi.errors import WheelError
from hatch_wasi.wheels.installed import Distribution, bytecode_of, owners, scan
from hatch_wasi.wheels.swap import recover, staged

__all__ = ["Removal", "files_of", "site_lock"]


def site_lock(site: Path) -> str:
    """Name the lock of the folder `site`: one of sixteen, which stay few; folders that share one wait for each other."""
    return f"site-{digest(str(site))[0]}"


def files_of(site: Path, gone: Sequence[Distribution], others: Sequence[Distribution]) -> set[str]:
    """List the files of `gone` below `site`: what RECORD lists, bytecode of it, and all of dist-info.

    What one of `others` has, too, stays. Raises `WheelError` for a distribution without RECORD.
    """
    names: set[str] = set()
    kept = owners(others).keys()
    for dist in gone:
        if dist.files is None:
            message = f"{dist.label} in {site} has no RECORD, so what belongs to it is not known"
            raise WheelError(message, hint=f"remove {site / dist.folder} and its files by hand")
        names |= dist.files
        for name in dist.files - kept:
            if name.endswith(".py"):
                folder, stem = bytecode_of(name)
                names |= {f"{folder}/{path.name}" for path in (site / folder).glob(f"{escape(stem)}*.pyc")}
        names |= {path.relative_to(site).as_posix() for path in (site / dist.folder).rglob("*")}
    return names - kept


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Where is removed from."""

    site: Path
    cache: Cache
    """Holds the lock of `site`."""

    def find(self, names: Sequence[str]) -> tuple[list[Distribution], list[str]]:
        """Give what is installed of the projects `names`, and the names of those that are not."""
        installed = {dist.project: dist for dist in scan(self.site)}
        wanted = dict.fromkeys(canonicalize_name(name) for name in names)
        return [installed[name] for name in wanted if name in installed], [
            name for name in wanted if name not in installed
        ]

    def files(self, gone: Sequence[Distribution]) -> list[str]:
        """List what `remove` would remove, relative to the folder."""
        site = self.site.resolve()
        return sorted(files_of(site, gone, [dist for dist in scan(site) if dist not in gone]))

    def remove(self, gone: Sequence[Distribution]) -> None:
        """Remove distributions, all or none. Raises `WheelError`; then the folder is as it was."""
        try:
            site = self.site.resolve()
            with self.cache.lock(site_lock(site)):
                recover(site)
                others = [dist for dist in scan(site) if dist not in gone]
                with staged(site, without=files_of(site, gone, others)):
                    pass
        except (OSError, RuntimeError) as error:
            message = f"{self.site} cannot be written: {getattr(error, 'strerror', None) or error}"
            raise WheelError(message, hint="nothing was changed") from error
