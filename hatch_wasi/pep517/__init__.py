"""Build any PEP 517 project for WASI."""
