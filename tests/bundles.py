"""A toolchain of a few small files, for what does not run it."""

from pathlib import Path

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.cpython import recipe
from hatch_wasi.workspace import Workspace

SDK = {"provider": "existing", "llvm": "22.1.8", "wasi_libc": "b9ef79d", "version": "24"}


def make(root: Path, *, note: str = "") -> bootstrap.Toolchain:
    """Put the toolchain into the cache at `root`; `note` makes it another one."""

    def sdk(workspace: Workspace) -> dict[str, object]:
        (workspace.tree / "bin").mkdir()
        (workspace.tree / "bin" / "clang").write_text("#!/bin/sh\n")
        (workspace.tree / "bin" / "clang").chmod(0o755)
        (workspace.tree / "bin" / "clang++").symlink_to("clang")
        (workspace.tree / "notes").write_text(note)
        return {"schema": 1, "sdk": SDK}

    def python(workspace: Workspace) -> dict[str, object]:
        (workspace.tree / "lib" / "empty").mkdir(parents=True)
        (workspace.tree / "python.wasm").write_bytes(b"\0asm" * 100_000)
        made = {"version": "3.13.5", "sdk": "existing-0", "wasi_libc": "b9ef79d", "llvm": "22.1.8", "sdk_version": "24"}
        return {"schema": 1, "python": made}

    cache = Cache(root)
    cache.make("sdk", "existing-0", sdk)
    cache.make("python", f"3.13.5-existing-0-{recipe.recipe_id()}", python)
    found = bootstrap.ready(cache, sdk="existing")
    assert found is not None
    return found
