"""The hook's configuration: a table of pyproject.toml and the environment, checked; everything wrong is said at once.

Precedence: environment, pyproject.toml, default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hatch_wasi.config_reader import Reader, did_you_mean, kind_of
from hatch_wasi.errors import ConfigError

__all__ = ["DEFAULT_PYTHON", "Extension", "HookConfig"]

DEFAULT_PYTHON = "3.13"
SDK_PROVIDERS = ("auto", "existing", "release", "debian", "source")
TARGETS = ("native", "wasi")
# Hatchling reads these itself: https://hatch.pypa.io/latest/config/build/#build-hooks
HATCH_KEYS = ("dependencies", "enable-by-default", "require-runtime-dependencies", "require-runtime-features")
HOOK_KEYS = ("python", "sdk", "target", "sbom", "extensions")
TEXT_LISTS = (
    "include-dirs", "include-from", "undef-macros", "libraries", "library-dirs", "extra-compile-args",
    "extra-link-args", "portable-headers",
)  # fmt: skip
EXTENSION_KEYS = (
    "name", "sources", *TEXT_LISTS, "define-macros", "language", "std", "exceptions", "py-limited-api", "optional",
    "marker",
)  # fmt: skip
# Settings of one target's own, in a table of its name, may be any but these.
SHARED_KEYS = ("name", "marker")
C_SUFFIXES = (".c",)
CXX_SUFFIXES = (".cc", ".cpp", ".cxx")
CYTHON_SUFFIXES = (".pyx",)
SOURCE_SUFFIXES = (*C_SUFFIXES, *CXX_SUFFIXES, *CYTHON_SUFFIXES)


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One extension module, as the project declares it."""

    name: str
    """Dotted module name, `example_project._speedups`."""
    key: str
    """Where it is declared, for messages: `tool.hatch.build.targets.wheel.hooks.wasi.extensions[0]`."""
    sources: tuple[str, ...]
    """Files below the project's root, in POSIX form, globs expanded; in the order given, without repetition."""
    patterns: tuple[str, ...] = ()
    """`sources` as written."""
    include_dirs: tuple[str, ...] = ()
    include_from: tuple[str, ...] = ()
    """Packages of the build environment that say by `get_include()` where their headers are, such as pybind11."""
    portable_headers: tuple[str, ...] = ()
    """Those of `include_from` whose headers are the same on every machine, although their wheels are not."""
    define_macros: tuple[tuple[str, str | None], ...] = ()
    """Name and value; None for a macro without a value."""
    undef_macros: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    library_dirs: tuple[str, ...] = ()
    extra_compile_args: tuple[str, ...] = ()
    extra_link_args: tuple[str, ...] = ()
    language: str | None = None
    """`c` or `c++`; None: told from the sources' suffixes."""
    std: str | None = None
    """Language standard, `c11`."""
    exceptions: bool = True
    """C++ may throw; otherwise what would throw ends the program."""
    py_limited_api: str | None = None
    """Oldest Python of the stable ABI it is built for, `3.11`; None: built for one Python version."""
    optional: bool = False
    """Left out, with a warning, where it cannot be built."""
    marker: str | None = None
    """PEP 508 marker that must hold for the target."""
    depends: tuple[str, ...] = ()
    """Other files that it is made from, as Cython sources name them."""

    @property
    def is_cxx(self) -> bool:
        """Tell whether C++ is compiled or linked for it."""
        named = any(source.endswith(CXX_SUFFIXES) for source in (*self.sources, *self.patterns))
        return self.language == "c++" or named

    @property
    def is_cython(self) -> bool:
        """Tell whether Cython makes some of its C."""
        return any(source.endswith(CYTHON_SUFFIXES) for source in (*self.sources, *self.patterns))


@dataclass(frozen=True, kw_only=True)
class HookConfig:
    """What to build, for what, by which toolchain."""

    python: str
    """`X.Y`, or the folder of an installed WASI CPython."""
    sdk: str
    """A provider's name, or a folder."""
    target: str
    """`native` or `wasi`."""
    extensions: tuple[Extension, ...]
    sbom: bool = True
    """Give a wheel for WASI a bill of materials (PEP 770)."""

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, object],
        *,
        key: str,
        root: Path,
        environ: Mapping[str, str],
        find_sources: bool = True,
        native: bool = False,
    ) -> "HookConfig":
        """Check `table`, the value of `key` in the pyproject.toml of the project at `root`.

        Without `find_sources`, patterns are not looked up (what asks before a build cannot expect generated files).
        With `native`, extensions have their settings for this machine, whatever the target.
        Raises `ConfigError` with every issue.
        """
        reader = Reader(table, key, [])
        reader.refuse_unknown((*HOOK_KEYS, *HATCH_KEYS))
        choices = {
            "python": _setting(reader, "python", DEFAULT_PYTHON, environ),
            "sdk": _setting(reader, "sdk", "auto", environ),
            "target": _setting(reader, "target", "native", environ),
        }
        _check_choices(choices, reader.issues)
        sbom = reader.flag("sbom", default=True)
        target = "native" if native else choices["target"][0]
        extensions = _read_extensions(reader, root, target, find_sources=find_sources)
        if reader.issues:
            raise ConfigError(reader.issues)
        folder = {name: str((root / Path(where[0]).expanduser()).absolute()) for name, where in choices.items()}
        values = {name: folder[name] if "/" in where[0] else where[0] for name, where in choices.items()}
        chosen = {name: values[name] for name in ("python", "sdk", "target")}
        return cls(**chosen, extensions=extensions, sbom=sbom)


