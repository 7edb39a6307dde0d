"""Unpack a wheel's packages into a folder, to be read by compilers: nothing is run and nothing is installed."""

from pathlib import Path

from hatch_wasi.wheels.wheel import Wheel

__all__ = ["unpack"]


def unpack(path: Path, folder: Path) -> None:
    """Write what the wheel at `path` would install below `folder`. Raises `WheelError`."""
    with Wheel.open(path) as wheel:
        for name, place in wheel.places.items():
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(wheel.archive.chunks(name))
