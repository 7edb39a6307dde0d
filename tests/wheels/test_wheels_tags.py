import pytest
from packaging.tags import parse_tag

from hatch_wasi.wheels.tags import misfit


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-wasi_wasm32",
        "cp313-cp313-wasi_0_0_0_wasm32",
        "cp313-abi3-wasi_wasm32",
        "cp38-abi3-wasi_wasm32",
        "cp313-none-wasi_wasm32",
        "py3-none-wasi_wasm32",
        "py3-none-any",
        "py2.py3-none-any",
        "py313-none-any",
        "cp313-none-any",
        "cp311-abi3-linux_x86_64.wasi_wasm32",
    ],
)
def test_what_fits(tag):
    assert misfit(parse_tag(tag), "3.13.5") is None


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("cp313-cp313-linux_x86_64", "HATCH_WASI_TARGET=wasi"),
        ("cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", "HATCH_WASI_TARGET=wasi"),
        ("cp313-cp313-macosx_11_0_arm64", "HATCH_WASI_TARGET=wasi"),
        ("cp313-cp313-win_amd64", "HATCH_WASI_TARGET=wasi"),
        ("cp313-cp313-pyodide_2024_0_wasm32", "HATCH_WASI_TARGET=wasi"),
        ("cp312-cp312-wasi_wasm32", "rebuild it for Python 3.13"),
        ("cp314-abi3-wasi_wasm32", "rebuild it for Python 3.13"),
        ("cp313-cp313t-wasi_wasm32", "rebuild it for Python 3.13"),
        ("pp311-pypy311_pp73-any", "for Python 3.13"),
        ("py2-none-any", "for Python 3.13"),
        ("py314-none-any", "for Python 3.13"),
    ],
)
def test_what_does_not(tag, hint):
    problem = misfit(parse_tag(tag), "3.13")
    assert problem is not None
    assert tag.split(".")[0].split("-")[0] in problem[0]
    assert "cp313-cp313" in problem[0]
    assert "wasi_wasm32 or wasi_0_0_0_wasm32" in problem[0]
    assert hint in problem[1]
