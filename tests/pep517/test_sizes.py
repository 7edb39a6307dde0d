"""What a build script asks about the target: it hears what WASI Python itself says."""

import subprocess
import sys

from making import made, unpack
from projects import write

import hatch_wasi.disguise.sizes

ASKED = """\
import ctypes, platform, struct, sys, sysconfig
class Pair(ctypes.Structure):
    _fields_ = [("flag", ctypes.c_char), ("number", ctypes.c_long), ("big", ctypes.c_longlong), ("items", ctypes.c_void_p * 3)]
class Either(ctypes.Union):
    _fields_ = [("pair", Pair), ("next", ctypes.POINTER(Pair)), ("call", ctypes.CFUNCTYPE(None))]
formats = ["P", "@P", "l", "L", "n", "N", "q", "cl", "3lq", "lc", "i0q", "=l", "<q", "!L", "hhl", "16s", "dP", "4xP", b"P", b"<l"]
names = ["c_bool", "c_char", "c_wchar", "c_short", "c_int", "c_uint", "c_long", "c_ulong", "c_longlong", "c_ulonglong", "c_size_t",
         "c_ssize_t", "c_void_p", "c_char_p", "c_wchar_p", "py_object", "c_float", "c_double", "c_longdouble", "c_int32",
         "c_int64", "c_uint64", "c_time_t"]
types = [getattr(ctypes, name) for name in names if hasattr(ctypes, name)]
types += [Pair, Either, ctypes.c_long * 3, ctypes.POINTER(ctypes.c_int)]
answers = {
    "struct": [struct.calcsize(format) for format in formats],
    "sizes": [ctypes.sizeof(kind) for kind in types],
    "alignments": [ctypes.alignment(kind) for kind in types],
    "instance": ctypes.sizeof(ctypes.c_long(1)),
    "variables": [sysconfig.get_config_var(f"SIZEOF_{name}") for name in ("VOID_P", "LONG", "SIZE_T", "TIME_T", "WCHAR_T")],
    "sys": [sys.maxsize, sys.platform],
    "platform": platform.architecture()[0],
}
"""
HERE = """\
import array, ctypes, multiprocessing.shared_memory, struct
assert struct.unpack("P", struct.pack("P", 1 << 40)) == (1 << 40,)
assert ctypes.cast(ctypes.pointer(ctypes.c_long(1 << 40)), ctypes.POINTER(ctypes.c_long))[0] == 1 << 40
assert ctypes.CFUNCTYPE(ctypes.c_longlong, ctypes.c_longlong)(lambda x: x + 1)(1 << 40) == (1 << 40) + 1
import asyncio, queue, socket
assert asyncio.run(asyncio.sleep(0, "slept")) == "slept"
"""


def test_a_build_script_hears_what_wasi_python_says(wheel, guest, tmp_path):
    project = write("setuptools-c", tmp_path / "project")
    script = f"{HERE}{ASKED}\nopen('told.py', 'w').write(f'{{answers!r}}\\n')\n"
    setup = (project / "setup.py").read_text().replace("setup(ext", "setup(py_modules=['told'], ext")
    (project / "setup.py").write_text(script + setup)
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    site = unpack(tmp_path / "out" / made(tmp_path)[0], tmp_path / "site")
    there = guest("-c", f"{ASKED}\nprint(repr(answers))")
    assert (site / "told.py").read_text() == there.stdout, there.stderr


def test_the_standard_library_measures_this_machine(tmp_path):
    """What it asks it uses: a caller in its folder, and for ctypes one in a folder of packages, hears the truth."""
    package = tmp_path / "site-packages" / "tool.py"
    package.parent.mkdir()
    package.write_text("import ctypes, struct\nsizes = struct.calcsize('l'), ctypes.sizeof(ctypes.c_long)\n")
    code = (
        f"import sys; sys.path[:0] = [{str(package.parent)!r}]; import ctypes, struct, runpy, os\n"
        "true = struct.calcsize('l')\n"
        f"answer = runpy.run_path({hatch_wasi.disguise.sizes.__file__!r})['answer_as_wasi']; answer()\n"
        "library = compile('struct.calcsize(\"l\"), ctypes.sizeof(ctypes.c_long)', os.__file__, 'eval')\n"
        "assert eval(library) == (true, true)\n"
        "import tool; assert tool.sizes == (4, true), tool.sizes\n"
        "assert (struct.calcsize('l'), ctypes.sizeof(ctypes.c_long)) == (4, 4)\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
