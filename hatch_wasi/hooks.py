"""What Hatch finds by the entry point `hatch`: the build hook `wasi`."""

from hatchling.plugin import hookimpl

from hatch_wasi.plugin import WasiBuildHook

__all__ = ["hatch_register_build_hook"]


@hookimpl
def hatch_register_build_hook() -> type[WasiBuildHook]:
    """Register `[tool.hatch.build.hooks.wasi]`."""
    return WasiBuildHook
