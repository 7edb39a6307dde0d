#include "module.h"

__attribute__((noinline)) static int divide(int number, volatile int *by) { return number / *by; }
FUNCTION(divide_by_zero)
{
    volatile int by = (int)PyLong_AsLong(PyTuple_GetItem(arguments, 0));
    return PyLong_FromLong(divide(1234, &by));
}
FUNCTION(recurse) { return PyObject_Repr(PyTuple_GetItem(arguments, 0)); }
static __attribute__((noinline)) int dive(int depth)
{
    volatile char frame[16] = {0};
    return depth ? dive(depth - 1) + frame[3] + 1 : 0;
}
FUNCTION(deep) { return PyLong_FromLong(dive((int)PyLong_AsLong(PyTuple_GetItem(arguments, 0)))); }

MODULE(crash, VARARGS(divide_by_zero), VARARGS(recurse), VARARGS(deep))
