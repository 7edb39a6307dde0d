from pathlib import Path

import pytest

from hatch_wasi.config import Extension
from hatch_wasi.errors import BuildError
from hatch_wasi.extension.placement import package_folder, refuse_copies, wheel_tag
from hatch_wasi.target import Target

ROOT = Path("/project")
DEFAULT = "cp313-cp313-wasi_wasm32"


def extension(name="p.m", limit=None):
    return Extension(name=name, key="k", sources=("c/m.c",), py_limited_api=limit)


@pytest.mark.parametrize(
    ("limits", "tag"),
    [
        ([None], DEFAULT),
        (["3.11"], "cp311-abi3-wasi_wasm32"),
        (["3.9", "3.11", "3.10"], "cp311-abi3-wasi_wasm32"),
        (["3.11", None], DEFAULT),
    ],
)
def test_wheel_tag(limits, tag):
    assert wheel_tag([extension(limit=limit) for limit in limits], Target.native(), DEFAULT) == tag


@pytest.mark.parametrize(
    ("name", "files", "folder"),
    [
        ("p.m", [("/project/src/p/__init__.py", "p/__init__.py")], "/project/src/p"),
        ("p.m", [("/project/src/p/q/x.py", "p/q/x.py"), ("/project/lib/p/x.py", "p/x.py")], "/project/lib/p"),
        ("m", [("/project/src/x.py", "x.py")], "/project/src"),
        ("p.m", [("/project/src/q/x.py", "q/x.py")], "/project/c"),
    ],
)
def test_package_folder(name, files, folder):
    assert package_folder(extension(name), files, ROOT) == Path(folder)


@pytest.mark.parametrize(
    "file",
    [
        "p/m.cpython-311-x86_64-linux-gnu.so",
        "p/m.cpython-313-wasm32-wasi.so",
        "p/m.abi3.so",
        "p/m.so",
        "p/m.cp311-win_amd64.pyd",
    ],
)
def test_copies_are_refused(file):
    with pytest.raises(BuildError, match=r"a copy of p\.m that this build did not make") as caught:
        refuse_copies([extension()], [(f"/project/src/{file}", file)], ROOT)
    assert f"src/{file}" in caught.value.message
    assert "*.so" in caught.value.hint


@pytest.mark.parametrize("file", ["p/m.py", "p/m.so.txt", "p/mm.so", "p/q/m.so", "q/m.so", "m.so"])
def test_other_files_are_not(file):
    refuse_copies([extension()], [(f"/project/src/{file}", file)], ROOT)
