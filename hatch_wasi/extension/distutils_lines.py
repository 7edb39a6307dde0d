"""What Cython sources say about their own compilation: `# distutils:` lines, as `cythonize` reads them."""

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hatch_wasi import process
from hatch_wasi.config import CXX_SUFFIXES, SOURCE_SUFFIXES, Extension
from hatch_wasi.config_reader import did_you_mean
from hatch_wasi.errors import ConfigError
from hatch_wasi.extension.cythonize import is_cython

__all__ = ["read"]

# Cython's own reader: the lines of a .pyx, and those that it takes over from the .pxd files that it cimports. Cython
# looks for these from the working folder, or where the package is, and keeps global state, hence a process of its own.
PROGRAM = """\
import json, sys
from Cython.Build import Dependencies
from Cython.Utils import find_root_package_dir
found = []
for source, folders in json.loads(sys.argv[1]):
    try:
        Dependencies._dep_tree = None
        tree = Dependencies.create_dependency_tree(quiet=True)
        tree.context.include_directories = [find_root_package_dir(source), ".", *folders]
        found.append(tree.distutils_info(source).values)
    except Exception as error:
        found.append({"error": f"{type(error).__name__}: {error}"})
print("\\n" + json.dumps(found))
"""
LISTS = {
    "include_dirs": "include_dirs",
    "undef_macros": "undef_macros",
    "libraries": "libraries",
    "library_dirs": "library_dirs",
    "extra_compile_args": "extra_compile_args",
    "extra_objects": "extra_link_args",
    "extra_link_args": "extra_link_args",
}
"""Settings that are added to a field of `Extension`."""
IGNORED = ("name", "export_symbols")  # the configuration names the module; symbols are exported on Windows alone
KNOWN = (*LISTS, "define_macros", "depends", "sources", "language", "runtime_library_dirs", "np_pythran", *IGNORED)


def read(extensions: Sequence[Extension], root: Path, warn: Callable[[str], None]) -> tuple[Extension, ...]:
    """Add to `extensions` of the project at `root` what their Cython sources say; what is configured comes first.

    Without Cython, the extensions are returned as they are: the build reports its absence.
    Raises `ConfigError` for lines that Cython cannot read, or that mean nothing here.
    """
    sources = {item.name: source for item in extensions if (source := next(filter(is_cython, item.sources), None))}
    if not sources or importlib.util.find_spec("Cython") is None:
        return tuple(extensions)
    asked = [[sources[item.name], list(item.include_dirs)] for item in extensions if item.name in sources]
    words, what = ["-c", PROGRAM, json.dumps(asked)], "reading the distutils lines of Cython sources"
    env = {**os.environ, "PYTHONHASHSEED": "0"}  # Cython keeps folders in sets: their order must not change
    output = process.run_python(words, what=what, cwd=root, env=env)
    found = dict(zip(sources, json.loads(output.strip().splitlines()[-1]), strict=True))
    issues = [issue for name, source in sources.items() for issue in _issues(found[name], source, root)]
    if issues:
        raise ConfigError(issues)
    for name, source in sources.items():
        if "runtime_library_dirs" in found[name]:
            warn(f"{source}: runtime_library_dirs is ignored (name what the linker is to be told in extra_link_args)")
    return tuple(_merged(item, found[item.name], root) if item.name in found else item for item in extensions)


def _issues(values: Mapping[str, Any], source: str, root: Path) -> Iterator[str]:
    """Yield what is wrong with the lines of `source`."""
    if "error" in values:
        yield f"Cython cannot read the distutils lines of {source}: {values['error']}"
        return
    for key in values:
        if key not in KNOWN:
            yield f"{source}: distutils: {key} is not known{did_you_mean(key, KNOWN)}"
    if values.get("language") not in {None, "c", "c++"}:
        yield f"{source}: distutils: language must be c or c++, not {values['language']!r}"
    if values.get("np_pythran"):
        yield f"{source}: distutils: np_pythran is not supported"
    for name in values.get("sources", []):
        path = os.path.normpath(name)
        if path.startswith(("..", "/")) or not (root / path).is_file():
            yield f"{source}: distutils: sources: {name!r} does not exist below {root}"
        elif not path.endswith(SOURCE_SUFFIXES):
            yield f"{source}: distutils: sources: {name!r} is not a source: known are {', '.join(SOURCE_SUFFIXES)}"


def _merged(extension: Extension, values: Mapping[str, Any], root: Path) -> Extension:
    added: dict[str, list[Any]] = {}
    for key, field in LISTS.items():
        added.setdefault(field, []).extend(values.get(key, ()))
    added["include_dirs"] = [_plain(name, root) for name in added["include_dirs"]]
    added["sources"] = [os.path.normpath(name) for name in values.get("sources", ())]
    added["define_macros"] = [(name, value) for name, value in values.get("define_macros", ())]
    changes: dict[str, Any] = {}
    for field, items in added.items():
        have = getattr(extension, field)
        # Arguments may be repeated, and mean something by their order: `-Xlinker A -Xlinker B`.
        is_set = not field.startswith("extra_")
        changes[field] = (*have, *(item for item in items if not (is_set and item in have)))
    folders = [".", *changes["include_dirs"]]
    places = [
        next((path for folder in folders if (root / (path := f"{folder}/{name}")).is_file()), "")
        for name in values.get("depends", ())
    ]
    changes["depends"] = tuple(os.path.normpath(path) for path in places if path)
    has_cxx = any(source.endswith(CXX_SUFFIXES) for source in changes["sources"])
    changes["language"] = extension.language or values.get("language") or ("c++" if has_cxx else None)
    return replace(extension, **changes)


def _plain(folder: str, root: Path) -> str:
    """Return an include folder in the form that compilers are given: absolute if it is outside the project."""
    path = os.path.normpath(folder or ".")
    return os.path.normpath(root / path) if path.startswith("..") else path
