/* A module whose definition holds functions of other types than it should. */
#include <Python.h>

static PyObject *kept;

static void clear(PyObject *module) { Py_CLEAR(kept); }
static int traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(kept);
    return 0;
}
static int release(PyObject *module, void *more)
{
    clear(module);
    puts("released");
    return 0;
}
static PyObject *keep(PyObject *module, PyObject *what)
{
    Py_XSETREF(kept, Py_NewRef(what));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"keep", keep, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "slots", NULL, 8, methods, NULL, traverse,
    (inquiry)(void *)clear, (freefunc)(void *)release};

PyMODINIT_FUNC PyInit_slots(void) { return PyModuleDef_Init(&definition); }
