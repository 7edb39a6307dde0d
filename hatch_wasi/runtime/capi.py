"""wasmtime's C API, as far as it is used here, bound by ctypes from the wasmtime package's own library.

The package's Python classes cost 40 ms to import and 10 to 800 times as much a call as the functions below, most of a
warm start. The declarations follow wasmtime's headers (crates/c-api/include/wasmtime/*.h); the layouts are those of
release 50 and `tests/runtime/test_capi.py` compares them with the package's. Another major release is refused.

Two kinds of functions are left out on purpose. `wasmtime_func_call_unchecked` believes the caller about a function's
type. `wasm_valtype_kind` aborts the process for v128, exnref and other types that the C API cannot name.
"""

from __future__ import annotations

import ctypes
import os
import sys

from hatch_wasi.errors import LoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Api", "Tagged", "Vector", "find_library", "func_type"]

MAJOR = "50"
FUNC, GLOBAL, TABLE, MEMORY, TAG = 0, 1, 2, 3, 5
"""`wasmtime_extern_kind_t`."""
VALUE_I32, VALUE_I64, VALUE_FUNCREF = 0, 1, 5
"""`wasmtime_valkind_t`."""
VALTYPES = {0x7F: 0, 0x7E: 1, 0x7D: 2, 0x7C: 3, 0x70: 129}
"""A value type's byte in a module -> `wasm_valkind_t`."""

P, Z, B = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_bool
U8, U64, I64 = ctypes.c_uint8, ctypes.c_uint64, ctypes.c_int64

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, P, P, ctypes.POINTER(ctypes.c_uint32), Z)
"""`wasmtime_func_unchecked_callback_t`: environment, caller, arguments and results (16 bytes each), their number; the
result is a trap or null."""

# name -> result, parameters
DECLARATIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "wasi_config_new": (P, ()),
    "wasi_config_inherit_stderr": (None, (P,)),
    "wasi_config_inherit_stdin": (None, (P,)),
    "wasi_config_inherit_stdout": (None, (P,)),
    "wasi_config_preopen_dir": (B, (P, P, P, B)),
    "wasi_config_set_argv": (B, (P, Z, P)),
    "wasi_config_set_env": (B, (P, Z, P, P)),
    "wasi_config_set_stderr_file": (B, (P, P)),
    "wasi_config_set_stdout_file": (B, (P, P)),
    "wasm_byte_vec_delete": (None, (P,)),
    "wasm_config_new": (P, ()),
    "wasm_engine_delete": (None, (P,)),
    "wasm_engine_new_with_config": (P, (P,)),
    "wasm_functype_delete": (None, (P,)),
    "wasm_functype_new": (P, (P, P)),
    "wasm_globaltype_new": (P, (P, U8)),
    "wasm_tagtype_delete": (None, (P,)),
    "wasm_tagtype_new": (P, (P,)),
    "wasm_trap_delete": (None, (P,)),
    "wasm_trap_message": (None, (P, P)),
    "wasm_valtype_new": (P, (U8,)),
    "wasm_valtype_vec_new": (None, (P, Z, P)),
    "wasmtime_config_async_stack_size_set": (None, (P, Z)),
    "wasmtime_config_max_wasm_stack_set": (None, (P, Z)),
    "wasmtime_config_wasm_exceptions_set": (None, (P, B)),
    "wasmtime_context_set_wasi": (P, (P, P)),
    "wasmtime_context_take_exception": (B, (P, P)),
    "wasmtime_error_delete": (None, (P,)),
    "wasmtime_error_message": (None, (P, P)),
    "wasmtime_exnref_field": (P, (P, P, Z, P)),
    "wasmtime_exnref_tag": (P, (P, P, P)),
    "wasmtime_exnref_unroot": (None, (P,)),
    "wasmtime_func_call": (P, (P, P, P, Z, P, Z, P)),
    "wasmtime_func_new_unchecked": (None, (P, P, CALLBACK, P, P, P)),
    "wasmtime_global_get": (None, (P, P, P)),
    "wasmtime_global_new": (P, (P, P, P, P)),
    "wasmtime_global_set": (P, (P, P, P)),
    "wasmtime_instance_export_get": (B, (P, P, P, Z, P)),
    "wasmtime_instance_new": (P, (P, P, P, Z, P, P)),
    "wasmtime_linker_allow_shadowing": (None, (P, B)),
    "wasmtime_linker_define": (P, (P, P, P, Z, P, Z, P)),
    "wasmtime_linker_define_wasi": (P, (P,)),
    "wasmtime_linker_delete": (None, (P,)),
    "wasmtime_linker_get": (B, (P, P, P, Z, P, Z, P)),
    "wasmtime_linker_instantiate": (P, (P, P, P, P, P)),
    "wasmtime_linker_new": (P, (P,)),
    "wasmtime_memory_data": (P, (P, P)),
    "wasmtime_memory_data_size": (Z, (P, P)),
    "wasmtime_module_delete": (None, (P,)),
    "wasmtime_module_deserialize_file": (P, (P, P, P)),
    "wasmtime_module_new": (P, (P, P, Z, P)),
    "wasmtime_module_serialize": (P, (P, P)),
    "wasmtime_store_context": (P, (P,)),
    "wasmtime_store_delete": (None, (P,)),
    "wasmtime_store_limiter": (None, (P, I64, I64, I64, I64, I64)),
    "wasmtime_store_new": (P, (P, P, P)),
    "wasmtime_table_get": (B, (P, P, U64, P)),
    "wasmtime_table_grow": (P, (P, P, U64, P, P)),
    "wasmtime_table_set": (P, (P, P, U64, P)),
    "wasmtime_table_size": (U64, (P, P)),
    "wasmtime_tag_eq": (B, (P, P, P)),
    "wasmtime_tag_new": (P, (P, P, P)),
    "wasmtime_trap_new": (P, (P, Z)),
}


