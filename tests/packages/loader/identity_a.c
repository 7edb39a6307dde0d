/* Addresses of functions: one of python.wasm's own tables, some that it only exports, and the other module's. */
#include "module.h"

#include <math.h>
#include <stdlib.h>

FUNCTION(addresses)
{
    return Py_BuildValue("{s:N,s:N,s:N,s:N}", "generic", ADDRESS(PyObject_GenericGetAttr), "malloc", ADDRESS(malloc),
                         "erf", ADDRESS(erf), "import", ADDRESS(PyImport_ImportModule));
}

/* What python.wasm itself stored in a type. */
FUNCTION(stored) { return ADDRESS(PyBaseObject_Type.tp_getattro); }

/* Compared here and called through the pointer of the other module. */
FUNCTION(call_erf)
{
    long address = PyLong_AsLong(PyTuple_GetItem(arguments, 0));
    double (*function)(double) = (double (*)(double))address;
    return Py_BuildValue("Od", function == erf ? Py_True : Py_False, function(1.0));
}

MODULE(identity_a, NOARGS(addresses), NOARGS(stored), VARARGS(call_erf))
