"""Finds the extension modules of an editable install that are not beside their sources.

The build hook copies this file into the editable wheel, as the `__init__.py` of a package that holds the modules and
`modules.json`, the list of their names. A `.pth` file imports it when Python starts: it must import little, and nothing
of hatch-wasi.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["EditableFinder", "NamespaceFinder", "install"]


class EditableFinder:
    """Finds the modules of one project, before the folders of `sys.path` are searched."""

    def __init__(self, folder: str, modules: "Sequence[str]") -> None:
        """Find `modules`, by their dotted names, below `folder`, which is laid out like a wheel."""
        self._folder = folder
        self._modules = {name.removesuffix(".__init__"): name for name in modules}

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder.find_spec`."""
        name = self._modules.get(fullname)
        if name is None:
            return None
        spec = PathFinder.find_spec(fullname, ["/".join([self._folder, *fullname.split(".")[:-1]])], target)
        if spec is not None and spec.submodule_search_locations is not None:
            # The package's own code is an extension module; its other modules are in the source tree.
            beside = PathFinder.find_spec(fullname, path, target)
            spec.submodule_search_locations.extend(beside.submodule_search_locations or () if beside else ())
        return spec


class NamespaceFinder:
    """Makes packages importable that hold extension modules and nothing else, if no other finder knows them."""

    def __init__(self, modules: "Sequence[str]") -> None:
        """Find the packages that `modules` are in."""
        parts = [name.split(".") for name in modules]
        self._packages = {".".join(names[:end]) for names in parts for end in range(1, len(names))}

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder.find_spec`."""
        del path, target
        return ModuleSpec(fullname, None, is_package=True) if fullname in self._packages else None


def install(file: str) -> None:
    """Add finders for the modules beside `file`, the `__init__.py` of the package that this code was copied to."""
    import json

    folder = file.rpartition("/")[0]
    with open(f"{folder}/modules.json", encoding="utf-8") as content:  # noqa: PTH123 - no pathlib at every start
        modules = json.load(content)
    before = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
    sys.meta_path.insert(before, EditableFinder(folder, modules))
    sys.meta_path.append(NamespaceFinder(modules))


if __name__.startswith("_hatch_wasi_editable_"):
    install(__file__)
