#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "api.h"

static double half(double value) { return value / 2; }
static PyObject *greet(const char *whom) { return PyUnicode_FromFormat("hello, %s", whom); }
static const char *type_name(PyObject *object) { return Py_TYPE(object)->tp_name; }
static const Api api = {1, half, greet, type_name};

static PyObject *
addresses(PyObject *module, PyObject *unused)
{
    return Py_BuildValue("kk", (unsigned long)(uintptr_t)api.half, (unsigned long)(uintptr_t)PyObject_Repr);
}

static int
execute(PyObject *module)
{
    PyObject *capsule = PyCapsule_New((void *)&api, API_NAME, NULL);
    int status = PyModule_AddObjectRef(module, "api", capsule);
    Py_XDECREF(capsule);
    return status;
}

static PyMethodDef methods[] = {{"addresses", addresses, METH_NOARGS, NULL}, {NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_provider", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__provider(void) { return PyModuleDef_Init(&definition); }
