/* libffi for WASI: C's types, and calls (see ffi.c). */
#define HATCH_WASI_FFI_PLAIN
#include "hatch_wasi_ffi.h"

#include <alloca.h>
#include <complex.h>
#include <stdalign.h>

#define TYPE(name, c_type, kind) \
    ffi_type ffi_type_##name = {sizeof(c_type), alignof(c_type), FFI_TYPE_##kind, NULL}
#define COMPLEX(name, c_type)                                            \
    static ffi_type *const part_of_##name[] = {&ffi_type_##name, NULL}; \
    ffi_type ffi_type_complex_##name = {sizeof(c_type), alignof(c_type), FFI_TYPE_COMPLEX, (ffi_type **)part_of_##name}

ffi_type ffi_type_void = {1, 1, FFI_TYPE_VOID, NULL};
TYPE(uint8, uint8_t, UINT8);
TYPE(sint8, int8_t, SINT8);
TYPE(uint16, uint16_t, UINT16);
TYPE(sint16, int16_t, SINT16);
TYPE(uint32, uint32_t, UINT32);
TYPE(sint32, int32_t, SINT32);
TYPE(uint64, uint64_t, UINT64);
TYPE(sint64, int64_t, SINT64);
TYPE(float, float, FLOAT);
TYPE(double, double, DOUBLE);
TYPE(longdouble, long double, LONGDOUBLE);
TYPE(pointer, void *, POINTER);
COMPLEX(float, float _Complex);
COMPLEX(double, double _Complex);
COMPLEX(longdouble, long double _Complex);

static size_t aligned(size_t offset, size_t alignment)
{
    return alignment > 1 ? (offset + alignment - 1) / alignment * alignment : offset;
}

static bool is_empty(const ffi_type *type)
{
    if (type->type != FFI_TYPE_STRUCT)
        return false;
    for (ffi_type **element = type->elements; element && *element; element++)
        if (!is_empty(*element))
            return false;
    return true;
}

/* A structure or union that holds one scalar and nothing else is passed as that scalar; an empty one is not passed, which
   `ffi_type_void` says. */
const ffi_type *hatch_wasi_reduced(const ffi_type *type)
{
    while (type->type == FFI_TYPE_STRUCT) {
        const ffi_type *only = NULL;
        for (ffi_type **element = type->elements; element && *element; element++) {
            if (is_empty(*element))
                continue;
            if (only)
                return type;
            only = *element;
        }
        if (!only)
            return type->size ? type : &ffi_type_void;
        if (only->size != type->size)
            return type;
        type = only;
    }
    return type;
}

enum hatch_wasi_passing hatch_wasi_passing(const ffi_type *reduced)
{
    switch (reduced->type) {
    case FFI_TYPE_VOID:
        return NOTHING;
    case FFI_TYPE_LONGDOUBLE:
        return PAIR;
    case FFI_TYPE_STRUCT:
    case FFI_TYPE_COMPLEX:
        return REFERENCE;
    default:
        return SCALAR;
    }
}

/* Copy a scalar as its type in WebAssembly has it: 4 or 8 bytes, small integers extended. */
void hatch_wasi_load(void *to, const ffi_type *scalar, const void *from)
{
    switch (scalar->type) {
    case FFI_TYPE_UINT8:
        *(uint32_t *)to = *(const uint8_t *)from;
        break;
    case FFI_TYPE_SINT8:
        *(int32_t *)to = *(const int8_t *)from;
        break;
    case FFI_TYPE_UINT16:
        *(uint32_t *)to = *(const uint16_t *)from;
        break;
    case FFI_TYPE_SINT16:
        *(int32_t *)to = *(const int16_t *)from;
        break;
    case FFI_TYPE_DOUBLE:
    case FFI_TYPE_UINT64:
    case FFI_TYPE_SINT64:
        memmove(to, from, 8);
        break;
    default:
        memmove(to, from, 4);
    }
}

