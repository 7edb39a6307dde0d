"""Compiling and linking extension modules for a target."""
