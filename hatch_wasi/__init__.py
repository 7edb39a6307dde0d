"""Build, install and run Python C extensions on WASI."""

__version__ = "0.1.0"
__all__ = ["__version__"]
