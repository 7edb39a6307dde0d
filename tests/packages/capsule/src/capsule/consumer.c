#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "api.h"

static const Api *api;

static PyObject *half(PyObject *module, PyObject *value) { return PyFloat_FromDouble(api->half(PyFloat_AsDouble(value))); }
static PyObject *greet(PyObject *module, PyObject *unused) { return api->greet("consumer"); }
static PyObject *type_name(PyObject *module, PyObject *object) { return PyUnicode_FromString(api->type_name(object)); }

/* The address of the provider's function, and of one of Python's, as they are seen from here. */
static PyObject *
addresses(PyObject *module, PyObject *unused)
{
    return Py_BuildValue("kk", (unsigned long)(uintptr_t)api->half, (unsigned long)(uintptr_t)PyObject_Repr);
}

static int
execute(PyObject *module)
{
    api = PyCapsule_Import(API_NAME, 0);
    return api == NULL ? -1 : 0;
}

static PyMethodDef methods[] = {
    {"half", half, METH_O, NULL}, {"greet", greet, METH_NOARGS, NULL}, {"type_name", type_name, METH_O, NULL},
    {"addresses", addresses, METH_NOARGS, NULL}, {NULL},
};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_consumer", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__consumer(void) { return PyModuleDef_Init(&definition); }
