/* Calls back into Python, which calls C again, and raises through all of it. */
#include "module.h"

FUNCTION(call)
{
    PyObject *function = PyTuple_GetItem(arguments, 0);
    PyObject *rest = PyTuple_GetSlice(arguments, 1, PyTuple_Size(arguments));
    PyObject *result = PyObject_Call(function, rest, NULL);
    Py_DECREF(rest);
    return result;
}

FUNCTION(guard)
{
    PyObject *result = PyObject_CallNoArgs(PyTuple_GetItem(arguments, 0));
    if (!result && PyErr_ExceptionMatches(PyExc_LookupError)) {
        PyErr_Clear();
        return PyUnicode_FromString("caught");
    }
    return result;
}

FUNCTION(evaluate)
{
    PyObject *scope = PyDict_New();
    PyObject *result = PyRun_String(PyUnicode_AsUTF8(PyTuple_GetItem(arguments, 0)), Py_eval_input, scope, scope);
    Py_DECREF(scope);
    return result;
}

MODULE(callback, VARARGS(call), VARARGS(guard), VARARGS(evaluate))