/* Find the next place in a buffer of variadic arguments, as clang lays it out. */
size_t hatch_wasi_place(const ffi_type *reduced, size_t *end)
{
    enum hatch_wasi_passing passing = hatch_wasi_passing(reduced);
    if (passing == NOTHING)
        return *end;
    bool is_small = passing == REFERENCE || reduced->size < 4;
    size_t place = aligned(*end, is_small || reduced->alignment < 4 ? 4 : reduced->alignment);
    *end = place + (is_small ? 4 : reduced->size);
    return place;
}

bool hatch_wasi_returns_memory(const ffi_cif *cif)
{
    enum hatch_wasi_passing passing = hatch_wasi_passing(hatch_wasi_reduced(cif->rtype));
    return passing == PAIR || passing == REFERENCE;
}

/* Lay out a structure whose size is not known yet (libffi, "Structures"); `offsets` may be NULL. */
static bool lay_out(ffi_type *type, size_t *offsets, unsigned depth)
{
    size_t size = 0;
    unsigned short alignment = 1;
    if (type->type != FFI_TYPE_STRUCT || !type->elements || depth > 64)
        return false;
    for (ffi_type **element = type->elements; *element; element++) {
        if ((*element)->type == FFI_TYPE_STRUCT && (*element)->size == 0 && !lay_out(*element, NULL, depth + 1))
            return false;
        size = aligned(size, (*element)->alignment);
        if (offsets)
            *offsets++ = size;
        size += (*element)->size;
        alignment = (*element)->alignment > alignment ? (*element)->alignment : alignment;
    }
    type->alignment = alignment;
    type->size = aligned(size, alignment);
    return true;
}

ffi_status ffi_get_struct_offsets(ffi_abi abi, ffi_type *struct_type, size_t *offsets)
{
    if (abi <= FFI_FIRST_ABI || abi >= FFI_LAST_ABI)
        return FFI_BAD_ABI;
    return lay_out(struct_type, offsets, 0) ? FFI_OK : FFI_BAD_TYPEDEF;
}

static bool is_known(ffi_type *type)
{
    if (!type || type->type > FFI_TYPE_LAST)
        return false;
    return type->type != FFI_TYPE_STRUCT || type->size || lay_out(type, NULL, 0);
}

static char letter(const ffi_type *scalar)
{
    switch (scalar->type) {
    case FFI_TYPE_FLOAT:
        return 'f';
    case FFI_TYPE_DOUBLE:
        return 'd';
    case FFI_TYPE_UINT64:
    case FFI_TYPE_SINT64:
        return 'j';
    default:
        return 'i';
    }
}

static ffi_status prepare(ffi_cif *cif, bool is_variadic)
{
    char text[SIGNATURE_SIZE], *end = text + 1;
    const char *limit = text + 1 + PARAMETERS;
    if (cif->abi <= FFI_FIRST_ABI || cif->abi >= FFI_LAST_ABI)
        return FFI_BAD_ABI;
    if (!is_known(cif->rtype))
        return FFI_BAD_TYPEDEF;
    const ffi_type *result = hatch_wasi_reduced(cif->rtype);
    text[0] = hatch_wasi_passing(result) == SCALAR ? letter(result) : 'v';
    if (hatch_wasi_returns_memory(cif))
        *end++ = 'i';
    for (unsigned index = 0; index < cif->nargs; index++) {
        ffi_type *type = cif->arg_types[index];
        if (!is_known(type) || type->type == FFI_TYPE_VOID || end > limit)
            return FFI_BAD_TYPEDEF;
        if (index >= cif->nfixedargs) {
            /* C promotes these, and libffi asks its callers to. */
            if (type->type == FFI_TYPE_FLOAT || (type->type != FFI_TYPE_STRUCT && type->size < sizeof(int)))
                return FFI_BAD_ARGTYPE;
            continue;
        }
        const ffi_type *reduced = hatch_wasi_reduced(type);
        switch (hatch_wasi_passing(reduced)) {
        case NOTHING:
            break;
        case PAIR:
            *end++ = 'j';
            *end++ = 'j';
            break;
        case REFERENCE:
            *end++ = 'i';
            break;
        case SCALAR:
            *end++ = letter(reduced);
        }
    }
    if (is_variadic)
        *end++ = 'i';
    if (end > limit)
        return FFI_BAD_TYPEDEF;
    *end = '\0';
    cif->bytes = 0;
    cif->flags = is_variadic;
    cif->signature = hatch_wasi_signature(text);
    return cif->signature ? FFI_OK : FFI_BAD_TYPEDEF;
}

