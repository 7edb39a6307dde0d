#include "module.h"

extern int absent_function(int) __attribute__((weak));
extern int absent_variable __attribute__((weak));

FUNCTION(present) { return Py_BuildValue("OO", absent_function ? Py_True : Py_False, &absent_variable ? Py_True : Py_False); }
FUNCTION(call) { return PyLong_FromLong(absent_function(1)); }

MODULE(weak, NOARGS(present), NOARGS(call))
