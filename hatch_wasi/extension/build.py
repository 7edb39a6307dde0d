"""From declared extensions to module files: Cython, compile, link; in parallel, and only what changed."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hatch_wasi.cache import hold, replace_file
from hatch_wasi.config import Extension
from hatch_wasi.console import Console
from hatch_wasi.errors import BuildError, ConfigError
from hatch_wasi.extension import cythonize, prepare, work_folder
from hatch_wasi.extension.jobs import Crew, Job
from hatch_wasi.extension.ledger import Ledger
from hatch_wasi.extension.recipe import Recipe, limited_api, module_file, signature, unused_standard
from hatch_wasi.target import Target

__all__ = ["Built", "Outcome", "build", "folder_name"]


@dataclass(frozen=True, kw_only=True)
class Built:
    """An extension module that was made, or was there already."""

    extension: Extension
    path: Path
    place: str
    """Where it belongs below the wheel's root, in POSIX form."""
    archives: tuple[Path, ...] = ()
    """Static libraries that the project has linked into it."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a build gave."""

    built: tuple[Built, ...]
    failed: Mapping[str, BuildError]
    """Optional extensions that could not be built, by name."""
    inputs: frozenset[Path]
    """Every file that was read to make them, as far as compilers tell."""


def build(extensions: Sequence[Extension], recipe: Recipe, *, root: Path, console: Console) -> Outcome:
    """Build `extensions` of the project at `root`; remove what earlier builds for this target left and no one wants.

    Raises `BuildError` when one that is not optional fails, and `ConfigError` where it cannot be built for the target.
    """
    refused = _refuse(extensions, recipe)
    work = work_folder(root) / folder_name(recipe.target)
    # Commands and what compilers write are the same for a project in another folder.
    folder = work.relative_to(root).as_posix() if work.is_relative_to(root) else str(work)
    with _locked(work, root):
        ledger = Ledger(root / folder / "ledger.json", root)
        try:
            return _Build(extensions, recipe, root, folder, ledger, console, refused).run()
        finally:
            ledger.save()


def folder_name(target: Target) -> str:
    """Return the name of the folder, in the work folder, for what is built for `target`."""
    return target.soabi or f"{target.interpreter_tag}-{target.platform}"


def _refuse(extensions: Sequence[Extension], recipe: Recipe) -> dict[str, BuildError]:
    """Return the optional extensions that this target cannot have. Raises `ConfigError` if there are others."""
    if wrong := [issue for extension in extensions if (issue := unused_standard(extension))]:
        raise ConfigError(wrong)
    refused = {extension: reason for extension in extensions if (reason := _obstacle(extension, recipe))}
    issues = [reason for extension, reason in refused.items() if not extension.optional]
    if issues:
        hint = 'such an extension can be kept from a target by its marker, or left out by "optional = true"'
        raise ConfigError(issues, hint=hint)
    return {extension.name: BuildError(reason) for extension, reason in refused.items()}


def _obstacle(extension: Extension, recipe: Recipe) -> str | None:
    limit, target = limited_api(extension, recipe.target), recipe.target
    if limit and _numbers(limit) > _numbers(target.short_version):
        return f"{extension.key}.py-limited-api is {limit}, newer than the Python to build for, {target.python_version}"
    return recipe.obstacle(extension)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@contextmanager
def _locked(folder: Path, root: Path) -> Iterator[None]:
    """Hold `folder` for one build at a time."""
    with ExitStack() as stack:
        try:
            prepare(folder, root)
            stack.enter_context(hold(folder / "lock"))
        except OSError as error:
            message = f"objects cannot be written to {folder}: {error.strerror}"
            raise BuildError(message, hint="build from a copy of the project that you may write to") from error
        yield


