"""Folders of the host that one run has for itself: its /tmp, and a / that shows where everything else is.

WASI shows folders and nothing around them. Programs look at the folders above theirs all the same: whoever asks for
the real path of the working directory (pathlib's `resolve(strict=True)`) wants each of its parents to be there, `..`
leads to them, and os.chdir("/") is not thought to fail. So / is a folder without files, read-only, that has an empty
folder for everything that is shown, as a machine has for what is mounted.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enum, and is not needed
import os

from hatch_wasi.runtime.view import inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from hatch_wasi.runtime.view import View

__all__ = ["Private"]

TEMPORARY = ("/tmp", "/var/tmp")
"""Where programs look for room for temporary files (Lib/tempfile.py)."""
ENDINGS = (_signal.SIGTERM, _signal.SIGHUP)
"""What ends a process that does not see to it."""
COPIES = "/run/hatch-wasi"
"""Where the guest sees copies of single files."""


class Private:
    """The folders, from their making to their end; a context manager, which removes them whatever happens.

    After SIGKILL they are left, where systems clean up by themselves.
    """

    def __init__(self) -> None:
        """Make nothing yet."""
        self._made: list[str] = []

    def __enter__(self) -> Self:
        """Make the folder that holds them; there is none where there is no room for it."""
        # Not by tempfile, the import of which would be a good part of the time that a start takes.
        for place in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp"):
            if place and os.path.isabs(place) and self._make(f"{place}/hatch-wasi-run-{os.urandom(8).hex()}"):
                break
        for number in ENDINGS if self._made else ():
            if _signal.getsignal(number) == _signal.SIG_DFL:
                _signal.signal(number, self._on_ending)
        return self

    def show(self, view: View) -> None:
        """Let `view`, which is complete otherwise, have the folders, if a person did not show others in their places."""
        if not self._made:
            return
        shown = {mount.guest for mount in view.mounts}
        owned: dict[str, str] = {}
        temporary = next((guest for guest in TEMPORARY if guest not in shown), None)
        if temporary and self._make(f"{self._made[0]}/tmp"):
            owned[temporary] = self._made[-1]
            view.own(self._made[-1], temporary, writable=True)
        if "/" not in shown and self._make(f"{self._made[0]}/root"):
            owned["/"] = self._made[-1]
            view.own(self._made[-1], "/", writable=False)
        for mount in view.mounts:
            self._make_place(mount.guest, owned)

    def copy(self, path: str, view: View) -> str | None:
        """Let `view` have a copy of a file, without what is beside it; returns its path in the guest if it is there."""
        if not self._made or not os.path.isfile(path) or not self._make(f"{self._made[0]}/copies"):
            return None
        folder, name = self._made[-1], os.path.basename(path)
        try:
            with open(path, "rb") as file, open(f"{folder}/{name}", "wb") as made:
                made.write(file.read())
        except OSError:
            return None
        view.own(folder, COPIES, writable=False)
        return f"{COPIES}/{name}"

    def _make_place(self, guest: str, owned: dict[str, str]) -> None:
        """Make an empty folder, and those above it, where `guest` is shown in one of ours."""
        around = max((folder for folder in owned if folder != guest and inside(guest, folder)), key=len, default=None)
        if around is None:
            return
        path = owned[around]
        for name in guest[len(around) :].split("/"):
            path = f"{path}/{name}" if name else path
            if path != owned[around] and not os.path.isdir(path):
                self._make(path)

    def _make(self, folder: str) -> bool:
        try:
            os.mkdir(folder, 0o700)
        except OSError:
            return False
        self._made.append(folder)
        return True

    def __exit__(self, *_: object) -> None:
        """Remove them, and let the run's own outcome stand whatever is left of them."""
        self.remove()

    def _on_ending(self, number: int, _: object) -> None:
        """Remove them, and let the signal do what it does to any process."""
        self.remove()
        _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def remove(self) -> None:
        """Remove what was made, and what the guest put there."""
        try:
            for folder in reversed(self._made):
                os.rmdir(folder)
        except OSError:  # one is not empty
            from hatch_wasi.runtime.removal import remove_tree

            remove_tree(self._made[0])
