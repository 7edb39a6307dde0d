"""What a build runs that it has just built for WASI: CPython's own programs, as its build python."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.cache import Workspace
from hatch_wasi.cpython import layout
from hatch_wasi.errors import ToolchainError
from hatch_wasi.wasi_python import GUEST_HOME, Runner

__all__ = ["OnWasi"]


@dataclass(frozen=True, kw_only=True)
class OnWasi:
    """Runs programs for one build."""

    run_wasi: Runner
    workspace: Workspace
    aot: Path
    """The cache's folder of compiled code: what is compiled of python.wasm, its users need as well."""

    def run(
        self,
        program: Path,
        argv: list[str],
        *,
        folders: Mapping[str, Path],
        shown: Mapping[str, Path] | None = None,
        what: str,
        environment: Mapping[str, str] | None = None,
        code: Path | None = None,
    ) -> None:
        """Run `program`, of whose compiled code the copy is kept in `code` (default: `aot`).

        Raises `ToolchainError` if it fails, with its words in a log.
        """
        # What it imports must not be compiled in passing, by a path or with a time that will not be right for long.
        env = {**(environment or {}), "PYTHONDONTWRITEBYTECODE": "1"}
        status, output = self.run_wasi(
            program, argv, folders=folders, shown=shown, environment=env, code=code or self.aot
        )
        if status:
            log = self.workspace.log("run")
            log.write_text(f"+ {process.quote([program.name, *argv])}\n{output}", encoding="utf-8")
            last = output.strip().rpartition("\n")[2]
            message = f"{what} failed: {program.name} on WASI, exit status {status}: {last}"
            raise ToolchainError(message, log=log)

    def compile_stdlib(self, entry: Path, library: str, lists: Path, jobs: int) -> None:
        """Compile the bytecode of the stdlib in `entry`, which the guest sees as `library`, on all processors.

        Unchecked hashes: an entry never changes, and its files' times may when it is moved (PEP 552). `lists` is a
        folder for the names of files.
        """
        count = layout.list_sources(entry / "lib" / Path(library).name, library, lists, jobs)

        def work(index: int) -> None:
            self.run(
                entry / "python.wasm",
                ["-m", "compileall", "-f", "-q", "--invalidation-mode=unchecked-hash", "-i", f"/lists/{index}"],
                folders={f"{GUEST_HOME}/lib": entry / "lib", "/lists": lists},
                environment={"PYTHONHOME": GUEST_HOME},
                what="compiling the standard library",
            )

        work(0)  # alone: it compiles python.wasm for this machine, which the others then find done
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            for done in [pool.submit(work, index) for index in range(1, count)]:
                done.result()
