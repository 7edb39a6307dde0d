/* libffi's interface (its documentation, "The Basics" to "The Closure API") for the one C ABI of WASI: calls of functions
   whose types are known at run time only, and functions made then. Not libffi's code: ffi.c beside this is all of it.
   python.wasm has it, so there is nothing to link. */
#ifndef LIBFFI_H
#define LIBFFI_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "ffitarget.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _ffi_type {
    size_t size;
    unsigned short alignment;
    unsigned short type;
    struct _ffi_type **elements;
} ffi_type;

#define FFI_TYPE_VOID 0
#define FFI_TYPE_INT 1
#define FFI_TYPE_FLOAT 2
#define FFI_TYPE_DOUBLE 3
#define FFI_TYPE_LONGDOUBLE 4
#define FFI_TYPE_UINT8 5
#define FFI_TYPE_SINT8 6
#define FFI_TYPE_UINT16 7
#define FFI_TYPE_SINT16 8
#define FFI_TYPE_UINT32 9
#define FFI_TYPE_SINT32 10
#define FFI_TYPE_UINT64 11
#define FFI_TYPE_SINT64 12
#define FFI_TYPE_STRUCT 13
#define FFI_TYPE_POINTER 14
#define FFI_TYPE_COMPLEX 15
#define FFI_TYPE_LAST FFI_TYPE_COMPLEX

extern ffi_type ffi_type_void, ffi_type_uint8, ffi_type_sint8, ffi_type_uint16, ffi_type_sint16, ffi_type_uint32,
    ffi_type_sint32, ffi_type_uint64, ffi_type_sint64, ffi_type_float, ffi_type_double, ffi_type_longdouble,
    ffi_type_pointer, ffi_type_complex_float, ffi_type_complex_double, ffi_type_complex_longdouble;

#define ffi_type_uchar ffi_type_uint8
#define ffi_type_schar ffi_type_sint8
#define ffi_type_ushort ffi_type_uint16
#define ffi_type_sshort ffi_type_sint16
#define ffi_type_uint ffi_type_uint32
#define ffi_type_sint ffi_type_sint32
#define ffi_type_ulong ffi_type_uint32
#define ffi_type_slong ffi_type_sint32

typedef enum { FFI_OK = 0, FFI_BAD_TYPEDEF, FFI_BAD_ABI, FFI_BAD_ARGTYPE } ffi_status;

struct hatch_wasi_signature;
struct hatch_wasi_thunk;

typedef struct {
    ffi_abi abi;
    unsigned nargs;
    ffi_type **arg_types;
    ffi_type *rtype;
    unsigned bytes;
    unsigned flags;
    unsigned nfixedargs;
    struct hatch_wasi_signature *signature;
} ffi_cif;

typedef struct {
    void *code;
    struct hatch_wasi_thunk *thunk;
    ffi_cif *cif;
    void (*fun)(ffi_cif *, void *, void **, void *);
    void *user_data;
} ffi_closure;

ffi_status ffi_prep_cif(ffi_cif *cif, ffi_abi abi, unsigned int nargs, ffi_type *rtype, ffi_type **atypes);
ffi_status ffi_prep_cif_var(ffi_cif *cif, ffi_abi abi, unsigned int nfixedargs, unsigned int ntotalargs,
                            ffi_type *rtype, ffi_type **atypes);

/* Where the function is not of the type that the cif says, nothing is called, a Python exception is set, and the result
   is zero. A result that there is not, or that nobody wants, too many arguments, and a variadic function that is called
   without variadic arguments are no reason. */
void ffi_call(ffi_cif *cif, void (*function)(void), void *rvalue, void **avalue);

ffi_status ffi_get_struct_offsets(ffi_abi abi, ffi_type *struct_type, size_t *offsets);

/* NULL on engines without hatch-wasi's loader: a function cannot be made inside WebAssembly. */
void *ffi_closure_alloc(size_t size, void **code);
void ffi_closure_free(void *closure);
ffi_status ffi_prep_closure_loc(ffi_closure *closure, ffi_cif *cif,
                                void (*fun)(ffi_cif *cif, void *ret, void **args, void *user_data), void *user_data,
                                void *codeloc);
/* Deprecated by libffi: for memory that is executable where it is, which there is none of. FFI_BAD_ABI. */
ffi_status ffi_prep_closure(ffi_closure *closure, ffi_cif *cif,
                            void (*fun)(ffi_cif *cif, void *ret, void **args, void *user_data), void *user_data);

const char *ffi_get_version(void);
unsigned long ffi_get_version_number(void);
unsigned int ffi_get_default_abi(void);
size_t ffi_get_closure_size(void);

#define FFI_VERSION_STRING "3.4.6"
#define FFI_VERSION_NUMBER 30406

#define FFI_FN(function) ((void (*)(void))(function))

#ifdef __cplusplus
}
#endif
#endif