class _Build:
    """One build: its phases share the plan, the ledger and who failed."""

    def __init__(
        self,
        extensions: Sequence[Extension],
        recipe: Recipe,
        root: Path,
        folder: str,
        ledger: Ledger,
        console: Console,
        refused: Mapping[str, BuildError],
    ) -> None:
        self._extensions = [extension for extension in extensions if extension.name not in refused]
        self._recipe = recipe
        self._root = root
        self._folder = folder
        self._ledger = ledger
        self._console = console
        self._failed: dict[str, BuildError] = dict(refused)
        self._wanted: set[str] = set()

    def run(self) -> Outcome:
        cythonize.require([extension for extension in self._extensions if not extension.optional])
        self._prepare()
        self._phase(self._cython_jobs(), "translating", "Cython source", {**os.environ, "PYTHONHASHSEED": "0"})
        name = folder_name(self._recipe.target)
        self._phase(self._compile_jobs(), f"compiling for {name}", "object", self._recipe.environment)
        self._phase(self._link_jobs(), f"linking for {name}", "module", self._recipe.environment)
        self._sweep()
        good = [extension for extension in self._extensions if extension.name not in self._failed]
        built = tuple(
            Built(
                extension=extension,
                path=self._root / self._module(extension),
                place=module_file(extension, self._recipe.target),
                archives=tuple(self._root / path for path in self._libraries(extension) if path.endswith(".a")),
            )
            for extension in good
        )
        inputs = frozenset(self._root / name for name in self._ledger.inputs())
        return Outcome(built=built, failed=self._failed, inputs=inputs)

    def _prepare(self) -> None:
        """Write the recipe's headers, and say what of the settings does not hold."""
        for name, content in self._recipe.headers().items():
            path = self._root / self._folder / "include" / name
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(path, content)
        for extension in self._extensions:
            if words := self._recipe.left_out(extension):
                self._console.detail(f"{extension.name}: without {' '.join(words)}, which is not for this target")

    def _phase(self, jobs: Sequence[Job], label: str, noun: str, environment: Mapping[str, str]) -> None:
        jobs = [job for job in jobs if job.extension not in self._failed]
        self._wanted.update(job.output for job in jobs)
        if jobs:
            self._failed |= Crew(self._ledger, self._root, environment, self._console).run(jobs, label, noun)

    def _place(self, extension: Extension) -> str:
        return f"{self._folder}/{extension.name}"

    def _module(self, extension: Extension) -> str:
        return f"{self._place(extension)}/{Path(module_file(extension, self._recipe.target)).name}"

    def _job(self, what: str, extension: Extension, argv: list[str], output: str, *inputs: str) -> Job:
        return Job(
            what=what,
            extension=extension.name,
            argv=tuple(argv),
            signature=signature(self._recipe, argv),
            output=output,
            inputs=inputs,
            optional=extension.optional,
        )

    def _cython_jobs(self) -> list[Job]:
        jobs = []
        for extension in self._extensions:
            for source in filter(cythonize.is_cython, extension.sources):
                output = cythonize.generated(extension, source, self._place(extension))
                argv = cythonize.command(extension, source, output)
                job = self._job(f"translating {source}", extension, argv, output, source)
                seal = signature(self._recipe, [*argv, cythonize.version()])
                leaves = cythonize.headers(output)
                jobs.append(replace(job, depfile=f"{output}.dep", signature=seal, leaves=leaves, error=cythonize.ERROR))
        return jobs

    def _units(self, extension: Extension) -> Iterator[tuple[str, str, Extension]]:
        """Yield what the compiler reads, the object that comes of it, and what else to tell the compiler."""
        place = self._place(extension)
        folders = (*extension.include_dirs, *self._header_folders(extension))
        asked = replace(extension, include_dirs=folders)
        for source in extension.sources:
            if cythonize.is_cython(source):
                unit = cythonize.generated(extension, source, place)
                # What a .pyx includes is beside it, and the C made from it is not.
                beside = (*folders, source.rpartition("/")[0] or ".")
                yield unit, f"{unit}.o", replace(asked, include_dirs=beside)
            else:
                yield source, f"{place}/{source}.o", asked

    def _header_folders(self, extension: Extension) -> Iterator[str]:
        """Yield where the headers are that Cython generates: those of the extension first, then of the project's others."""
        others = [other for other in self._extensions if other is not extension]
        for owner in (extension, *others):
            yield from cythonize.header_folders(owner, self._place(owner))

    def _compile_jobs(self) -> list[Job]:
        jobs = []
        for extension in self._extensions:
            for unit, output, asked in self._units(extension):
                argv = self._recipe.compile(asked, unit, output, f"{output}.d")
                job = self._job(f"compiling {unit}", extension, argv, output, unit, *extension.depends)
                check = partial(self._check_object, argv, unit, output)
                own = unit in extension.sources
                jobs.append(replace(job, depfile=f"{output}.d", check=check, warnings=own))
        return jobs + [self._support_job(name, text) for name, text in self._support().items()]

    def _check_object(self, argv: Sequence[str], source: str, output: str, path: Path, said: str) -> None:
        del path, said
        self._recipe.check_object(argv, source, output)

    def _support(self) -> dict[str, str]:
        """Give the sources that the recipe adds to modules: each is compiled once for all that get it."""
        return {name: text for item in self._extensions for name, text in self._recipe.support(item).items()}

    def _support_job(self, name: str, text: str) -> Job:
        source = f"{self._folder}/{name}"
        path = self._root / source
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            replace_file(path, text.encode())
        argv = self._recipe.compile_support(source, f"{source}.o")
        return Job(
            what=f"compiling {name}", extension="", argv=tuple(argv), signature=signature(self._recipe, argv),
            output=f"{source}.o", inputs=(source,),
        )  # fmt: skip

    def _link_jobs(self) -> list[Job]:
        jobs = []
        for extension in self._extensions:
            output = self._module(extension)
            objects = [unit for _, unit, _ in self._units(extension)]
            objects += [f"{self._folder}/{name}.o" for name in self._recipe.support(extension)]
            argv = self._recipe.link(extension, objects, output)
            job = self._job(f"linking {Path(output).name}", extension, argv, output, *objects)
            found = (*objects, *self._libraries(extension))
            jobs.append(replace(job, inputs=found, check=partial(self._recipe.check, extension), warnings=True))
        return jobs

    def _libraries(self, extension: Extension) -> Iterator[str]:
        """Give the files that a link reads beside its objects: linkers write no depfile that all of them know."""
        names = [f"lib{name}.{suffix}" for name in extension.libraries for suffix in ("a", "so", "dylib")]
        candidates = [f"{folder}/{name}" for folder in extension.library_dirs for name in names]
        yield from (path for path in (*candidates, *extension.extra_link_args) if (self._root / path).is_file())

    def _sweep(self) -> None:
        """Remove what this build did not want: objects of sources that are gone, modules under another name."""
        stale = [output for output in self._ledger.outputs if output not in self._wanted]
        self._ledger.forget(stale)
        for output in stale:
            headers = cythonize.headers(output) if f"/{cythonize.GENERATED}/" in output else ()
            for name in (output, f"{output}.d", f"{output}.dep", f"{output}.log", *headers):
                (self._root / name).unlink(missing_ok=True)
        kept = {"include", *(extension.name for extension in self._extensions)}
        for folder in (self._root / self._folder).iterdir():
            if folder.is_dir() and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
