"""This machine's time zone, for the guest: what TZ is to say, and the folder of zones, which is no secret."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GUEST_ZONES", "find_zones", "setting"]

GUEST_ZONES = "/usr/share/zoneinfo"
"""Where the guest looks for zones (cpython/guest/zone.c, and the module zoneinfo)."""
PLACES = (GUEST_ZONES, "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
LOCAL = "/etc/localtime"
LARGEST = 1 << 20


def find_zones() -> str | None:
    """Return the folder of zones; None if this machine has none."""
    return next((os.path.realpath(place) for place in PLACES if os.path.isdir(place)), None)


def setting(environment: Mapping[str, str], zones: str | None, local: str = LOCAL) -> str | None:
    """Return the value of TZ by which the guest has this machine's local time; None means UTC.

    A file that is not one of `zones` becomes the rule that it ends with, which holds from its last change on.
    """
    given = environment.get("TZ")
    if given is None:
        return _of_file(local, zones)
    name = given.removeprefix(":")
    return _of_file(name, zones) if name.startswith("/") else given


def _of_file(path: str, zones: str | None) -> str | None:
    found = os.path.realpath(path)
    if zones and found.startswith(zones + "/"):
        name = found[len(zones) + 1 :]
        return None if name in {"UTC", "Etc/UTC"} else name
    try:
        with open(found, "rb") as file:
            data = file.read(LARGEST)
    except OSError:
        return None
    lines = data.rsplit(b"\n", 2)
    rule = lines[1] if data.startswith(b"TZif") and len(lines) == 3 and not lines[2] else b""
    return rule.decode("ascii", "replace") or None
