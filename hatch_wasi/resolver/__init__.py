"""Which releases a set of requirements means for WASI Python: pip's own answer, and their wheels."""
