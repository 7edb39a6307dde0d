"""What the guest sees of the host: folders, environment, and where it starts.

Nothing but what is named here is there for it: WASI opens files only below folders that were given to it.
"""

from __future__ import annotations

import os

from hatch_wasi.errors import UsageError
from hatch_wasi.runtime import zone
from hatch_wasi.runtime.variables import passed_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["HOME", "Mount", "View", "inside"]

HOME = "/usr"
"""PYTHONHOME in the guest."""
LIBRARY = f"{HOME}/lib"
PROGRAMS = f"{HOME}/bin"
DEVICES = "/dev"
DATA = ("etc", "share")
"""Where wheels put data files, which programs look for below `sys.prefix`; they are installed beside the packages."""


class Mount:
    """A folder of the host and where the guest sees it."""

    __slots__ = ("guest", "host", "writable")

    def __init__(self, host: str, guest: str, *, writable: bool = False) -> None:
        """Let the guest see `host` as `guest`, both absolute paths."""
        self.host = host
        self.guest = guest
        self.writable = writable


class View:
    """Collects what the guest is to see."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._mounts: dict[str, Mount] = {}
        self._sites: list[str] = []
        self.cwd = "/"
        self.environment: dict[str, str] = {}

    @property
    def mounts(self) -> list[Mount]:
        """The folders, in the order in which they were added."""
        return list(self._mounts.values())

    @property
    def sites(self) -> list[str]:
        """The folders in which modules are looked for first, as this machine calls them."""
        return list(self._sites)

    def python(self, root: str, site_packages: str, guest_site_packages: str) -> None:
        """Show the stdlib and `sys.executable`, which programs look at, and what was installed if anything was."""
        self._mounts[LIBRARY] = Mount(f"{root}/lib", LIBRARY)
        self._mounts[PROGRAMS] = Mount(f"{root}/bin", PROGRAMS)
        self._mounts[DEVICES] = Mount(f"{root}/dev", DEVICES)
        if os.path.isdir(site_packages):
            self._mounts[guest_site_packages] = Mount(site_packages, guest_site_packages)
            for name in DATA:
                if os.path.isdir(f"{site_packages}/{name}"):
                    self._mounts[f"{HOME}/{name}"] = Mount(f"{site_packages}/{name}", f"{HOME}/{name}")

    def variables(
        self, host: Mapping[str, str], given: Sequence[str], *, isolated: bool, ignore_python: bool = False
    ) -> None:
        """Set the environment: what steers Python, unless `isolated`, and what was `given` as `K=V` or `K`.

        With `ignore_python`, python itself was told to ignore its variables.
        """
        if not isolated:
            self.environment |= _terminal() | passed_on(host, ignore_python=ignore_python)
        # The new REPL needs termios. Programs that keep files below `~` give up without one: the private /tmp is there.
        self.environment |= {"PYTHONHOME": HOME, "PYTHON_BASIC_REPL": "1", "HOME": "/tmp"}
        for word in given:
            name, equals, value = word.partition("=")
            if not name or "\0" in word:
                message = f"--env {word}: not NAME=VALUE or NAME"
                raise UsageError(message)
            if equals:
                self.environment[name] = value
            elif name in host:
                self.environment[name] = host[name]
        if self._sites:
            path = self.environment.get("PYTHONPATH")
            self.environment["PYTHONPATH"] = ":".join([*self._sites, path] if path else self._sites)

    def site(self, folder: str) -> None:
        """Show `folder` read-only at its own path, where modules are looked for before the site-packages."""
        host = _existing("--site", folder)
        self._add("--site", host, host, writable=False)
        self._sites.append(host)

    def path(self, value: str) -> list[str]:
        """Show the folders of a PYTHONPATH, read-only at their own paths; returns what is to be said of the others."""
        remarks = []
        for word in value.split(os.pathsep):
            entry = os.path.abspath(word)
            if not os.path.exists(entry):
                continue
            remark = self._show_entry(entry)
            if remark:
                remarks.append(f"{entry}, an entry of PYTHONPATH, is ignored: {remark}")
            else:
                self._sites.append(entry)
        return remarks

    def _show_entry(self, entry: str) -> str | None:
        """Show a folder, or see that a file is shown; returns the reason if that is not to be."""
        if entry == "/" or inside(entry, LIBRARY) or inside(LIBRARY, entry):
            return f"the guest has a {LIBRARY} of its own"
        if any(
            mount.host == mount.guest and mount.guest != "/" and inside(entry, mount.guest) for mount in self.mounts
        ):
            return None
        if not os.path.isdir(entry):
            return "it is no folder, and the folder that holds it is not shown; show that by --dir"
        self._mounts[entry] = Mount(entry, entry)
        return None

    def zone(self, host: Mapping[str, str]) -> None:
        """Let the guest have this machine's time zone, and the zones that it knows."""
        zones = zone.find_zones()
        if zones:
            self._mounts.setdefault(zone.GUEST_ZONES, Mount(zones, zone.GUEST_ZONES))
        setting = zone.setting(host, zones)
        if setting is not None:
            self.environment["TZ"] = setting

    def folder(self, word: str) -> None:
        """Show what `--dir` names: `HOST::GUEST`, or `HOST` for the same path; read-write."""
        host, separator, guest = word.partition("::")
        host = _existing("--dir", host)
        if separator and not guest.startswith("/"):
            message = f"--dir {word}: the guest's path must begin with /"
            raise UsageError(message)
        self._add("--dir", host, os.path.normpath(guest) if separator else host, writable=True)

    def working_directory(self) -> None:
        """Show the working directory at its own path, read-write, and start there; not if the guest has its own."""
        try:
            here = os.getcwd()
        except OSError as error:
            message = f"the working directory cannot be used: {error.strerror}"
            raise UsageError(message, hint="change to another, or run with --isolated") from error
        if not inside(here, LIBRARY) and not inside(here, DEVICES):
            if here == PROGRAMS:
                del self._mounts[PROGRAMS]
            self._mounts.setdefault(here, Mount(here, here, writable=True))
            self.cwd = here

    def own(self, host: str, guest: str, *, writable: bool) -> None:
        """Show a folder that was made for this run (`hatch_wasi.runtime.private`)."""
        self._mounts[guest] = Mount(host, guest, writable=writable)

    def script(self, word: str) -> str:
        """Show the folder of the script `word` read-only, if it is not to be seen already; gives the guest's path."""
        path = os.path.realpath(word)
        if not os.path.exists(path):
            return word  # python says so, in its own words
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        if inside(folder, LIBRARY):
            message = f"{word}: the guest has a {LIBRARY} of its own; copy the script to another folder"
            raise UsageError(message)
        if self.cwd != "/" and inside(path, self.cwd) and inside(os.path.abspath(word), self.cwd):
            return path if ".." in word.split("/") else word
        seen = [mount for mount in self.mounts if mount.host == mount.guest and inside(folder, mount.guest)]
        # Below / there may be what is hidden behind folders of the guest's own: /tmp.
        if folder != "/" and all(mount.guest == "/" for mount in seen):
            self._mounts[folder] = Mount(folder, folder, writable=any(mount.writable for mount in seen))
        elif not seen:
            self._mounts[folder] = Mount(folder, folder)
        return path

    def _add(self, option: str, host: str, guest: str, *, writable: bool) -> None:
        if guest == LIBRARY or inside(guest, LIBRARY):
            message = f"{option} {host}: {guest} is inside {LIBRARY}, where the guest has its own Python"
            raise UsageError(message, hint="show it elsewhere: --dir HOST::GUEST")
        self._mounts[guest] = Mount(host, guest, writable=writable)


def _terminal() -> dict[str, str]:
    """Say how large the terminal is, which WASI has no call for: Python reads these first (shutil.get_terminal_size)."""
    try:
        size = os.get_terminal_size(1)
    except OSError:
        return {}
    return {"COLUMNS": str(size.columns), "LINES": str(size.lines)} if size.columns and size.lines else {}


def _existing(option: str, folder: str) -> str:
    if not os.path.isdir(folder):
        message = f"{option} {folder}: there is no such folder"
        raise UsageError(message)
    return os.path.abspath(folder)


def inside(path: str, folder: str) -> bool:
    """Tell whether `path` is `folder` or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
