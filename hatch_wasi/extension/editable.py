"""Where an editable install finds extension modules: beside the package, or in the environment by a finder."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hatch_wasi.cache import replace_file
from hatch_wasi.extension import editable_finder, prepare
from hatch_wasi.extension.build import Built
from hatch_wasi.extension.placement import Files, package_with_python

__all__ = ["files_for_finder", "places"]


def places(built: Sequence[Built], listing: Files, may_hold: Callable[[Path], bool]) -> dict[Path, Path]:
    """Map the places in the source tree, of those modules that can be imported from there, to what was built.

    That is where Hatch takes the package's Python files from, if a module `may_hold` there without being packed.
    """
    found = {}
    for item in built:
        folder = package_with_python(item.extension, listing)
        if folder is not None and may_hold(folder / item.path.name):
            found[folder / item.path.name] = item.path
    return found


def files_for_finder(built: Sequence[Built], project: str, folder: Path, root: Path) -> Mapping[str, str]:
    """Return what else the editable wheel holds, as `force_include`: the modules `built`, and what finds them.

    Files are written to `folder`. Raises `OSError`.
    """
    if not built:
        return {}
    prepare(folder, root)
    package = "_hatch_wasi_editable_" + re.sub(r"\W", "_", project)
    contents = {
        f"{package}.pth": f"import {package}\n",
        "__init__.py": Path(editable_finder.__file__).read_text(encoding="utf-8"),
        "modules.json": json.dumps(sorted(item.extension.name for item in built)),
    }
    found = {str(item.path): f"{package}/{item.place}" for item in built}
    for name, text in contents.items():
        replace_file(folder / name, text.encode())
        found[str(folder / name)] = name if name.endswith(".pth") else f"{package}/{name}"
    return found
