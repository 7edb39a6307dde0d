"""Make a native machine answer as WASI: its compilers, its Python's sysconfig, what CMake and Meson are told."""