def _setting(reader: Reader, name: str, default: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Give a setting's value and where it comes from."""
    if name == "python" and isinstance(reader.table.get(name), list):
        reader.wrong(name, "must be one version, for one wheel: build once for each, with HATCH_WASI_PYTHON=X.Y")
        return default, f"{reader.key}.{name}"
    configured = reader.text(name, default) or default
    variable = f"HATCH_WASI_{name.upper()}"
    if environ.get(variable):
        return environ[variable], variable
    return configured, f"{reader.key}.{name}"


def _check_choices(choices: Mapping[str, tuple[str, str]], issues: list[str]) -> None:
    python, where = choices["python"]
    if "/" not in python and not re.fullmatch(r"3\.\d+", python):
        issues.append(f"{where} must be a version such as 3.13, or a folder, not {python!r}")
    sdk, where = choices["sdk"]
    if "/" not in sdk and sdk not in SDK_PROVIDERS:
        names = ", ".join(SDK_PROVIDERS)
        issues.append(f"{where} must be one of {names}, or a folder, not {sdk!r}{did_you_mean(sdk, SDK_PROVIDERS)}")
    target, where = choices["target"]
    if target not in TARGETS:
        issues.append(f"{where} must be native or wasi, not {target!r}{did_you_mean(target, TARGETS)}")


def _read_extensions(reader: Reader, root: Path, target: str, *, find_sources: bool) -> tuple[Extension, ...]:
    value = reader.table.get("extensions", [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        reader.wrong("extensions", f"must be an array of tables, not {kind_of(value)}")
        return ()
    found: list[Extension] = []
    for index, table in enumerate(value):
        declared = Reader(table, f"{reader.key}.extensions[{index}]", reader.issues)
        declared.refuse_unknown((*EXTENSION_KEYS, *TARGETS))
        extension = _read_extension(_for_target(declared, target), root, find_sources=find_sources)
        first = next((other for other in found if other.name == extension.name), None)
        if first is not None and extension.name and not (first.marker and extension.marker):
            what = f"is that of {first.key} too: give each a marker, of which one holds"
            reader.issues.append(f"{extension.key}.name {extension.name!r} {what}")
        found.append(extension)
    return tuple(found)


def _for_target(reader: Reader, target: str) -> Reader:
    """Return the table with what the one named `target` in it adds: to arrays and macros; other settings it replaces."""
    shared = {name: value for name, value in reader.table.items() if name not in TARGETS}
    for name in TARGETS:
        own = reader.table.get(name, {})
        if not isinstance(own, dict):
            reader.wrong(name, f"must be a table, not {kind_of(own)}")
            continue
        inner = Reader(own, f"{reader.key}.{name}", [])
        _check_types(inner)
        reader.issues += inner.issues
        if name == target and not inner.issues:
            shared |= {key: _added(shared.get(key), value) for key, value in own.items()}
    return Reader(shared, reader.key, reader.issues)


def _check_types(reader: Reader) -> None:
    reader.refuse_unknown([name for name in EXTENSION_KEYS if name not in SHARED_KEYS])
    for name in ("sources", *TEXT_LISTS):
        reader.texts(name)
    for name in ("language", "std", "py-limited-api"):
        reader.text(name)
    for name in ("exceptions", "optional"):
        reader.flag(name)
    reader.macros("define-macros")


def _added(shared: object, own: object) -> object:
    if isinstance(shared, list) and isinstance(own, list):
        return [*shared, *own]
    if isinstance(shared, dict) and isinstance(own, dict):
        return shared | own
    return own


def _read_extension(reader: Reader, root: Path, *, find_sources: bool) -> Extension:
    patterns = reader.texts("sources")
    sources = _find_sources(reader, patterns, root) if find_sources else ()
    extension = Extension(
        name=_read_name(reader),
        key=reader.key,
        sources=sources,
        patterns=patterns,
        **{name.replace("-", "_"): reader.texts(name) for name in TEXT_LISTS},
        define_macros=reader.macros("define-macros"),
        language=reader.text("language") or _cython_language(root, sources or patterns),
        std=reader.text("std"),
        exceptions=reader.flag("exceptions", default=True),
        py_limited_api=reader.text("py-limited-api"),
        optional=reader.flag("optional"),
        marker=reader.text("marker"),
    )
    if "sources" not in reader.table or reader.table["sources"] == []:
        reader.wrong("sources", "is missing: name the files to compile")
    if extension.language not in {None, "c", "c++"}:
        reader.wrong("language", f'must be "c" or "c++", not {extension.language!r}')
    cxx = next((source for source in extension.sources if source.endswith(CXX_SUFFIXES)), None)
    if extension.language == "c" and cxx:
        reader.wrong("language", f'is "c", but {cxx} is C++')
    if "exceptions" in reader.table and find_sources and not extension.is_cxx:
        reader.wrong("exceptions", "is about C++, and nothing here is")
    if len(cython := [source for source in extension.sources if source.endswith(CYTHON_SUFFIXES)]) > 1:
        reader.wrong("sources", f"names several .pyx files ({', '.join(cython)}): each makes a module of its own")
    if extension.py_limited_api and not re.fullmatch(r"3\.([2-9]|\d\d+)", extension.py_limited_api):
        reader.wrong("py-limited-api", f'must be a version such as "3.11", not {extension.py_limited_api!r}')
    for index, name in enumerate(extension.include_from):
        if not all(part.isidentifier() for part in name.split(".")):
            reader.wrong(f"include-from[{index}]", f"must be the name of a package, not {name!r}")
    for index, name in enumerate(extension.portable_headers):
        if name not in extension.include_from:
            reader.wrong(f"portable-headers[{index}]", f"must be one of include-from, not {name!r}")
    _check_marker(reader, extension.marker)
    return extension


def _cython_language(root: Path, sources: Sequence[str]) -> str | None:
    """Return the language that a .pyx asks for by `# distutils: language = c++` in the comments it begins with."""
    for source in (source for source in sources if source.endswith(CYTHON_SUFFIXES) and (root / source).is_file()):
        for line in (root / source).read_text(encoding="utf-8", errors="replace").splitlines():
            if found := re.fullmatch(r"#\s*distutils\s*:\s*language\s*=\s*(c|c\+\+)\s*", line):
                return found[1]
            if line.strip() and not line.startswith("#"):
                break
    return None


def _read_name(reader: Reader) -> str:
    if "name" not in reader.table:
        reader.wrong("name", 'is missing: give the dotted module name, such as "package._module"')
        return ""
    name = reader.text("name") or ""
    if name and not all(part.isidentifier() for part in name.split(".")):
        reader.wrong("name", f"must be a dotted module name, not {name!r}")
    return name


def _check_marker(reader: Reader, marker: str | None) -> None:
    if marker is None:
        return
    from packaging.markers import InvalidMarker, Marker

    try:
        Marker(marker)
    except InvalidMarker as error:
        reader.wrong("marker", f"is not a PEP 508 marker: {str(error).splitlines()[0]}")


def _find_sources(reader: Reader, patterns: Sequence[str], root: Path) -> tuple[str, ...]:
    """Expand `patterns` below `root`; a plain name must exist, a glob must match something."""
    found: dict[str, None] = {}
    for index, pattern in enumerate(patterns):
        where = f"sources[{index}]"
        path = _normal(pattern)
        if path is None:
            reader.wrong(where, f"{pattern!r} is outside the project: give a path below its root")
            continue
        # A file of that very name is meant, whatever its name means as a pattern.
        is_glob = any(character in path for character in "*?[") and not (root / path).is_file()
        matches = sorted(file for file in root.glob(path) if file.is_file()) if is_glob else [root / path]
        names = [name for file in matches if not (name := file.relative_to(root).as_posix()).startswith(".hatch/")]
        if not names:
            reader.wrong(where, f"{pattern!r} matches nothing below {root}")
        elif not is_glob and not (root / path).is_file():
            what = "is a folder: name its files" if (root / path).is_dir() else f"does not exist below {root}"
            reader.wrong(where, f"{pattern!r} {what}")
        else:
            for name in names:
                if not name.endswith(SOURCE_SUFFIXES):
                    reader.wrong(where, f"{name!r} is not a source: known are {', '.join(SOURCE_SUFFIXES)}")
            found.update(dict.fromkeys(names))
    return tuple(found)


def _normal(pattern: str) -> str | None:
    """Resolve `.` and `..` by name; None if that leads out of the project."""
    parts: list[str] = []
    for part in PurePosixPath(pattern).parts:
        if part == "/" or (part == ".." and not parts):
            return None
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or None
