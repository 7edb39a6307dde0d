"""How this process ends when a signal ends what it runs."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enum, and is not needed
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["die_by"]


def die_by(number: int) -> NoReturn:
    """End this process by a signal, as one that does not handle it: shells end their loops only then."""
    _signal.signal(number, _signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # it is blocked
