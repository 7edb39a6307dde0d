/* Heap types that take part in garbage collection, in a module with state of its own (multi-phase initialization). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

typedef struct {
    PyObject *node_type;
    PyObject *error;
    long alive;
} State;

typedef struct {
    PyObject_HEAD
    PyObject *next;
    PyObject *weakrefs;
} Node;

static struct PyModuleDef definition;

static State *
state_of(PyObject *self)
{
    return PyModule_GetState(PyType_GetModuleByDef(Py_TYPE(self), &definition));
}

static PyObject *
node_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *next = Py_None;
    static char *names[] = {"next", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Node", names, &next)) {
        return NULL;
    }
    Node *self = (Node *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->next = Py_NewRef(next);
        state_of((PyObject *)self)->alive++;
    }
    return (PyObject *)self;
}

static int
node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Node *)self)->next);
    return 0;
}

static int
node_clear(PyObject *self)
{
    Py_CLEAR(((Node *)self)->next);
    return 0;
}

static void
node_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((Node *)self)->weakrefs != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    state_of(self)->alive--;
    node_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
node_fail(PyObject *self, PyTypeObject *cls, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    State *state = PyType_GetModuleState(cls);
    return PyErr_Format(state->error, "%zd arguments to a %s", count, Py_TYPE(self)->tp_name);
}

static PyMemberDef node_members[] = {
    {"next", T_OBJECT, offsetof(Node, next), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weakrefs), READONLY, NULL},
    {NULL},
};
static PyMethodDef node_methods[] = {
    {"fail", (PyCFunction)(void (*)(void))node_fail, METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL}, {NULL},
};
static PyType_Slot node_slots[] = {
    {Py_tp_new, node_new}, {Py_tp_traverse, node_traverse}, {Py_tp_clear, node_clear}, {Py_tp_dealloc, node_dealloc},
    {Py_tp_members, node_members}, {Py_tp_methods, node_methods}, {0, NULL},
};
static PyType_Spec node_spec = {
    "craft._nodes.Node", sizeof(Node), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, node_slots,
};

static PyObject *
alive(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(((State *)PyModule_GetState(module))->alive);
}

static int
execute(PyObject *module)
{
    State *state = PyModule_GetState(module);
    state->node_type = PyType_FromModuleAndSpec(module, &node_spec, NULL);
    if (state->node_type == NULL || PyModule_AddType(module, (PyTypeObject *)state->node_type) < 0) {
        return -1;
    }
    state->error = PyErr_NewException("craft._nodes.NodeError", PyExc_LookupError, NULL);
    return PyModule_AddObjectRef(module, "NodeError", state->error);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    Py_VISIT(state->node_type);
    Py_VISIT(state->error);
    return 0;
}

static int
module_clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->node_type);
    Py_CLEAR(state->error);
    return 0;
}

static PyMethodDef methods[] = {{"alive", alive, METH_NOARGS, NULL}, {NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_nodes", .m_size = sizeof(State), .m_methods = methods, .m_slots = slots,
    .m_traverse = module_traverse, .m_clear = module_clear,
};

PyMODINIT_FUNC PyInit__nodes(void) { return PyModuleDef_Init(&definition); }
