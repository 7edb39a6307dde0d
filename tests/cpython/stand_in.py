"""A stand-in for CPython's sources: the same steps by the same commands, in seconds.

Its configure and Makefile stop where STAND_IN_STOP says, once, so that a test can kill the bootstrap there.
"""

import sys
from pathlib import Path

from hatch_wasi.cpython.recipe import EDITS, FROZEN

STEPS = ("configure-native", "configure-wasi", "make-native", "make-wasi", "link")

STOP = """\
stop() {
    if [ "${STAND_IN_STOP-}" = "$1" ] && [ ! -e "$STAND_IN_REACHED" ]; then touch "$STAND_IN_REACHED"; sleep 2; fi
}
"""
CONFIGURE = f"""#!/bin/sh
set -e
{STOP}
case "$*" in
*--host=*) kind=wasi ;;
*) kind=native ;;
esac
mkdir -p build/lib Modules Programs
stop configure-$kind
echo '/* pyconfig */' > pyconfig.h
sed "s|@CC@|$CC|; s|@AR@|${{AR-ar}}|" ../../Makefile.$kind > Makefile
"""
NATIVE = f"""\
python:
\t@. ../../stop.sh; stop make-native
\tprintf '#!/bin/sh\\nexec {sys.executable} "$$@"\\n' > python && chmod +x python
pybuilddir.txt:
\techo "build_time_vars = {{}}" > build/lib/_sysconfigdata__linux_.py
\techo build/lib > $@
"""
WASI = """\
libpython3.13.a:
\t@. ../../stop.sh; stop make-wasi
\t@CC@ -I../../Include/internal -c ../../library.c -o library.o
\ttouch Modules/config.c
\t@AR@ rcs $@ library.o
Python/%.o Modules/%.o:
\tmkdir -p $(dir $@) && touch $@
Programs/python.o: ../../main.c
\t@CC@ -c ../../main.c -o $@
python.wasm:
\t@. ../../stop.sh; stop link
\t@CC@ $(LINKFORSHARED) -o $@ Programs/python.o libpython3.13.a -lwasi-emulated-signal
pybuilddir.txt:
\techo "build_time_vars = {'SOABI': 'cpython-313-wasm32-wasi', 'EXT_SUFFIX': '.cpython-313-wasm32-wasi.so', 'CC': '@CC@'}" \\
\t  > build/lib/_sysconfigdata__wasi_wasm32-wasi.py
\techo build/lib > $@
"""
FREEZE = """\
import sys
module, source, header = sys.argv[1:]
open(source).close()
with open(header, "w") as file:
    file.write(f"static const unsigned char _Py_M__{module.replace('.', '_')}[] = {{0}};\\n")
"""
HEADERS = {
    "patchlevel.h": '#define PY_VERSION "3.13.99"\n',
    "Python.h": "#include <stddef.h>\n#include <stdint.h>\ntypedef struct { uintptr_t eval_breaker; } PyThreadState;\n"
    "struct _frozen { const char *name; const unsigned char *code; int size; int is_package; };\n"
    "extern const struct _frozen *PyImport_FrozenModules;\n",
    "internal/pycore_ceval.h": "#define _PY_SIGNALS_PENDING_BIT 2\n",
    "internal/pycore_signal.h": "",
    "internal/pycore_runtime.h": "extern struct { struct { int is_tripped; struct { int tripped; } handlers[65]; } signals;"
    " PyThreadState *main_tstate; } _PyRuntime;\n",
}


def make(folder: Path) -> Path:
    """Write the tree at `folder`."""
    for name, text in HEADERS.items():
        path = folder / "Include" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for edit in EDITS:
        (folder / edit.file).write_text(edit.old)
    (folder / "Lib").mkdir()
    (folder / "Lib" / "os.py").write_text("name = 'stand-in'\n")
    for file in FROZEN.values():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")
    (folder / "Programs").mkdir()
    (folder / "Programs" / "_freeze_module.py").write_text(FREEZE)
    (folder / "LICENSE").write_text("none\n")
    (folder / "stop.sh").write_text(STOP)
    (folder / "Makefile.native").write_text(NATIVE)
    (folder / "Makefile.wasi").write_text(WASI)
    (folder / "main.c").write_text("int main(void) { return 0; }\n")
    (folder / "library.c").write_text(
        '#include "../Python.h"\nstruct { struct { int is_tripped; struct { int tripped; } handlers[65]; } signals;'
        " PyThreadState *main_tstate; } _PyRuntime;\nconst struct _frozen *PyImport_FrozenModules;\n"
    )
    for name, text in (("configure", CONFIGURE), ("config.guess", "echo x86_64-pc-linux-gnu\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
