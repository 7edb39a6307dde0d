"""Compiling and linking extension modules for a target."""

__all__ = ["FOLDER"]

FOLDER = ".hatch/wasi"
"""Where objects and modules are made, below the project's root. Hatchling leaves `.hatch` out of all it packs."""
