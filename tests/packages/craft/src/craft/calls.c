/* From C into Python and back, errors included; and by way of libc, which calls us (qsort). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

static PyObject *
apply(PyObject *module, PyObject *args)
{
    PyObject *function, *rest;
    if (!PyArg_ParseTuple(args, "OO!:apply", &function, &PyTuple_Type, &rest)) {
        return NULL;
    }
    return PyObject_Call(function, rest, NULL);
}

/* Turn whatever `function` raises into a ValueError caused by it. */
static PyObject *
translate(PyObject *module, PyObject *function)
{
    PyObject *result = PyObject_CallNoArgs(function);
    if (result == NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyErr_SetString(PyExc_ValueError, "translated");
        PyObject *new_type, *new_value, *new_traceback;
        PyErr_Fetch(&new_type, &new_value, &new_traceback);
        PyErr_NormalizeException(&new_type, &new_value, &new_traceback);
        PyException_SetCause(new_value, value);
        Py_DECREF(type);
        Py_XDECREF(traceback);
        PyErr_Restore(new_type, new_value, new_traceback);
    }
    return result;
}

static PyObject *comparer; /* qsort's callback takes no context */

static int
compare(const void *a, const void *b)
{
    if (PyErr_Occurred()) {
        return 0;
    }
    PyObject *result = PyObject_CallFunctionObjArgs(comparer, *(PyObject **)a, *(PyObject **)b, NULL);
    if (result == NULL) {
        return 0;
    }
    long order = PyLong_AsLong(result);
    Py_DECREF(result);
    return (order > 0) - (order < 0);
}

static PyObject *
sorted_by(PyObject *module, PyObject *args)
{
    PyObject *list;
    if (!PyArg_ParseTuple(args, "O!O:sorted_by", &PyList_Type, &list, &comparer)) {
        return NULL;
    }
    PyObject *result = PyList_GetSlice(list, 0, PyList_GET_SIZE(list));
    if (result == NULL) {
        return NULL;
    }
    qsort(((PyListObject *)result)->ob_item, PyList_GET_SIZE(result), sizeof(PyObject *), compare);
    if (PyErr_Occurred()) {
        Py_CLEAR(result);
    }
    return result;
}

static PyMethodDef methods[] = {
    {"apply", apply, METH_VARARGS, NULL}, {"translate", translate, METH_O, NULL},
    {"sorted_by", sorted_by, METH_VARARGS, NULL}, {NULL},
};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_calls", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__calls(void) { return PyModuleDef_Init(&definition); }
