/* The buffer protocol from both sides: a type that exports two dimensions of doubles, and a function that reads any. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    double values[6];
    Py_ssize_t shape[2], strides[2];
    int exports;
} Grid;

static PyObject *
grid_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Grid *self = (Grid *)type->tp_alloc(type, 0);
    if (self != NULL) {
        for (int i = 0; i < 6; i++) {
            self->values[i] = i + 0.5;
        }
        self->shape[0] = 2, self->shape[1] = 3;
        self->strides[0] = 3 * sizeof(double), self->strides[1] = sizeof(double);
    }
    return (PyObject *)self;
}

static void
grid_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
grid_get(PyObject *object, Py_buffer *view, int flags)
{
    Grid *self = (Grid *)object;
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES && (flags & PyBUF_ND) != PyBUF_ND && flags & PyBUF_F_CONTIGUOUS) {
        PyErr_SetString(PyExc_BufferError, "rows only");
        return -1;
    }
    *view = (Py_buffer){
        .buf = self->values, .obj = Py_NewRef(object), .len = sizeof self->values, .itemsize = sizeof(double),
        .format = flags & PyBUF_FORMAT ? "d" : NULL, .ndim = 2, .shape = self->shape, .strides = self->strides,
    };
    self->exports++;
    return 0;
}

static void
grid_release(PyObject *object, Py_buffer *view)
{
    ((Grid *)object)->exports--;
}

static PyObject *
grid_exports(PyObject *self, PyObject *unused)
{
    return PyLong_FromLong(((Grid *)self)->exports);
}

static PyMethodDef grid_methods[] = {{"exports", grid_exports, METH_NOARGS, NULL}, {NULL}};
static PyType_Slot grid_slots[] = {
    {Py_tp_new, grid_new}, {Py_tp_dealloc, grid_dealloc}, {Py_bf_getbuffer, grid_get},
    {Py_bf_releasebuffer, grid_release}, {Py_tp_methods, grid_methods}, {0, NULL},
};
static PyType_Spec grid_spec = {"craft._grid.Grid", sizeof(Grid), 0, Py_TPFLAGS_DEFAULT, grid_slots};

static PyObject *
total(PyObject *module, PyObject *object)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_CONTIG_RO) < 0) {
        return NULL;
    }
    unsigned long sum = 0;
    for (Py_ssize_t i = 0; i < view.len; i++) {
        sum += ((unsigned char *)view.buf)[i];
    }
    PyBuffer_Release(&view);
    return PyLong_FromUnsignedLong(sum);
}

static int
execute(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &grid_spec, NULL);
    int status = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return status;
}

static PyMethodDef methods[] = {{"total", total, METH_O, NULL}, {NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_grid", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__grid(void) { return PyModuleDef_Init(&definition); }
