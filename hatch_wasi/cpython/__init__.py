"""Building CPython for WASI."""
