/* libffi for WASI (ffi.h). A call needs code that pushes values of the right types, and a function made at run time needs
   code of its own: neither can be made inside WebAssembly, so the embedder makes both (struct hatch_wasi_dl: `call`,
   `closure`), once for each type. All else is here: how C's types become WebAssembly's
   (https://github.com/WebAssembly/tool-conventions/blob/main/BasicCABI.md), and where the values are. */
#define HATCH_WASI_FFI_PLAIN
#include <Python.h>

#include <stdbool.h>

#include "ffi.h"
#include "hatch_wasi_dl.h"
#include "hatch_wasi_ffi.h"

/* Values for a function, in 8 bytes each. */
typedef uint64_t value;

typedef uint32_t call_stub(uint32_t function, const value *arguments, value *result);

enum { BUCKETS = 256, REMEMBERED = 64 };

static struct hatch_wasi_signature *signatures[BUCKETS];

struct hatch_wasi_signature *hatch_wasi_signature(const char *text)
{
    uint32_t hash = 2166136261u;
    for (const char *at = text; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    struct hatch_wasi_signature **place = &signatures[(hash ^ hash >> 8) % BUCKETS];
    for (struct hatch_wasi_signature *known = *place; known; known = known->next)
        if (strcmp(known->text, text) == 0)
            return known;
    struct hatch_wasi_signature *made = calloc(1, sizeof *made + strlen(text) + 1);
    if (made) {
        strcpy(made->text, text);
        made->parameters = (unsigned)strlen(text) - 1;
        made->next = *place;
        *place = made;
    }
    return made;
}

void hatch_wasi_ffi_fail(PyObject *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!Py_IsInitialized()) {
        fputs("ffi_call: impossible, and there is no Python to tell\n", stderr);
        abort();
    }
    /* Callers have given up the interpreter's lock, as for any C function. */
    PyGILState_STATE state = PyGILState_Ensure();
    if (!PyErr_Occurred())
        PyErr_FormatV(kind, format, arguments);
    PyGILState_Release(state);
    va_end(arguments);
}

static call_stub *stub_of(struct hatch_wasi_signature *signature)
{
    if (!signature->stub && hatch_wasi_dl.call)
        signature->stub = ((uint32_t(*)(const char *))(uintptr_t)hatch_wasi_dl.call)(signature->text);
    return (call_stub *)(uintptr_t)signature->stub;
}

/* Say what a signature means to a person: `(i32, f64) -> i32`. */
static const char *render(const char *text, char *buffer, size_t size)
{
    static const char *const names[] = {['i'] = "i32", ['j'] = "i64", ['f'] = "f32", ['d'] = "f64"};
    size_t end = (size_t)snprintf(buffer, size, "(");
    for (const char *at = text + 1; *at && end + 24 < size; at++)
        end += (size_t)snprintf(buffer + end, size - end, "%s%s", at == text + 1 ? "" : ", ", names[(int)*at]);
    snprintf(buffer + end, size - end, *text == 'v' ? ")" : ") -> %s", names[(int)*text]);
    return buffer;
}

static bool describe(uintptr_t function, char *buffer, size_t size)
{
    typedef uint32_t work(uintptr_t, char *, size_t);
    return hatch_wasi_dl.describe && ((work *)(uintptr_t)hatch_wasi_dl.describe)(function, buffer, size);
}

/* What native calling conventions forgive, and callers rely on: a result that is ignored, or wanted where there is none,
   more arguments than there are parameters, and a variadic function without variadic arguments, which wants a null
   pointer here. Gives the function's own signature if these are the only differences. */
static bool forgives(const char *own, const char *called)
{
    size_t shared = 1;
    while (own[shared] && own[shared] == called[shared])
        shared++;
    bool fits = !own[shared] || (!called[shared] && strcmp(own + shared, "i") == 0);
    return fits && (*own == *called || *own == 'v' || *called == 'v');
}

static struct hatch_wasi_signature *own_signature(struct hatch_wasi_signature *called, uintptr_t function, bool again)
{
    static struct {
        uintptr_t function;
        struct hatch_wasi_signature *called, *own;
    } remembered[REMEMBERED], *place;
    place = &remembered[(function ^ (uintptr_t)called >> 4) % REMEMBERED];
    if (!again && place->function == function && place->called == called)
        return place->own;
    char text[SIGNATURE_SIZE];
    if (!describe(function, text, sizeof text) || !forgives(text, called->text))
        return NULL;
    struct hatch_wasi_signature *own = hatch_wasi_signature(text);
    if (own) {
        place->function = function;
        place->called = called;
        place->own = own;
    }
    return own;
}

static void tell_mismatch(struct hatch_wasi_signature *called, uintptr_t function)
{
    char text[SIGNATURE_SIZE], is[256], was[256];
    if (!describe(function, text, sizeof text))
        hatch_wasi_ffi_fail(PyExc_ValueError, "there is no C function at %p", (void *)function);
    else
        hatch_wasi_ffi_fail(PyExc_TypeError,
                            "the C function at %p is %s in WebAssembly, and was called as %s: declare its parameters and "
                            "its result as in C (in ctypes: argtypes and restype)",
                            (void *)function, render(text, is, sizeof is), render(called->text, was, sizeof was));
}

/* `arguments` has room for one more than the signature has. */
bool hatch_wasi_ffi_call(struct hatch_wasi_signature *signature, uintptr_t function, value *arguments, value *result)
{
    call_stub *stub = stub_of(signature);
    if (!stub) {
        if (hatch_wasi_dl.call)
            hatch_wasi_ffi_fail(PyExc_RuntimeError, "C functions with %u parameters cannot be called",
                                signature->parameters);
        else
            hatch_wasi_ffi_fail(PyExc_RuntimeError,
                                "this runtime cannot call C functions from Python; run it by `hatch-wasi run`");
        return false;
    }
    if (stub((uint32_t)function, arguments, result))
        return true;
    arguments[signature->parameters] = 0;
    /* Again, for a slot may have got another function since. */
    for (int again = 0; again < 2; again++) {
        struct hatch_wasi_signature *own = own_signature(signature, function, again);
        if (own && (stub = stub_of(own)) && stub((uint32_t)function, arguments, result))
            return true;
    }
    tell_mismatch(signature, function);
    return false;
}
