/* What the loader's test modules share: a module of functions, and the short names of their shapes. */
#include <Python.h>

#define FUNCTION(name) static PyObject *name(PyObject *self, PyObject *arguments)
#define NOARGS(name) {#name, name, METH_NOARGS, NULL}
#define VARARGS(name) {#name, name, METH_VARARGS, NULL}
#define ADDRESS(symbol) PyLong_FromVoidPtr((void *)(uintptr_t)(symbol))
#define MODULE(name, ...) \
    static PyMethodDef methods[] = {__VA_ARGS__, {NULL, NULL, 0, NULL}}; \
    static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, #name, NULL, 0, methods, NULL, NULL, NULL, NULL}; \
    PyMODINIT_FUNC PyInit_##name(void) { return PyModuleDef_Init(&definition); }
