/* setjmp and longjmp, and a longjmp over frames of python.wasm. */
#include <Python.h>
#include <setjmp.h>

static jmp_buf place;

static int fall(int depth)
{
    if (depth == 0)
        longjmp(place, 42);
    return fall(depth - 1) + 1;
}

static PyObject *jump(PyObject *self, PyObject *arguments)
{
    volatile int times = 0;
    int value = setjmp(place);
    times++;
    if (value == 0)
        return PyLong_FromLong(fall(100));
    return Py_BuildValue("ii", value, times);
}

static int order(const void *left, const void *right)
{
    longjmp(place, 0);
}

static PyObject *jump_out_of_qsort(PyObject *self, PyObject *arguments)
{
    int numbers[] = {3, 2, 1};
    int value = setjmp(place);
    if (value == 0)
        qsort(numbers, 3, sizeof(int), order);
    return PyLong_FromLong(value);
}

static PyObject *lost(PyObject *self, PyObject *arguments)
{
    longjmp(place, 1);
}

static PyMethodDef methods[] = {
    {"jump", jump, METH_NOARGS},
    {"jump_out_of_qsort", jump_out_of_qsort, METH_NOARGS},
    {"lost", lost, METH_NOARGS},
    {NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_jumps", NULL, 0, methods};
PyMODINIT_FUNC PyInit__jumps(void) { return PyModuleDef_Init(&definition); }
