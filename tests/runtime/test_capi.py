"""The declarations of wasmtime's C API against those that its package generates from the headers."""

import _ctypes
import ctypes
import sys
from pathlib import Path

import pytest
import wasmtime  # noqa: F401 - its library must be loaded once only
from wasmtime import _bindings, _ffi

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime import capi

POINTERS = (ctypes._Pointer, ctypes.c_void_p, ctypes.c_char_p, ctypes._CFuncPtr)


def shape(kind: object) -> object:
    """What a type is in a call: a pointer, or a scalar of this size and signedness."""
    if kind is None:
        return None
    if issubclass(kind, POINTERS):
        return "pointer"
    return kind._type_, ctypes.sizeof(kind)


@pytest.mark.parametrize("name", sorted(capi.DECLARATIONS))
def test_declarations_are_those_of_the_package(name):
    result, parameters = capi.DECLARATIONS[name]
    theirs = getattr(_bindings, f"_{name}")
    assert shape(result) == shape(theirs.restype)
    assert [shape(kind) for kind in parameters] == [shape(kind) for kind in theirs.argtypes]


def test_layouts_are_those_of_the_package():
    for theirs in (_bindings.wasmtime_extern_t, _bindings.wasmtime_val_t):
        assert ctypes.sizeof(theirs) == ctypes.sizeof(capi.Tagged)
        assert theirs.of.offset == 8
        assert theirs.kind.offset == 0
    assert ctypes.sizeof(_bindings.wasmtime_val_raw_t) == 16
    assert ctypes.sizeof(_bindings.wasmtime_instance_t) == 16
    assert ctypes.sizeof(_bindings.wasm_byte_vec_t) == ctypes.sizeof(capi.Vector)
    kinds = [_ffi.WASMTIME_EXTERN_FUNC, _ffi.WASMTIME_EXTERN_GLOBAL, _ffi.WASMTIME_EXTERN_TABLE,
             _ffi.WASMTIME_EXTERN_MEMORY, _ffi.WASMTIME_EXTERN_TAG, _ffi.WASMTIME_I32, _ffi.WASMTIME_FUNCREF]  # fmt: skip
    ours = [capi.FUNC, capi.GLOBAL, capi.TABLE, capi.MEMORY, capi.TAG, capi.VALUE_I32, capi.VALUE_FUNCREF]
    assert [kind.value for kind in kinds] == ours


def test_library_is_found_without_importing_the_package():
    path, version = capi.find_library()
    assert Path(path) == Path(_ffi.filename)
    assert version.startswith("50.")


@pytest.mark.parametrize(("name", "found"), [("wasmtime-49.0.0.dist-info", "49.0.0"), ("other", "of unknown version")])
def test_another_wasmtime_is_refused(tmp_path, monkeypatch, name, found):
    (tmp_path / "wasmtime").mkdir()
    (tmp_path / "wasmtime" / "__init__.py").touch()
    (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(LoadError, match=f"wasmtime {found} in .* cannot be used: it must be 50.x"):
        capi.find_library()


def test_missing_wasmtime_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(LoadError, match="wasmtime, which runs WebAssembly, is not installed") as caught:
        capi.find_library()
    assert caught.value.hint == "install it: pip install 'hatch-wasi[run]'"


def test_other_library_is_refused():
    with pytest.raises(LoadError, match="is not the library of wasmtime 50"):
        capi.Api(_ctypes.__file__)
