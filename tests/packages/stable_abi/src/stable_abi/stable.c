#include <Python.h>

#if Py_LIMITED_API != 0x030b0000
#error "py-limited-api was not passed on"
#endif

static PyObject *
reversed_bytes(PyObject *module, PyObject *object)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, view.len);
    if (result != NULL) {
        char *out = PyBytes_AsString(result);
        for (Py_ssize_t i = 0; i < view.len; i++) {
            out[i] = ((char *)view.buf)[view.len - 1 - i];
        }
    }
    PyBuffer_Release(&view);
    return result;
}

static PyMethodDef methods[] = {{"reversed_bytes", reversed_bytes, METH_O, NULL}, {NULL}};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_stable", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__stable(void) { return PyModuleDef_Init(&definition); }
