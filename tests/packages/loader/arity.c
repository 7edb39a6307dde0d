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

/* A type all of whose functions are of other types than its slots'. */
typedef struct {
    PyObject_HEAD
    PyObject *inside;
} Odd;

static void odd_clear(Odd *self) { Py_CLEAR(self->inside); }
static int odd_traverse(Odd *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->inside);
    return 0;
}
static PyObject *odd_dealloc(Odd *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    odd_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
    return NULL;
}
static int odd_init(Odd *self, PyObject *arguments)
{
    self->inside = Py_NewRef(PyTuple_GET_ITEM(arguments, 0));
    return 0;
}
static PyObject *odd_call(Odd *self) { return Py_NewRef(self->inside); }
static Py_ssize_t odd_length(void) { return 7; }
static PyObject *odd_power(PyObject *self, PyObject *other) { return Py_NewRef(other); }
static PyObject *odd_negative(PyObject *self, void *more, void *and_more) { return Py_NewRef(Py_Ellipsis); }

static PyType_Slot odd_slots[] = {{Py_tp_clear, odd_clear}, {Py_tp_traverse, odd_traverse},
    {Py_tp_dealloc, odd_dealloc}, {Py_tp_init, odd_init}, {Py_tp_call, odd_call}, {Py_sq_length, odd_length},
    {Py_nb_power, odd_power}, {Py_nb_negative, odd_negative}, {0, NULL}};
static PyType_Spec odd_specification = {"arity.Odd", sizeof(Odd), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, odd_slots};

FUNCTION(odd) { return PyType_FromSpec(&odd_specification); }

FUNCTION(box) { return PyType_FromSpec(&specification); }

MODULE(arity, {"none_taken", (PyCFunction)(void *)none_taken, METH_NOARGS, NULL},
       {"one_taken", (PyCFunction)(void *)one_taken, METH_NOARGS, NULL},
       {"keywords_ignored", (PyCFunction)(void *)keywords_ignored, METH_VARARGS | METH_KEYWORDS, NULL}, NOARGS(proper),
       NOARGS(box), NOARGS(odd))
