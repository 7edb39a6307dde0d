#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include "shared.h"

#ifndef HAS_FLAG
#error "define-macros: HAS_FLAG = true was not passed on"
#endif
#ifdef GONE
#error "undef-macros does not win over define-macros"
#endif
#ifndef NDEBUG
#error "NDEBUG is not defined"
#endif
_Static_assert(__STDC_VERSION__ == 201112L, "std was not passed on");

static PyObject *
facts(PyObject *module, PyObject *unused)
{
    int first = scaled(table[3]);
    return Py_BuildValue("iisds", first, counter, FLAVOUR, erf(0.5), __FILE__);
}

static PyMethodDef methods[] = {{"facts", facts, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_core", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModule_Create(&definition);
}
