"""Installing wheels for WASI."""
