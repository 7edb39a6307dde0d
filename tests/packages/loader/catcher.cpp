// Catches what thrower.so throws: only if both have the same tag.
#include "module.h"

extern "C" {
void throw_number(int *);
void *__cxa_begin_catch(void *exception) { return exception; }
void __cxa_end_catch() {}
int __gxx_personality_wasm0(...) { return 0; }
}

static int value = 3;

static PyObject *look(PyObject *, PyObject *)
{
    int caught = 0;
    try {
        throw_number(&value);
    } catch (...) {
        caught = value + 1;
    }
    return PyLong_FromLong(caught);
}

static PyObject *escape(PyObject *, PyObject *)
{
    throw_number(&value);
    return nullptr;
}

static PyMethodDef methods[] = {NOARGS(look), NOARGS(escape), {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "catcher", nullptr, 0, methods};
PyMODINIT_FUNC PyInit_catcher() { return PyModuleDef_Init(&definition); }
