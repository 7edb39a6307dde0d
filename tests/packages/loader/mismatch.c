/* Declares a function of python.wasm as what it is not. */
#define PyArg_UnpackTuple declared_by_python
#include "module.h"
#undef PyArg_UnpackTuple

extern double PyArg_UnpackTuple(int);

FUNCTION(use) { return PyFloat_FromDouble(PyArg_UnpackTuple(1)); }

MODULE(mismatch, NOARGS(use))
