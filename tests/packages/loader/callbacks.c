/* Callbacks of other types than CPython and libc call them as. */
#include "module.h"

#include <pthread.h>
#include <stdlib.h>

#define CAST(type, function) ((type)(uintptr_t)(function))

static int calls[16];
enum { CAPSULE, PENDING, TRACE, PROFILE, AUDIT, DICT, TYPE, CODE, FUNCTION_WATCHER, VISIT, ONCE, CREATE, EXECUTE };

static int destroy(PyObject *capsule, int more) { return ++calls[CAPSULE]; }
FUNCTION(capsule)
{
    PyObject *made = PyCapsule_New(calls, "x", CAST(PyCapsule_Destructor, destroy));
    if (made && PyCapsule_GetDestructor(made) != CAST(PyCapsule_Destructor, destroy))
        Py_FatalError("PyCapsule_GetDestructor returns another function");
    return made;
}
FUNCTION(set_destructor)
{
    PyObject *made = PyCapsule_New(calls, "x", NULL);
    PyCapsule_SetDestructor(made, CAST(PyCapsule_Destructor, destroy));
    return made;
}

static int pend(void) { return calls[PENDING]++ * 0; }
FUNCTION(pending)
{
    for (int index = 0; index < 3; index++)
        if (Py_AddPendingCall(CAST(int (*)(void *), pend), NULL) < 0)
            return NULL;
    return PyLong_FromLong(Py_MakePendingCalls());
}

static int trace(void) { return ++calls[TRACE] * 0; }
static int profile(PyObject *object, PyFrameObject *frame) { return ++calls[PROFILE] * 0; }
FUNCTION(traced)
{
    PyEval_SetTrace(CAST(Py_tracefunc, trace), NULL);
    PyEval_SetProfile(CAST(Py_tracefunc, profile), NULL);
    PyObject *done = PyRun_String("[index for index in range(3)]\n", Py_file_input, PyEval_GetGlobals(), NULL);
    PyEval_SetTrace(NULL, NULL);
    PyEval_SetProfile(NULL, NULL);
    return done;
}

static int audit(const char *event) { return ++calls[AUDIT] * 0; }
static int dict_changed(PyDict_WatchEvent event) { return ++calls[DICT] * 0; }
static int type_changed(void) { return ++calls[TYPE] * 0; }
static int code_made(PyCodeEvent event) { return ++calls[CODE] * 0; }
static int function_made(void) { return ++calls[FUNCTION_WATCHER] * 0; }
FUNCTION(watch)
{
    PyObject *dict, *type;
    if (!PyArg_ParseTuple(arguments, "OO", &dict, &type) || PySys_AddAuditHook(CAST(Py_AuditHookFunction, audit), NULL))
        return NULL;
    int dicts = PyDict_AddWatcher(CAST(PyDict_WatchCallback, dict_changed));
    int types = PyType_AddWatcher(CAST(PyType_WatchCallback, type_changed));
    if (dicts < 0 || types < 0 || PyDict_Watch(dicts, dict) || PyType_Watch(types, type)
        || PyCode_AddWatcher(CAST(PyCode_WatchCallback, code_made)) < 0
        || PyFunction_AddWatcher(CAST(PyFunction_WatchCallback, function_made)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static int visit(void) { return ++calls[VISIT] < 5; }
FUNCTION(visited)
{
    PyUnstable_GC_VisitObjects(CAST(gcvisitobjects_t, visit), NULL);
    Py_RETURN_NONE;
}

static int once(void) { return ++calls[ONCE]; }
static int compare(const int *left, const int *right, int more) { return *left - *right; }
FUNCTION(libc)
{
    static pthread_once_t control = PTHREAD_ONCE_INIT;
    int numbers[] = {5, 3, 9, 1, 7}, key = 7;
    pthread_once(&control, CAST(void (*)(void), once));
    qsort(numbers, 5, sizeof *numbers, CAST(int (*)(const void *, const void *), compare));
    int *found = bsearch(&key, numbers, 5, sizeof *numbers, CAST(int (*)(const void *, const void *), compare));
    return Py_BuildValue("iii", numbers[0], numbers[4], found ? (int)(found - numbers) : -1);
}

static PyMemAllocatorEx original;
static int freed;
static int release(void *context, void *memory)
{
    original.free(original.ctx, memory);
    return ++freed;
}
FUNCTION(allocator)
{
    PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &original);
    PyMemAllocatorEx ours = original;
    ours.free = CAST(void (*)(void *, void *), release);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &ours);
    PyMem_Free(PyMem_Malloc(10));
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &original);
    return PyBool_FromLong(freed > 0);
}

static int at_exit(void) { return puts("at exit"); }
static int at_end(void *data, int more) { return puts("at the interpreter's end"); }
FUNCTION(leave)
{
    Py_AtExit(CAST(void (*)(void), at_exit));
    PyUnstable_AtExit(PyInterpreterState_Get(), CAST(void (*)(void *), at_end), NULL);
    Py_RETURN_NONE;
}

/* METH_FASTCALL functions that leave out what they do not use, or name more. */
static PyObject *none_of_them(void) { return PyLong_FromLong(7); }
static PyObject *no_names(PyObject *self, PyObject *const *values, Py_ssize_t count) { return PyLong_FromSsize_t(count); }
static PyObject *vectorcall(PyObject *type, PyObject *const *values) { return PyLong_FromLong(11); }

FUNCTION(fast_type)
{
    static PyMethodDef methods[] = {
        {"fast", CAST(PyCFunction, none_of_them), METH_FASTCALL, NULL},
        {"names", CAST(PyCFunction, no_names), METH_FASTCALL | METH_KEYWORDS, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyTypeObject fast = {PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "callbacks.Fast"};
    fast.tp_basicsize = sizeof(PyObject);
    fast.tp_flags = Py_TPFLAGS_DEFAULT;
    fast.tp_methods = methods;
    fast.tp_vectorcall = CAST(vectorcallfunc, vectorcall);
    return PyType_Ready(&fast) < 0 ? NULL : Py_NewRef(&fast);
}
FUNCTION(fast_object)
{
    PyTypeObject *type = (PyTypeObject *)arguments;
    return type->tp_alloc(type, 0);
}

FUNCTION(count)
{
    return PyLong_FromLong(calls[PyLong_AsLong(arguments)]);
}

static PyObject *create(PyObject *spec) { ++calls[CREATE]; return PyModule_New("callbacks"); }
static int execute(void) { return ++calls[EXECUTE] * 0; }
static PyModuleDef_Slot slots[] = {{Py_mod_create, create}, {Py_mod_exec, execute}, {0, NULL}};
static PyMethodDef methods[] = {
    NOARGS(capsule), NOARGS(set_destructor), NOARGS(pending), NOARGS(traced), VARARGS(watch), NOARGS(visited), NOARGS(libc),
    NOARGS(allocator), NOARGS(leave), NOARGS(fast_type), {"fast_object", fast_object, METH_O, NULL},
    {"fast", CAST(PyCFunction, none_of_them), METH_FASTCALL, NULL},
    {"names", CAST(PyCFunction, no_names), METH_FASTCALL | METH_KEYWORDS, NULL}, {"count", count, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "callbacks", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_callbacks(void) { return PyModuleDef_Init(&definition); }
