"""apt with private state: packages and sources are fetched and checked by the machine's own apt, without root and
without changing the system. The distribution's signature on its indexes vouches for every file.
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from hatch_wasi import disk, process
from hatch_wasi.errors import FetchError, ProcessFailed
from hatch_wasi.sources.machine import Distribution

__all__ = ["Apt", "parse_madison", "parse_simulation"]


class Apt:
    """One private apt state: a folder with the lists of one set of suites."""

    def __init__(self, distribution: Distribution, folder: Path, log: Path, *, hold: Sequence[int] = ()) -> None:
        """Keep the state in `folder` (made anew if need be) and what apt says in `log`."""
        self.distribution = distribution
        self._folder = folder
        self._log = log
        self._hold = hold
        self._is_updated = False

    def _argv(self, *words: str) -> list[str]:
        """Name a program of apt with options that keep it in the folder (apt.conf(5))."""
        folder = self._folder
        return [
            words[0],
            f"-oDir::Etc::SourceList={folder}/sources.list",
            "-oDir::Etc::SourceParts=/dev/null",
            f"-oDir::State::Lists={folder}/lists",
            f"-oDir::State::status={folder}/status",
            f"-oDir::Cache={folder}/cache",
            "-oDebug::NoLocking=1",
            "-oAPT::Sandbox::User=",
            "-oAPT::Get::List-Cleanup=0",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=2",
            "-oAcquire::http::Timeout=15",
            "-oAcquire::https::Timeout=15",
            "-qq",
            *words[1:],
        ]

    def _run(self, *words: str, what: str, cwd: Path | None = None) -> str:
        try:
            return process.run(
                self._argv(*words), what=what, cwd=cwd, env=process.base_environment(), log=self._log, hold=self._hold
            )
        except ProcessFailed as error:
            if disk.is_full(error):
                raise disk.full(error, self._folder) from error
            raise FetchError(error.message, log=self._log) from error

    def _ask(self, *words: str, what: str, cwd: Path | None = None) -> str:
        """Run a program of apt on the suites' current indexes and return its output."""
        if not self._is_updated:
            self._update()
            self._is_updated = True
        return self._run(*words, what=what, cwd=cwd)

    def _update(self) -> None:
        """Fetch the indexes; apt checks the signature on each suite's Release file."""
        for name in ("lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        mirrors, keyring = self.distribution.mirrors, self.distribution.keyring
        lines = [mirror.line(kind, keyring) for mirror in mirrors for kind in ("deb", "deb-src")]
        (self._folder / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._run(
            "apt-get",
            "update",
            "--error-on=any",
            what=f"reading the package indexes of {self.distribution.codename}",
        )

    def versions(self, package: str) -> list[str]:
        """List the versions that the suites carry, newest first."""
        return parse_madison(self._ask("apt-cache", "madison", package, what=f"looking up {package}"))

    def source_versions(self, package: str) -> list[str]:
        """List the versions of the source package that the suites carry, newest first."""
        text = self._ask("apt-cache", "madison", package, what=f"looking up the source of {package}")
        return parse_madison(text, sources=True)

    def names(self, prefix: str) -> list[str]:
        """List the packages whose names begin so."""
        return self._ask("apt-cache", "pkgnames", prefix, what=f"looking up {prefix}*").split()

    def closure(self, packages: Iterable[str]) -> dict[str, str]:
        """Give name and version of the packages and of all that they depend on, as on a machine with nothing."""
        wanted = list(packages)
        text = self._ask(
            "apt-get",
            "install",
            "--simulate",
            "--no-install-recommends",
            *wanted,
            what=f"resolving {', '.join(wanted)}",
        )
        return parse_simulation(text)

    def download(self, packages: Iterable[str], folder: Path) -> list[Path]:
        """Fetch `name` or `name=version` packages into `folder` and give their files; apt checks their hashes."""
        folder.mkdir(parents=True, exist_ok=True)
        wanted = list(packages)
        self._ask("apt-get", "download", *wanted, what=f"downloading {len(wanted)} packages", cwd=folder)
        return sorted(folder.glob("*.deb"))

    def source(self, package: str, folder: Path) -> list[Path]:
        """Fetch the newest source package into `folder` and give its files; apt checks their hashes."""
        folder.mkdir(parents=True, exist_ok=True)
        self._ask(
            "apt-get", "source", "--download-only", package, what=f"downloading the source of {package}", cwd=folder
        )
        return sorted(path for path in folder.iterdir() if path.is_file())

    def original(self, package: str, folder: Path) -> Path:
        """Fetch upstream's archive, alone, of the newest source package; apt checks its hash.

        The rest (.dsc, .debian.tar) is what changes with each upload, and mirrors that lag behind miss it first.
        """
        folder.mkdir(parents=True, exist_ok=True)
        what = f"downloading the original source of {package}"
        self._ask("apt-get", "source", "--download-only", "--tar-only", package, what=what, cwd=folder)
        found = [path for path in sorted(folder.iterdir()) if re.search(r"\.orig\.tar\.\w+$", path.name)]
        if len(found) != 1:
            message = f"the source package {package} has {len(found)} original archives, not one"
            raise FetchError(message)
        return found[0]

    def unpack_closure(self, packages: Iterable[str], folder: Path, *, without: Collection[str] = ()) -> dict[str, str]:
        """Unpack packages and all that they depend on, but for `without`, below `folder`; give names and versions.

        Absolute links among their files are turned into ones that stay inside.
        """
        folder.mkdir(parents=True, exist_ok=True)
        closure = {name: version for name, version in self.closure(packages).items() if name not in without}
        with tempfile.TemporaryDirectory(prefix="debs-", dir=self._folder) as name:
            for deb in self.download([f"{package}={version}" for package, version in closure.items()], Path(name)):
                unpack(deb, folder, self._log)
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() and (target := path.readlink()).is_absolute():
                path.unlink()
                path.symlink_to(os.path.relpath(folder / target.relative_to("/"), path.parent))
        return closure


def installed() -> set[str]:
    """List the packages that the machine itself has."""
    text = process.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}|${Package}\n"],
        what="listing installed packages",
        env=process.base_environment(),
    )
    return {name for status, _, name in (line.partition("|") for line in text.splitlines()) if status.startswith("ii")}


def unpack(package: Path, folder: Path, log: Path) -> None:
    """Unpack a .deb below `folder`."""
    process.run(["dpkg-deb", "--extract", package, folder], what=f"unpacking {package.name}", log=log)


def parse_madison(text: str, *, sources: bool = False) -> list[str]:
    """Read `apt-cache madison`, `package | version | origin`, newest first: binary packages, or `sources`."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.count("|") == 2]
    return list(dict.fromkeys(version for _, version, origin in rows if origin.endswith("Sources") == sources))


def parse_simulation(text: str) -> dict[str, str]:
    """Read `apt-get install --simulate`: lines `Inst name (version …)`."""
    return dict(re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", text, flags=re.MULTILINE))
