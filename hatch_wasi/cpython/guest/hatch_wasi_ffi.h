/* What the parts of libffi (ffi.c, ffi_types.c, ffi_closures.c) share. */
#ifndef HATCH_WASI_FFI_H
#define HATCH_WASI_FFI_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "ffi.h"

/* Engines take functions of so many parameters (WebAssembly's JavaScript interface, "Implementation limits"). */
#define PARAMETERS 1000
#define SIGNATURE_SIZE (PARAMETERS + 6) /* the last type read may be one or two too many */

/* A type of functions. There is one of each, for ever. */
struct hatch_wasi_signature {
    struct hatch_wasi_signature *next;
    struct hatch_wasi_thunk *free; /* functions of this type that are nobody's */
    uint32_t stub;                 /* table index of what calls such functions; 0: not made yet */
    unsigned parameters;
    char text[]; /* the result and the parameters: v, i, j, f, d for none, i32, i64, f32, f64 */
};

/* How a C type is passed. */
enum hatch_wasi_passing { NOTHING, SCALAR, PAIR, REFERENCE };

struct hatch_wasi_signature *hatch_wasi_signature(const char *text);
bool hatch_wasi_ffi_call(struct hatch_wasi_signature *signature, uintptr_t function, uint64_t *arguments,
                         uint64_t *result);
void hatch_wasi_ffi_fail(PyObject *kind, const char *format, ...);

const ffi_type *hatch_wasi_reduced(const ffi_type *type);
enum hatch_wasi_passing hatch_wasi_passing(const ffi_type *reduced);
void hatch_wasi_load(void *to, const ffi_type *scalar, const void *from);
size_t hatch_wasi_place(const ffi_type *reduced, size_t *end);
bool hatch_wasi_returns_memory(const ffi_cif *cif);

#endif
