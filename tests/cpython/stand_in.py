"""A stand-in for CPython's sources: the same steps by the same commands, in seconds.

Its configure and Makefile stop where STAND_IN_STOP says, once, so that a test can kill the bootstrap there:
STAND_IN_REACHED appears then, and they go on when the test makes that name with `-go-on`.
"""

import re
from pathlib import Path

from hatch_wasi.cpython.recipe import FROZEN, guest_files
from hatch_wasi.cpython.versions import version

EDITS = version("3.13").edits
STEPS = ("configure", "make-hot", "make-rest", "freezer", "library", "link")

STOP = """\
stop() {
    if [ "${STAND_IN_STOP-}" = "$1" ] && [ ! -e "$STAND_IN_REACHED" ]; then
        touch "$STAND_IN_REACHED"
        while [ ! -e "$STAND_IN_REACHED-go-on" ]; do sleep 0.1; done
    fi
}
"""
CONFIGURE = f"""#!/bin/sh
set -e
{STOP}
mkdir -p build/lib Modules Programs Python/frozen_modules
stop configure
echo '/* pyconfig */' > pyconfig.h
sed "s|@CC@|$CC|; s|@AR@|$AR|" ../../Makefile.in > Makefile
"""
MAKEFILE = """
LIBRARY_OBJS_OMIT_FROZEN = library.o $(OBJECT_OBJS)
OBJECT_OBJS = Objects/abstract.o
library.o Programs/python.o Programs/_freeze_module.o:
\t@. ../../stop.sh; stop make-rest
\t@CC@ -I../../Include/internal -c ../../$(notdir $(@:.o=.c)) -o $@
Objects/%.o Python/%.o Modules/%.o:
\t@. ../../stop.sh; stop make-hot
\tmkdir -p $(dir $@) && echo | @CC@ $(EXTRA_CFLAGS) -x c -c - -o $@
Programs/_freeze_module:
\t@. ../../stop.sh; stop freezer
\t@CC@ $(PY_CORE_LDFLAGS) -o $@ Programs/_freeze_module.o $(LIBRARY_OBJS_OMIT_FROZEN)
Python/frozen_modules/os.h:
\t$(FREEZE_MODULE) os $(srcdir)/Lib/os.py Python/frozen_modules/os.h
libpython3.13.a:
\t@. ../../stop.sh; stop library
\ttouch Modules/config.c
\t@AR@ rcs $@ $(LIBRARY_OBJS_OMIT_FROZEN)
python.wasm:
\t@. ../../stop.sh; stop link
\t@CC@ $(LINKFORSHARED) -o $@ Programs/python.o $(LIBRARY_OBJS_OMIT_FROZEN) -lwasi-emulated-signal
"""
FREEZER = r"""
#include <stdio.h>
int main(int argc, char **argv)
{
    FILE *source = fopen(argv[2], "r"), *header = fopen(argv[3], "w");
    fputs("static const unsigned char _Py_M__", header);
    for (const char *letter = argv[1]; *letter; letter++)
        fputc(*letter == '.' ? '_' : *letter, header);
    return fputs("[] = {0};\n", header) < 0 || fclose(header) || !source || argc != 4;
}
"""
# Writes sysconfig's data when it is asked to; whatever else it is told to do is done.
PYTHON = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[2], "-c"))
        return 0;
    if (chdir(argv[4]))
        return 1;
    FILE *names = fopen("pybuilddir.txt", "w"), *data = fopen("build/lib/_sysconfigdata__wasi_wasm32-wasi.py", "w");
    fputs("build/lib\n", names);
    fprintf(data, "build_time_vars = {'SOABI': 'cpython-313-wasm32-wasi', 'EXT_SUFFIX': '.cpython-313-wasm32-wasi.so',"
                  " 'srcdir': '%s'}\n", argv[4]);
    return fclose(names) || fclose(data);
}
"""


def structures() -> str:
    """Declare the structures of functions that guest/slots.c names, as far as it names their members."""
    text = guest_files()["slots.c"]
    parts = {"Async": "am", "Number": "nb", "Sequence": "sq", "Mapping": "mp"}
    members = {
        f"Py{name}Methods": [f"{prefix}_{member}" for member in re.findall(rf"\b{name.upper()}\((\w+), \d", text)]
        for name, prefix in parts.items()
    }
    for name in ("PyBufferProcs", "PyMemAllocatorEx", "PyObjectArenaAllocator"):
        members[name] = re.findall(rf"IN\({name}, (\w+), \d", text)
    members["PyTypeObject"] = ["tp_" + member for member in re.findall(r"\bTYPE(?:_VOID)?\((\w+), \d", text)]
    members["PyTypeObject"] += re.findall(r"type->(tp_as_\w+)", text)
    return "".join(
        f"typedef struct {{ void {', '.join(f'*{member}' for member in found)}; }} {name};\n"
        for name, found in members.items()
    )


# What guest/slots.c reads besides.
DEFINITIONS = """
typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef struct { const char *ml_name; PyCFunction ml_meth; int ml_flags; const char *ml_doc; } PyMethodDef;
typedef struct { int slot; void *value; } PyModuleDef_Slot;
typedef struct {
    void *m_base;
    const char *m_name;
    PyMethodDef *m_methods;
    PyModuleDef_Slot *m_slots;
    void *m_traverse, *m_clear, *m_free;
} PyModuleDef;
enum { Py_mod_create = 1, Py_mod_exec, METH_KEYWORDS = 2, METH_FASTCALL = 128, METH_METHOD = 512 };
"""
# What the guest's libffi asks of Python when it cannot call.
ERRORS = """
#include <stdarg.h>
#include <stdio.h>
typedef int PyGILState_STATE;
static inline int Py_IsInitialized(void) { return 0; }
static inline PyGILState_STATE PyGILState_Ensure(void) { return 0; }
static inline void PyGILState_Release(PyGILState_STATE state) {}
static inline PyObject *PyErr_Occurred(void) { return NULL; }
static inline PyObject *PyErr_FormatV(PyObject *kind, const char *format, va_list arguments) { return NULL; }
static PyObject *const PyExc_RuntimeError, *const PyExc_TypeError, *const PyExc_ValueError;
"""
# What guest/editing.c asks of Python.
MODULES = """
#define PyModuleDef_HEAD_INIT NULL
#define METH_VARARGS 1
#define Py_RETURN_NONE return NULL
#define Py_DECREF(object) ((void)(object))
#define Py_XDECREF(object) ((void)(object))
#define PyBytes_AS_STRING(object) ((char *)(object))
#define PyBytes_GET_SIZE(object) 0
#define PyBytes_Check(object) 0
#define PyMem_RawMalloc malloc
typedef ptrdiff_t Py_ssize_t;
static PyObject *const PyExc_KeyboardInterrupt;
static char *(*PyOS_ReadlineFunctionPointer)(FILE *, FILE *, const char *);
static inline int PyArg_ParseTuple(PyObject *arguments, const char *format, ...) { return 0; }
static inline PyObject *PyBytes_FromStringAndSize(const char *data, Py_ssize_t size) { return NULL; }
static inline void PyErr_SetString(PyObject *kind, const char *text) {}
static inline int PyErr_ExceptionMatches(PyObject *kind) { return 0; }
static inline void PyErr_Clear(void) {}
static PyObject *const Py_None;
static inline PyObject *PyErr_GetRaisedException(void) { return NULL; }
static inline void PyErr_SetRaisedException(PyObject *error) {}
static inline int PyException_SetTraceback(PyObject *error, PyObject *traceback) { return 0; }
static inline PyObject *PyImport_ImportModule(const char *name) { return NULL; }
static inline PyObject *PyObject_CallMethod(PyObject *object, const char *name, const char *format, ...) { return NULL; }
static inline PyObject *PyModule_Create(PyModuleDef *definition) { return NULL; }
static inline int PyImport_AppendInittab(const char *name, PyObject *(*create)(void)) { return 0; }
"""
HEADERS = {
    "patchlevel.h": '#define PY_VERSION "3.13.99"\n',
    "Python.h": "#pragma once\n#include <stddef.h>\n#include <stdint.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "typedef struct PyObject PyObject;\ntypedef struct { uintptr_t eval_breaker; } PyThreadState;\n"
    "struct _frozen { const char *name; const unsigned char *code; int size; int is_package; };\n"
    "extern const struct _frozen *PyImport_FrozenModules;\n" + structures() + DEFINITIONS + ERRORS + MODULES,
    "internal/pycore_ceval.h": "#define _PY_SIGNALS_PENDING_BIT 2\n",
    "internal/pycore_signal.h": "",
    "internal/pycore_runtime.h": "extern struct { struct { int is_tripped; struct { int tripped; } handlers[65];"
    " int unhandled_keyboard_interrupt; } signals;"
    " PyThreadState *main_tstate; } _PyRuntime;\n",
}


def make(folder: Path) -> Path:
    """Write the tree at `folder`."""
    for name, text in HEADERS.items():
        path = folder / "Include" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for edit in EDITS:
        (folder / edit.file).parent.mkdir(parents=True, exist_ok=True)
        with (folder / edit.file).open("a") as file:
            file.write(edit.old)
    (folder / "Lib").mkdir(exist_ok=True)
    (folder / "Lib" / "os.py").write_text("name = 'stand-in'\n")
    for file in FROZEN.values():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")
    (folder / "LICENSE").write_text("none\n")
    (folder / "stop.sh").write_text(STOP)
    (folder / "Makefile.in").write_text(MAKEFILE)
    (folder / "_freeze_module.c").write_text(FREEZER)
    (folder / "python.c").write_text(PYTHON)
    (folder / "library.c").write_text(
        '#include "../Python.h"\nstruct { struct { int is_tripped; struct { int tripped; } handlers[65]; } signals;'
        " PyThreadState *main_tstate; } _PyRuntime;\nconst struct _frozen *PyImport_FrozenModules;\n"
    )
    for name, text in (("configure", CONFIGURE), ("config.guess", "echo x86_64-pc-linux-gnu\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