class Tagged(ctypes.Structure):
    """`wasmtime_extern_t` and `wasmtime_val_t`: a kind, and up to 24 bytes (a store's id and an index, or a value)."""

    _fields_ = (  # type: ignore[mutable-override]
        ("kind", ctypes.c_uint8),
        ("of", ctypes.c_uint64 * 3),
    )
    if TYPE_CHECKING:
        kind: int
        of: ctypes.Array[ctypes.c_uint64]

    @property
    def item(self) -> Any:
        """Return a pointer to what the kind is about, as the functions of that kind take it. It keeps this object alive."""
        return ctypes.byref(self, 8)


class Vector(ctypes.Structure):
    """`wasm_byte_vec_t` and the other vectors."""

    _fields_ = (("size", ctypes.c_size_t), ("data", ctypes.c_void_p))  # type: ignore[mutable-override]
    if TYPE_CHECKING:
        size: int
        data: int | None


class Api(ctypes.CDLL):
    """The library; each function of `DECLARATIONS` is an attribute, declared when it is first used."""

    def __init__(self, path: str) -> None:
        """Load the library at `path`. Raises `LoadError` if that is not wasmtime."""
        try:
            super().__init__(path)
            self.wasmtime_module_deserialize_file  # noqa: B018 - only to see whether it is there
        except (OSError, AttributeError) as error:
            message = f"{path} is not the library of wasmtime {MAJOR}: {error}"
            raise LoadError(message, hint="reinstall it: pip install --force-reinstall hatch-wasi[run]") from error

    def __getattr__(self, name: str) -> Any:
        """Declare a function; `CDLL` keeps it, so this happens once for each."""
        function: Any = super().__getattr__(name)
        if name in DECLARATIONS:
            function.restype, function.argtypes = DECLARATIONS[name]
        return function


def find_library() -> tuple[str, str]:
    """Give the path of wasmtime's library and its version, without importing the package.

    Raises `LoadError` if wasmtime is not installed, or another major release is.
    """
    from importlib.machinery import PathFinder

    hint = "install it: pip install 'hatch-wasi[run]'"
    spec = PathFinder.find_spec("wasmtime")
    if spec is None or not spec.submodule_search_locations:
        message = "wasmtime, which runs WebAssembly, is not installed"
        raise LoadError(message, hint=hint)
    package = next(iter(spec.submodule_search_locations))
    version = _version(os.path.dirname(package))
    if version.split(".", 1)[0] != MAJOR:
        message = f"wasmtime {version or 'of unknown version'} in {package} cannot be used: it must be {MAJOR}.x"
        raise LoadError(message, hint=hint)
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
    # The names of wasmtime/_ffi.py.
    name = "_libwasmtime.dylib" if sys.platform == "darwin" else "_libwasmtime.so"
    return os.path.join(package, f"{sys.platform}-{machine}", name), version


def _version(folder: str) -> str:
    """Read the version off the name of the metadata folder beside the package."""
    names = [entry.name for entry in os.scandir(folder) if entry.name.startswith("wasmtime-")]
    found = [name.split("-")[1].removesuffix(".dist").removesuffix(".egg") for name in names if name.endswith("-info")]
    return found[0] if found else ""


def func_type(api: Api, parameters: bytes, results: bytes) -> int:
    """Make a `wasm_functype_t` of value types as a module writes them; the caller deletes it.

    Raises `LoadError` for types that the C API cannot write.
    """
    if not set(parameters + results) <= VALTYPES.keys():
        message = "a function or tag has parameters of a type that is not supported here"
        raise LoadError(message)
    vectors = []
    for types in (parameters, results):
        made = (P * max(len(types), 1))(*(api.wasm_valtype_new(VALTYPES[code]) for code in types))
        vector = Vector()
        api.wasm_valtype_vec_new(ctypes.byref(vector), len(types), made)
        vectors.append(vector)
    return int(api.wasm_functype_new(ctypes.byref(vectors[0]), ctypes.byref(vectors[1])))
