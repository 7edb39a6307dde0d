"""CPython's WASI build folder: its Makefile, and the commands that run there."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Workspace, replace_file
from hatch_wasi.cpython import recipe
from hatch_wasi.cpython.versions import Version
from hatch_wasi.sdk import WasiSdk

__all__ = ["OBJECTS", "BuildFolder", "jobs"]

MAKEFILE = "hatch_wasi.mk"
OBJECTS = "LIBRARY_OBJS_OMIT_FROZEN"
"""CPython's variable for all that the interpreter consists of, but for its frozen modules and getpath."""


def jobs() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class BuildFolder:
    """`cross-build/wasm32-wasip1` of CPython's sources, where CPython's own script has it."""

    version: Version
    source: Path
    sdk: WasiSdk
    make_program: str
    workspace: Workspace

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.source / "cross-build" / "wasm32-wasip1"

    @property
    def makefile(self) -> str:
        """What configure made."""
        return (self.path / "Makefile").read_text(encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """Give the variables of configure and make."""
        # The interpreter tells when it was compiled (Modules/getbuildinfo.c): say when its sources were released.
        released = int((self.source / "Include" / "patchlevel.h").stat().st_mtime)
        variables = recipe.wasi_environment(self.version, self.sdk, self.source) | {"SOURCE_DATE_EPOCH": str(released)}
        return process.base_environment(variables)

    def make(self, *targets: str, what: str, variables: Sequence[str] = (), log: str = "make-wasi") -> None:
        """Make `targets` with as many jobs as there are processors."""
        self.run([self.make_program, f"-j{jobs()}", *targets, *variables], what=what, log=log)

    def run(self, argv: Sequence[str | Path], *, what: str, log: str) -> None:
        """Run a command in the folder; programs that outlive this process hold the workspace."""
        process.run(
            argv,
            what=what,
            cwd=self.path,
            env=self.environment(),
            log=self.workspace.log(log),
            hold=self.workspace.hold,
        )

    def objects(self) -> list[str]:
        """List what the interpreter consists of, as make itself reads its variables."""
        text = f"include Makefile\n.PHONY: hatch-wasi-objects\nhatch-wasi-objects: ; @echo $({OBJECTS})\n"
        replace_file(self.path / MAKEFILE, text.encode())
        argv = [self.make_program, "-s", "-f", MAKEFILE, "hatch-wasi-objects"]
        return process.run(argv, what="asking make for its objects", cwd=self.path, env=self.environment()).split()

    def symbols(self, files: Sequence[str | Path]) -> str:
        """List the global symbols of archives and objects, as `exports.parse_nm` reads them."""
        options = ("--print-file-name", "--format=posix", "--extern-only")
        argv = [self.sdk.program("llvm-nm"), *options, *files]
        return process.run(argv, what="listing symbols", cwd=self.path, env=process.base_environment())
