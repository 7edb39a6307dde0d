"""Line editing, which the program that runs this interpreter does: CPython's module has this interface."""

from _hatch_wasi_readline import *  # noqa: F403

del read_line  # noqa: F821 - for guest/editing.c only
