"""Running WASI Python on wasmtime, with a loader for side modules."""
