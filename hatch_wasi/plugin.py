"""The build hook: Hatch's side of it. Configuration and environment go in, `build_data` comes out.

Whatever is not needed to find that nothing changed is imported only when something did: a build with nothing to do
must cost next to nothing.
"""

import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

from hatch_wasi import __version__
from hatch_wasi.errors import BuildError, HatchWasiError
from hatch_wasi.extension import FOLDER, IN_PLACE, work_folder
from hatch_wasi.extension.receipt import Receipt
from hatch_wasi.text import printable, relayed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from hatchling.builders.wheel import WheelBuilder, WheelBuilderConfig

    from hatch_wasi.cache import Cache
    from hatch_wasi.config import Extension, HookConfig
    from hatch_wasi.console import Console
    from hatch_wasi.extension.build import Built
    from hatch_wasi.extension.placement import Files
    from hatch_wasi.extension.recipe import Recipe
    from hatch_wasi.extension.wasi import WasiRecipe

    Base = BuildHookInterface[WheelBuilderConfig]
else:
    Base = BuildHookInterface

__all__ = ["WasiBuildHook"]

EDITABLE = "editable"
# What may change a build and is no file: see `config`, `cache` and `extension.native`.
ENVIRONMENT = (
    "ARCHFLAGS", "CC", "CFLAGS", "CPATH", "CPLUS_INCLUDE_PATH", "CPPFLAGS", "CXX", "CXXFLAGS", "C_INCLUDE_PATH",
    "HATCH_WASI_CACHE_DIR", "HATCH_WASI_DATA_DIR", "HATCH_WASI_PYTHON", "HATCH_WASI_SDK", "HATCH_WASI_TARGET",
    "HATCH_WASI_TARGET_PACKAGES", "HOME", "LDFLAGS", "LDSHARED",
    "LIBRARY_PATH", "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "SOURCE_DATE_EPOCH", "WASI_SDK_PATH", "XDG_CACHE_HOME",
)  # fmt: skip


