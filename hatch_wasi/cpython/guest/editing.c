/* Lines that are typed on a terminal are edited by the embedder, which has a library for that. input() and the prompt
   call PyOS_ReadlineFunctionPointer; what a line needs of Python (completion, history, hooks) is in
   _hatch_wasi_readline.py, and reaches the embedder by `ask`. */
#define PY_SSIZE_T_CLEAN
#include "Python.h"

#include <stdio.h>
#include <string.h>

#include "hatch_wasi_dl.h"

typedef int32_t edit_function(int32_t operation, const void *data, size_t size);

extern char *PyOS_StdioReadline(FILE *in, FILE *out, const char *prompt);

enum { FETCH = 0 };

static PyObject *ask(PyObject *module, PyObject *arguments)
{
    int operation;
    const char *data;
    Py_ssize_t size;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "iy#", &operation, &data, &size))
        return NULL;
    if (!hatch_wasi_dl.edit)
        Py_RETURN_NONE;
    edit_function *edit = (edit_function *)(uintptr_t)hatch_wasi_dl.edit;
    int32_t length = edit(operation, data, (size_t)size);
    if (length < 0)
        Py_RETURN_NONE;
    PyObject *reply = PyBytes_FromStringAndSize(NULL, length);
    if (reply && length && edit(FETCH, PyBytes_AS_STRING(reply), (size_t)length) != length) {
        Py_DECREF(reply);
        PyErr_SetString(PyExc_RuntimeError, "the program that runs this one gave no answer");
        return NULL;
    }
    return reply;
}

static char *copy(PyObject *line)
{
    char *made = NULL;
    if (line && PyBytes_Check(line)) {
        size_t size = (size_t)PyBytes_GET_SIZE(line) + 1;
        made = PyMem_RawMalloc(size);
        if (made)
            memcpy(made, PyBytes_AS_STRING(line), size);
    }
    return made;
}

/* Gives the line with its end, an empty one at the end of input, and NULL, with an exception, if it was interrupted. */
static char *read_line(FILE *in, FILE *out, const char *prompt)
{
    if (!hatch_wasi_dl.edit || fileno(in) != 0 || fileno(out) != 1)
        return PyOS_StdioReadline(in, out, prompt);
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *module = PyImport_ImportModule("_hatch_wasi_readline");
    PyObject *line = module ? PyObject_CallMethod(module, "read_line", "y", prompt ? prompt : "") : NULL;
    char *made = copy(line);
    int is_interrupted = !line && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
    if (is_interrupted) {
        /* As from a function in C: the prompt shows no traceback then, and input() its caller's alone. */
        PyObject *error = PyErr_GetRaisedException();
        PyException_SetTraceback(error, Py_None);
        PyErr_SetRaisedException(error);
    } else if (!line) {
        PyErr_Clear();
    }
    Py_XDECREF(line);
    Py_XDECREF(module);
    PyGILState_Release(state);
    return made || is_interrupted ? made : PyOS_StdioReadline(in, out, prompt);
}

static PyMethodDef methods[] = {
    {"ask", ask, METH_VARARGS, "ask(operation, data) -> the embedder's answer, or None if it does not edit lines"},
    {0},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_hatch_wasi_edit", .m_methods = methods};

static PyObject *create(void)
{
    return PyModule_Create(&definition);
}

__attribute__((constructor)) static void install(void)
{
    PyOS_ReadlineFunctionPointer = read_line;
    PyImport_AppendInittab("_hatch_wasi_edit", create);
}
