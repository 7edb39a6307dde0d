/* Functions declared with fewer parameters than CPython passes, as many extensions have them. */
#include "module.h"

typedef struct {
    PyObject_HEAD
    int value;
} Box;

static PyObject *none_taken(void) { return PyLong_FromLong(100); }
static PyObject *one_taken(PyObject *self) { return PyLong_FromLong(101); }
static PyObject *keywords_ignored(PyObject *self, PyObject *arguments) { return Py_NewRef(arguments); }
static PyObject *get_value(Box *self) { return PyLong_FromLong(self->value); }
static int set_value(Box *self, PyObject *value)
{
    self->value = (int)PyLong_AsLong(value);
    return PyErr_Occurred() ? -1 : 0;
}
static PyObject *proper(PyObject *self, PyObject *ignored) { return Py_NewRef(ignored ? Py_False : Py_True); }

static PyGetSetDef accessors[] = {{"value", (getter)(void *)get_value, (setter)(void *)set_value, NULL, NULL}, {NULL}};
static PyType_Slot slots[] = {{Py_tp_getset, accessors}, {0, NULL}};
static PyType_Spec specification = {"arity.Box", sizeof(Box), 0, Py_TPFLAGS_DEFAULT, slots};

FUNCTION(box) { return PyType_FromSpec(&specification); }

MODULE(arity, {"none_taken", (PyCFunction)(void *)none_taken, METH_NOARGS, NULL},
       {"one_taken", (PyCFunction)(void *)one_taken, METH_NOARGS, NULL},
       {"keywords_ignored", (PyCFunction)(void *)keywords_ignored, METH_VARARGS | METH_KEYWORDS, NULL}, NOARGS(proper),
       NOARGS(box))