class WasiBuildHook(Base):
    """Builds the declared extensions for WASI, or for the interpreter that runs the build."""

    PLUGIN_NAME = "wasi"

    def dependencies(self) -> list[str]:
        """Ask for Cython if a .pyx is named, and for what makes the toolchain if it is not there.

        A toolchain is run to be trusted (wasmtime), and a C++ library is built by CMake.
        """
        if self.target_name != "wheel":
            return []
        try:
            config = self._configuration(find_sources=False)
            found = []
            if any(extension.is_cython for extension in config.extensions):
                from hatch_wasi.extension.cythonize import REQUIREMENT

                found.append(REQUIREMENT)
            if config.target == "wasi":
                from hatch_wasi import bootstrap
                from hatch_wasi.cache import Cache

                has_cxx = any(extension.is_cxx for extension in config.extensions)
                found += bootstrap.requirements(Cache(), python=config.python, sdk=config.sdk, cxx=has_cxx)
        except HatchWasiError:
            return []  # the build itself says what is wrong, where it is seen
        return found

    def clean(self, versions: list[str]) -> None:
        """Remove objects and modules; what an editable install runs goes only if that version is cleaned."""
        from hatch_wasi.extension import IGNORE, in_place

        folder = self._root / FOLDER
        places = sorted(folder.glob(f"*/{IN_PLACE}"))
        if EDITABLE in versions:
            for name in set(in_place.placed(self._root)):
                (self._root / name).unlink(missing_ok=True)
            places = []
        kept = {place: place.read_bytes() for place in places}
        shutil.rmtree(work_folder(self._root), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        for place, content in kept.items():
            place.parent.mkdir(parents=True)
            place.write_bytes(content)
        if kept or not folder.parent.is_dir():
            return
        ignore = folder.parent / ".gitignore"
        if ignore.is_file() and ignore.read_text(encoding="utf-8") == IGNORE:
            ignore.unlink()
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and write to `build_data` what goes into the wheel and what the wheel is."""
        if self.target_name == "wheel":
            with self._reported("the extensions could not be built"):
                receipt = self._receipt(version)
                result = receipt.result()
                if result is None:
                    result = self._build(version, build_data, receipt)
            for name, value in result.items():
                if isinstance(value, dict):
                    build_data[name].update(value)
                elif isinstance(value, list):
                    build_data[name].extend(value)
                else:
                    build_data[name] = value
            if version == EDITABLE and build_data.get("force_include_editable"):  # Hatch then ignores force_include
                build_data["force_include_editable"].update(result.get("force_include", {}))
        if version != EDITABLE and (placed := self._placed()):
            from hatch_wasi import hatch_files

            hatch_files.withhold(self.build_config, placed)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Audit the wheel for WASI; one that would not import there is removed again."""
        if self.target_name != "wheel" or version == EDITABLE or not str(build_data.get("tag")).endswith("wasi_wasm32"):
            return
        from hatch_wasi.audit import gate

        path, seen = Path(artifact_path), work_folder(self._root) / "audited"
        asked = [__version__, self.config, [os.environ.get(name) for name in ENVIRONMENT]]
        with self._reported(f"{path.name} could not be audited"):
            if not gate.is_known(path, seen, asked):
                config = self._configuration(find_sources=False)
                gate.admit(path, self._console(), python=config.python, sdk=config.sdk, seen=seen, asked=asked)

    @contextmanager
    def _reported(self, failure: str) -> "Iterator[None]":
        """Report what goes wrong in the block as Hatch does, without a traceback."""
        try:
            yield
        except HatchWasiError as error:
            output = f"{relayed(error.output)}\n" if isinstance(error, BuildError) and error.output else ""
            self.app.abort(f"{output}error: {error.render()}")
            raise  # for an application that does not exit
        except OSError as error:
            self.app.abort(printable(f"error: {failure}: {error}"))
            raise

    def _placed(self) -> "Collection[str]":
        """Return the modules that editable installs placed in the source tree."""
        if next((self._root / FOLDER).glob(f"*/{IN_PLACE}"), None) is None:
            return ()
        from hatch_wasi.extension import in_place

        return set(in_place.placed(self._root))

    @property
    def _root(self) -> Path:
        return Path(self.root).absolute()

    def _receipt(self, version: str) -> Receipt:
        environment = {name: os.environ.get(name) for name in ENVIRONMENT}
        # A build environment's own programs come first in PATH, and its name is another one each time.
        paths = [path for path in os.environ.get("PATH", "").split(os.pathsep) if not path.startswith(sys.prefix)]
        python = [sys.version, sys.base_prefix]
        project = [self.metadata.core.raw_name, self.metadata.version]
        inputs = [__version__, version, str(self._root), self.config, environment, paths, python, project]
        is_wasi = (os.environ.get("HATCH_WASI_TARGET") or self.config.get("target")) == "wasi"
        name = f"{version}-wasi.json" if is_wasi else f"{version}-native.json"
        return Receipt(work_folder(self._root) / name, inputs)

    def _console(self) -> "Console":
        from hatch_wasi.console import Console

        verbosity = self.app.verbosity
        if verbosity == 0 and sys.stderr.isatty():
            return Console()
        # What less verbose users do not want to read, Console leaves out by itself.
        return Console(verbosity=verbosity, write=self.app.display_info, write_warning=self.app.display_warning)

    def _configuration(self, *, find_sources: bool = True, native: bool = False) -> "HookConfig":
        from hatch_wasi.config import HookConfig

        own = self.PLUGIN_NAME in self.build_config.target_config.get("hooks", {})
        place = f"targets.{self.target_name}.hooks" if own else "hooks"
        key = f"tool.hatch.build.{place}.{self.PLUGIN_NAME}"
        root = self._root
        return HookConfig.from_table(
            self.config, key=key, root=root, environ=os.environ, find_sources=find_sources, native=native
        )

    def _build(self, version: str, build_data: dict[str, Any], receipt: Receipt) -> dict[str, object]:
        from dataclasses import replace

        from hatch_wasi import hatch_files
        from hatch_wasi.extension import distutils_lines, headers, placement
        from hatch_wasi.extension.build import build
        from hatch_wasi.extension.recipe import module_file

        began = time.time_ns()
        console = self._console()
        config = self._configuration(native=version == EDITABLE)
        if not config.extensions:
            console.warn("the build hook wasi is on, but declares no extensions")
        extensions = distutils_lines.read(config.extensions, self._root, console.warn)
        config = replace(config, extensions=extensions)
        recipe, files = self._recipe(config, version, console)
        wanted = _wanted(config.extensions, recipe)
        modules = [module_file(extension, recipe.target) for extension in wanted]
        listing = hatch_files.selected(self.build_config, build_data, config.extensions, modules)
        if version != EDITABLE:
            placement.refuse_copies(config.extensions, listing, self._root, self._placed())
            by_force = hatch_files.included_by_force(self.build_config, build_data)
            placement.refuse_copies(config.extensions, by_force, self._root)
        for warning in headers.missing_folders(wanted, self._root):
            console.warn(warning)
        chosen, failed = headers.find(wanted, self._target_packages(recipe))
        outcome = build(chosen, recipe, root=self._root, console=console)
        failed |= outcome.failed
        for name, error in failed.items():
            console.warn(f"{name} is left out, it is optional: {error.render()}")
            console.detail(relayed(error.output))
        if version == EDITABLE:
            result, outputs = self._install_in_place(outcome.built, recipe, listing)
        else:
            result, outputs = self._describe(outcome.built, recipe), {item.path for item in outcome.built}
            if config.sbom and (written := self._account(outcome.built, recipe)):
                result["sbom_files"] = [str(written)]
                outputs.add(written)
        if not failed:  # else: try again, and warn again
            files |= outputs | self._watched(config.extensions, listing)
            made = work_folder(self._root)
            read = {path for path in outcome.inputs if not path.is_relative_to(made)}
            receipt.write(result, files, read=read, began=began)
        return result

    def _install_in_place(
        self, built: "Sequence[Built]", recipe: "Recipe", listing: "Files"
    ) -> tuple[dict[str, object], set[Path]]:
        """Put modules where an editable install finds them; return the `build_data`, and the files that must stay.

        A module beside its package is what most tools expect. But it must not enter the next sdist, and the folder must
        be one that Python imports the package from: otherwise the editable wheel holds the module, and a finder for it.
        """
        from hatch_wasi import hatch_files
        from hatch_wasi.extension import editable, in_place
        from hatch_wasi.extension.build import folder_name

        def may_hold(path: Path) -> bool:
            if not path.is_relative_to(self._root) or not os.access(path.parent, os.W_OK):
                return False
            return not hatch_files.enters_sdist(self._root, self.metadata, str(path.relative_to(self._root)))

        places = editable.places(built, listing, may_hold)
        in_place.put(places, recipe.target, self._root)
        folder = work_folder(self._root) / folder_name(recipe.target) / "editable"
        rest = [item for item in built if item.path not in places.values()]
        included = editable.files_for_finder(rest, self.metadata.core.name, folder, self._root)
        result: dict[str, object] = {"force_include": self._forced(included)} if included else {}
        return result, {*places, *map(Path, included)}

    def _forced(self, included: "Mapping[str, str]") -> dict[str, str]:
        from hatch_wasi import hatch_files

        return {source: hatch_files.forced(self.build_config, place) for source, place in included.items()}

    def _recipe(self, config: "HookConfig", version: str, console: "Console") -> tuple["Recipe", set[Path]]:
        """Give what builds, and the files that change when it does."""
        from hatch_wasi.epoch import source_date

        epoch = source_date(os.environ)
        root = self._root
        if config.target == "wasi" and version != EDITABLE:
            from hatch_wasi import bootstrap
            from hatch_wasi.cache import Cache
            from hatch_wasi.extension.wasi import WasiRecipe
            from hatch_wasi.toolchain import existing

            cache = Cache()
            toolchain = bootstrap.ensure(cache, console, python=config.python, sdk=config.sdk)
            sdk, python = toolchain.sdk, toolchain.python
            # One that is found or made later may be preferred, and an SDK that is not ours may change in place.
            files = {cache.root / "python", cache.root / "sdk", existing.DEFAULT, sdk.program("clang")}
            recipe = WasiRecipe(sdk, python, root, epoch)
            if cxx := [item for item in config.extensions if item.is_cxx and _is_wanted(item, recipe)]:
                recipe = self._with_cxx(recipe, cache, console, optional=all(item.optional for item in cxx))
                files.add(cache.root / "cxx")
            trees = (sdk.root, python.root, *([recipe.cxx.root] if recipe.cxx else []))
            return recipe, files | {tree / "manifest.json" for tree in trees}
        from hatch_wasi.extension.native import NativeRecipe
        from hatch_wasi.target import Target

        if config.target == "wasi":
            console.note("an editable install is for the interpreter that runs it: building native extensions")
        native = NativeRecipe(Target.native(), root, epoch, dict(os.environ))
        return native, {Path(path) for name in native.compilers if (path := shutil.which(name))}

    def _target_packages(self, recipe: "Recipe") -> "list[Path] | None":
        """Return the folders of packages for WASI, those of a build by `hatch-wasi wheel` first; None natively."""
        from hatch_wasi.cache import Cache
        from hatch_wasi.extension.wasi import WasiRecipe

        if not isinstance(recipe, WasiRecipe):
            return None
        given = os.environ.get("HATCH_WASI_TARGET_PACKAGES")
        return [*([Path(given)] if given else []), recipe.python.site_packages(Cache().data)]

    def _with_cxx(self, recipe: "WasiRecipe", cache: "Cache", console: "Console", *, optional: bool) -> "WasiRecipe":
        """Add the C++ library; where only optional extensions want it, its absence is theirs to be left out for."""
        from dataclasses import replace

        from hatch_wasi import bootstrap

        try:
            return replace(recipe, cxx=bootstrap.ensure_cxx(cache, console, recipe.sdk))
        except HatchWasiError as error:
            if not optional:
                raise
            return replace(recipe, why_no_cxx=error.message)

    def _describe(self, built: "Sequence[Built]", recipe: "Recipe") -> dict[str, object]:
        """Give the `build_data` of a standard wheel; a wheel without extension modules is a pure one."""
        if not built:
            return {}
        from hatch_wasi.extension.placement import wheel_tag

        target = recipe.target
        if target.is_wasi:
            default = f"{target.interpreter_tag}-{target.interpreter_tag}-{target.platform.replace('-', '_')}"
        else:
            default = cast("WheelBuilder", self.build_config.builder).get_best_matching_tag()
        return {
            "pure_python": False,
            "tag": wheel_tag((item.extension for item in built), target, default),
            "force_include": self._forced({str(item.path): item.place for item in built}),
        }

    def _account(self, built: "Sequence[Built]", recipe: "Recipe") -> Path | None:
        """Write the bill of materials; a wheel for this machine, or without modules, has none of ours."""
        from hatch_wasi.extension import accounts
        from hatch_wasi.extension.build import folder_name
        from hatch_wasi.extension.wasi import WasiRecipe

        if not built or not isinstance(recipe, WasiRecipe):
            return None
        folder = work_folder(self._root) / folder_name(recipe.target)
        packages = self._target_packages(recipe) or []
        return accounts.write(built, recipe, self.metadata.core.raw_name, self.metadata.version, folder, packages)

    def _watched(self, extensions: "Iterable[Extension]", listing: "Files") -> set[Path]:
        """Give the files and folders that decide what is built and packed, and are no compiler's input."""
        from hatch_wasi.extension.placement import package_folder
        from hatch_wasi.extension.receipt import walked_folders

        root = self._root
        found = {root / "pyproject.toml", root / "hatch.toml"}
        found |= {Path(path) for names in self.build_config.vcs_exclusion_files.values() for path in names}
        # A Python package that appears beside them may have to be named.
        found |= {root / ".gitignore", root / ".hgignore", root / "src"} | ({root} if not listing else set())
        for extension in extensions:
            found.add(package_folder(extension, listing, root))
            found |= walked_folders(root, extension.patterns)
        return found


def _wanted(extensions: "Iterable[Extension]", recipe: "Recipe") -> "list[Extension]":
    """Return the extensions whose markers hold for the target. Raises `ConfigError` if two of a name are left."""
    from hatch_wasi.errors import ConfigError

    found: dict[str, Extension] = {}
    for extension in extensions:
        if _is_wanted(extension, recipe):
            if other := found.get(extension.name):
                what = f"both are {extension.name}, and both markers hold for {recipe.target.platform}"
                raise ConfigError([f"{other.key} and {extension.key}: {what}"])
            found[extension.name] = extension
    return list(found.values())


def _is_wanted(extension: "Extension", recipe: "Recipe") -> bool:
    if extension.marker is None:
        return True
    from packaging.markers import Marker

    return Marker(extension.marker).evaluate(recipe.target.markers())
