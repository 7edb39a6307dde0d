/* The edit distance of _pure.py, in C. Nothing here knows about WASI: this is how any extension module is written. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A string's characters: 1, 2 or 4 bytes wide each. */
typedef struct {
    int kind;
    const void *data;
    Py_ssize_t length;
} Text;

static Py_UCS4
character(const Text *text, Py_ssize_t index)
{
    return PyUnicode_READ(text->kind, text->data, index);
}

static int
text_from(PyObject *object, Text *text)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "distance() takes strings, not %s", Py_TYPE(object)->tp_name);
        return -1;
    }
    text->kind = PyUnicode_KIND(object);
    text->data = PyUnicode_DATA(object);
    text->length = PyUnicode_GET_LENGTH(object);
    return 0;
}

/* Fill row, of b->length + 1 numbers, for each character of a in turn; its last number is the distance. */
static Py_ssize_t
measure(const Text *a, const Text *b, Py_ssize_t *row)
{
    for (Py_ssize_t j = 0; j <= b->length; j++) {
        row[j] = j;
    }
    for (Py_ssize_t i = 0; i < a->length; i++) {
        Py_UCS4 x = character(a, i);
        Py_ssize_t diagonal = i, left = i + 1;
        row[0] = left;
        for (Py_ssize_t j = 0; j < b->length; j++) {
            Py_ssize_t above = row[j + 1];
            Py_ssize_t best = diagonal + (x != character(b, j));
            if (above + 1 < best) {
                best = above + 1;
            }
            if (left + 1 < best) {
                best = left + 1;
            }
            diagonal = above;
            row[j + 1] = left = best;
        }
    }
    return row[b->length];
}

static PyObject *
distance(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Text a, b;
    if (count != 2) {
        return PyErr_Format(PyExc_TypeError, "distance() takes 2 strings, not %zd", count);
    }
    if (text_from(args[0], &a) < 0 || text_from(args[1], &b) < 0) {
        return NULL;
    }
    Py_ssize_t *row = PyMem_New(Py_ssize_t, b.length + 1);
    if (row == NULL) {
        return PyErr_NoMemory();
    }
    Py_ssize_t result = measure(&a, &b, row);
    PyMem_Free(row);
    return PyLong_FromSsize_t(result);
}

PyDoc_STRVAR(distance_doc,
"distance($module, a, b, /)\n--\n\n"
"Count the characters to insert, remove or replace to get from a to b.");

static PyMethodDef methods[] = {
    {"distance", _PyCFunction_CAST(distance), METH_FASTCALL, distance_doc},
    {NULL, NULL, 0, NULL},
};

/* Nothing to execute: the module has functions and no state. */
static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "example_project._speedups",
    .m_doc = "The edit distance in C.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__speedups(void)
{
    return PyModuleDef_Init(&definition);
}
