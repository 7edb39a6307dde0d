/* Data of python.wasm through the GOT and through data relocations. */
#include "module.h"

static PyTypeObject *types[] = {&PyLong_Type, &PyUnicode_Type, &PyDict_Type, &PyBaseObject_Type};
static PyObject **exceptions[] = {&PyExc_KeyError, &PyExc_OSError, &PyExc_ImportError};
static PyObject *(*functions[])(PyObject *) = {PyObject_Repr, PyObject_Str, PyObject_Type};
static int numbers[] = {1, 2, 3}, *middle = &numbers[1];

FUNCTION(list_types) { return Py_BuildValue("OOOO", types[0], types[1], types[2], types[3]); }
FUNCTION(list_exceptions) { return Py_BuildValue("OOO", *exceptions[0], *exceptions[1], *exceptions[2]); }
FUNCTION(apply) { return functions[0](PyTuple_GetItem(arguments, 0)); }
FUNCTION(own_data) { return Py_BuildValue("ii", middle[-1], middle[1]); }
FUNCTION(singletons) { return Py_BuildValue("OOO", Py_None, Py_True, Py_Ellipsis); }
FUNCTION(fail)
{
    PyErr_Format(PyExc_KeyError, "raised %s", "in C");
    return NULL;
}

MODULE(got_data, NOARGS(list_types), NOARGS(list_exceptions), VARARGS(apply), NOARGS(own_data), NOARGS(singletons),
       NOARGS(fail))
