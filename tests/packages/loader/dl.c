/* dlopen and its kin, for Python code: WASI has no ctypes. */
#include "module.h"

#include <dlfcn.h>

FUNCTION(load)
{
    const char *path;
    int flags;
    if (!PyArg_ParseTuple(arguments, "zi", &path, &flags))
        return NULL;
    void *handle = dlopen(path, flags);
    if (!handle)
        return PyErr_Format(PyExc_OSError, "%s", dlerror());
    return PyLong_FromVoidPtr(handle);
}

FUNCTION(sym)
{
    unsigned long handle;
    const char *name;
    if (!PyArg_ParseTuple(arguments, "ks", &handle, &name))
        return NULL;
    void *found = dlsym((void *)handle, name);
    if (!found)
        return PyErr_Format(PyExc_LookupError, "%s", dlerror());
    return PyLong_FromVoidPtr(found);
}

FUNCTION(call) { return PyLong_FromLong(((int (*)(void))PyLong_AsLong(PyTuple_GetItem(arguments, 0)))()); }
FUNCTION(peek) { return PyLong_FromLong(*(int *)PyLong_AsLong(PyTuple_GetItem(arguments, 0))); }
FUNCTION(from_long) { return ADDRESS(PyLong_FromLong); }

MODULE(dl, VARARGS(load), VARARGS(sym), VARARGS(call), VARARGS(peek), NOARGS(from_long))
