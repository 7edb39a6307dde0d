"""The same project gives the same wheel by `hatch-wasi wheel`, whatever its backend lets in of the machine."""

import pytest
from machines import differences, two_machines
from projects import CYTHON, PROJECT, PROJECTS, SETUPTOOLS, C

# What build scripts do: ask for the time, the folder, the machine; walk sets; write files.
SETUP = """\
import os, pathlib, time
from setuptools import Extension, setup
folder = pathlib.Path("answers")
words = [f"word {number}" for number in range(20)]
text = f"words = {set(words)}\\ntime = {time.ctime(int(os.environ['SOURCE_DATE_EPOCH']))!r}\\nfolder = {os.getcwd()!r}\\n"
(folder / "generated.py").write_text(text)
when = time.strftime("%Z %c", time.localtime(0))
extensions = [
    Extension("answer", ["answer.c"], define_macros=[("WHEN", f'"{when}"')], extra_compile_args=["-g"]),
    Extension("answers.more", ["answers/more.pyx"]),
    Extension("answers.plus", ["answers/plus.cpp"]),
]
setup(packages=["answers"], package_data={"answers": ["*.txt"]}, scripts=["speak"], ext_modules=extensions)
"""
WHERE = "\nconst char *where(void) { return __FILE__ __DATE__ __TIME__; }\n"
PLUS = """\
#include <Python.h>
#include <stdexcept>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "plus", __FILE__ " " __DATE__, -1};
PyMODINIT_FUNC PyInit_plus() {
    try { throw std::runtime_error(__FILE__); } catch (const std::exception &) { return PyModule_Create(&definition); }
}
"""
TELLING = {
    "pyproject.toml": SETUPTOOLS.replace('["setup', '["cython>=3.1", "setup') + PROJECT,
    "setup.py": SETUP,
    "answer.c": C + WHERE + "const char *when = WHEN;\n",
    "answers/__init__.py": "",
    "answers/more.pyx": CYTHON,
    "answers/plus.cpp": PLUS,
    "answers/größe.txt": "1\n",
    "speak": "#!/usr/bin/env python\nprint('spoken')\n",
}
CHOSEN = {
    "telling": TELLING,
    "scikit-build-core": PROJECTS["scikit-build-core"] | {"answer.c": C + WHERE},
    "meson-python": PROJECTS["meson-python"] | {"answer.c": C + WHERE},
}


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("name", CHOSEN)
def test_two_machines_make_the_same_wheel(tmp_path, cache, name):
    wheels = []
    for machine in two_machines(tmp_path, cache.root):
        machine.write(CHOSEN[name])
        machine.run("hatch_wasi", "wheel", "-w", machine.root / "out", ".")
        wheels += (machine.root / "out").glob("answer-1.0-cp313-cp313-wasi_wasm32.whl")
    assert differences(*wheels) == []
