// An object that cannot be made, before anything else of the module runs.
#include <Python.h>

#include <stdexcept>

static struct Impossible {
    Impossible() { throw std::domain_error("impossible"); }
} impossible;

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_constructor"};
PyMODINIT_FUNC PyInit__constructor() { return PyModuleDef_Init(&definition); }