ffi_status ffi_prep_cif(ffi_cif *cif, ffi_abi abi, unsigned int nargs, ffi_type *rtype, ffi_type **atypes)
{
    *cif = (ffi_cif){.abi = abi, .nargs = nargs, .nfixedargs = nargs, .arg_types = atypes, .rtype = rtype};
    return prepare(cif, false);
}

ffi_status ffi_prep_cif_var(ffi_cif *cif, ffi_abi abi, unsigned int nfixedargs, unsigned int ntotalargs,
                            ffi_type *rtype, ffi_type **atypes)
{
    if (nfixedargs > ntotalargs)
        return FFI_BAD_TYPEDEF;
    *cif = (ffi_cif){.abi = abi, .nargs = ntotalargs, .nfixedargs = nfixedargs, .arg_types = atypes, .rtype = rtype};
    return prepare(cif, true);
}

/* What is passed by reference belongs to the function that is called: it gets a copy, in the caller's frame. */
#define COPY(type, from) \
    memcpy((void *)aligned((uintptr_t)alloca((type)->size + (type)->alignment), (type)->alignment), from, (type)->size)

void ffi_call(ffi_cif *cif, void (*function)(void), void *rvalue, void **avalue)
{
    const ffi_type *result = hatch_wasi_reduced(cif->rtype);
    uint64_t *values = alloca((cif->signature->parameters + 1) * sizeof *values), *next = values, raw = 0;
    bool returns_memory = hatch_wasi_returns_memory(cif);
    if (returns_memory) {
        rvalue = rvalue ? rvalue : alloca(result->size);
        *next++ = (uintptr_t)rvalue;
    }
    size_t extra = 0;
    for (unsigned index = cif->nfixedargs; index < cif->nargs; index++)
        hatch_wasi_place(hatch_wasi_reduced(cif->arg_types[index]), &extra);
    char *buffer = extra ? (char *)aligned((uintptr_t)alloca(extra + 16), 16) : NULL;
    extra = 0;
    for (unsigned index = 0; index < cif->nargs; index++) {
        const ffi_type *type = hatch_wasi_reduced(cif->arg_types[index]);
        enum hatch_wasi_passing passing = hatch_wasi_passing(type);
        if (passing == NOTHING)
            continue;
        void *place = next;
        if (index >= cif->nfixedargs)
            place = buffer + hatch_wasi_place(type, &extra);
        else
            next += passing == PAIR ? 2 : 1;
        if (passing == PAIR)
            memcpy(place, avalue[index], 16);
        else if (passing == REFERENCE)
            *(uint32_t *)place = (uintptr_t)COPY(type, avalue[index]);
        else
            hatch_wasi_load(place, type, avalue[index]);
    }
    if (cif->flags)
        *next = (uintptr_t)buffer;
    bool has_result = hatch_wasi_ffi_call(cif->signature, (uintptr_t)function, values, &raw);
    if (!rvalue || hatch_wasi_passing(result) == NOTHING)
        return;
    if (returns_memory) {
        if (!has_result)
            memset(rvalue, 0, result->size);
    } else if (cif->rtype->type == FFI_TYPE_STRUCT) {
        memcpy(rvalue, &raw, cif->rtype->size);
    } else {
        hatch_wasi_load(rvalue, result, &raw);
    }
}

const char *ffi_get_version(void)
{
    return FFI_VERSION_STRING;
}

unsigned long ffi_get_version_number(void)
{
    return FFI_VERSION_NUMBER;
}

unsigned int ffi_get_default_abi(void)
{
    return FFI_DEFAULT_ABI;
}

size_t ffi_get_closure_size(void)
{
    return sizeof(ffi_closure);
}
