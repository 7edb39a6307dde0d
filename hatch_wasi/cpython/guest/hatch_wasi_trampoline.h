/* Calls of C functions that were declared with other parameters than CPython passes. Native calling conventions forgive
   it, and extensions rely on that (METH_NOARGS functions with one parameter, getters without the closure); WebAssembly
   traps ("indirect call type mismatch"). The loader records the arity of each table slot; see struct hatch_wasi_dl.
   Included by pycore_emscripten_trampoline.h, whose macros it defines for WASI. */
#ifndef HATCH_WASI_TRAMPOLINE_H
#define HATCH_WASI_TRAMPOLINE_H

#include "hatch_wasi_dl.h"

#define HATCH_WASI_ARITY(parameters) ((parameters) | 1 << 4)

static inline unsigned
hatch_wasi_arity(uintptr_t slot)
{
    return slot < hatch_wasi_dl.arity_size ? ((const unsigned char *)(uintptr_t)hatch_wasi_dl.arity)[slot] : 0;
}

#define HATCH_WASI_CAST(function, ...) ((void *(*)(__VA_ARGS__))(uintptr_t)(function))

/* One result, up to three parameters that all are pointers; `natural` is how many the caller means to pass. */
static inline void *
hatch_wasi_call(uintptr_t function, int natural, void *a, void *b, void *c)
{
    unsigned arity = hatch_wasi_arity(function);
    if (arity == 0)
        arity = HATCH_WASI_ARITY(natural);
    switch (arity) {
    case HATCH_WASI_ARITY(0):
        return HATCH_WASI_CAST(function, void)();
    case HATCH_WASI_ARITY(1):
        return HATCH_WASI_CAST(function, void *)(a);
    case HATCH_WASI_ARITY(2):
        return HATCH_WASI_CAST(function, void *, void *)(a, b);
    default:
        return HATCH_WASI_CAST(function, void *, void *, void *)(a, b, c);
    }
}

#define _Py_EmscriptenTrampoline_Init(runtime)

#define _PyCFunction_TrampolineCall(meth, self, args) \
    ((PyObject *)hatch_wasi_call((uintptr_t)(meth), 2, (self), (args), NULL))

#define _PyCFunctionWithKeywords_TrampolineCall(meth, self, args, kw) \
    ((PyObject *)hatch_wasi_call((uintptr_t)(meth), 3, (self), (args), (kw)))

#define descr_set_trampoline_call(set, obj, value, closure) \
    ((int)(intptr_t)hatch_wasi_call((uintptr_t)(set), 3, (obj), (value), (closure)))

#define descr_get_trampoline_call(get, obj, closure) \
    ((PyObject *)hatch_wasi_call((uintptr_t)(get), 2, (obj), (closure), NULL))

#endif
