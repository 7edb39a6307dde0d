/* Functions that CPython or libc calls back, and whose type is not the one that they are called as: a tp_clear that
   returns nothing, a capsule's destructor that returns something, a reduced list of parameters. Native calling
   conventions forgive it; WebAssembly traps. When such a function is handed over (a type is readied, a module defined, a
   callback registered), it is replaced by a function of the right type, which calls the original. The methods, getters
   and setters that CPython calls by a macro go through hatch_wasi_trampoline.h instead. */
#include "hatch_wasi_slots.h"

#include <stddef.h>
#include <stdlib.h>

#include "hatch_wasi_trampoline.h"

struct slot {
    unsigned short offset;
    unsigned char arity; /* as in struct hatch_wasi_dl */
};

enum { MOST = 6 }; /* parameters of any callback */

#define IN(structure, member, parameters, results) {offsetof(structure, member), (parameters) | (results) << 4}

#define TYPE(member, parameters) IN(PyTypeObject, tp_##member, parameters, 1)
#define TYPE_VOID(member, parameters) IN(PyTypeObject, tp_##member, parameters, 0)
static const struct slot of_type[] = {
    TYPE_VOID(dealloc, 1), TYPE(getattr, 2), TYPE(setattr, 3), TYPE(repr, 1), TYPE(hash, 1), TYPE(call, 3),
    TYPE(str, 1), TYPE(getattro, 2), TYPE(setattro, 3), TYPE(traverse, 3), TYPE(clear, 1), TYPE(richcompare, 3),
    TYPE(iter, 1), TYPE(iternext, 1), TYPE(descr_get, 3), TYPE(descr_set, 3), TYPE(init, 3), TYPE(alloc, 2),
    TYPE(new, 3), TYPE_VOID(free, 1), TYPE(is_gc, 1), TYPE_VOID(del, 1), TYPE_VOID(finalize, 1),
    TYPE(vectorcall, 4),
};

#define ASYNC(member, parameters) IN(PyAsyncMethods, am_##member, parameters, 1)
static const struct slot of_async[] = {ASYNC(await, 1), ASYNC(aiter, 1), ASYNC(anext, 1), ASYNC(send, 3)};

#define NUMBER(member, parameters) IN(PyNumberMethods, nb_##member, parameters, 1)
static const struct slot of_number[] = {
    NUMBER(add, 2), NUMBER(subtract, 2), NUMBER(multiply, 2), NUMBER(remainder, 2), NUMBER(divmod, 2),
    NUMBER(power, 3), NUMBER(negative, 1), NUMBER(positive, 1), NUMBER(absolute, 1), NUMBER(bool, 1),
    NUMBER(invert, 1), NUMBER(lshift, 2), NUMBER(rshift, 2), NUMBER(and, 2), NUMBER(xor, 2), NUMBER(or, 2),
    NUMBER(int, 1), NUMBER(float, 1), NUMBER(inplace_add, 2), NUMBER(inplace_subtract, 2),
    NUMBER(inplace_multiply, 2), NUMBER(inplace_remainder, 2), NUMBER(inplace_power, 3), NUMBER(inplace_lshift, 2),
    NUMBER(inplace_rshift, 2), NUMBER(inplace_and, 2), NUMBER(inplace_xor, 2), NUMBER(inplace_or, 2),
    NUMBER(floor_divide, 2), NUMBER(true_divide, 2), NUMBER(inplace_floor_divide, 2), NUMBER(inplace_true_divide, 2),
    NUMBER(index, 1), NUMBER(matrix_multiply, 2), NUMBER(inplace_matrix_multiply, 2),
};

#define SEQUENCE(member, parameters) IN(PySequenceMethods, sq_##member, parameters, 1)
static const struct slot of_sequence[] = {
    SEQUENCE(length, 1), SEQUENCE(concat, 2), SEQUENCE(repeat, 2), SEQUENCE(item, 2), SEQUENCE(ass_item, 3),
    SEQUENCE(contains, 2), SEQUENCE(inplace_concat, 2), SEQUENCE(inplace_repeat, 2),
};

#define MAPPING(member, parameters) IN(PyMappingMethods, mp_##member, parameters, 1)
static const struct slot of_mapping[] = {MAPPING(length, 1), MAPPING(subscript, 2), MAPPING(ass_subscript, 3)};

static const struct slot of_buffer[] = {
    IN(PyBufferProcs, bf_getbuffer, 3, 1), IN(PyBufferProcs, bf_releasebuffer, 2, 0)
};

static const struct slot of_module[] = {
    IN(PyModuleDef, m_traverse, 3, 1), IN(PyModuleDef, m_clear, 1, 1), IN(PyModuleDef, m_free, 1, 0)
};

static const struct slot of_allocator[] = {
    IN(PyMemAllocatorEx, malloc, 2, 1), IN(PyMemAllocatorEx, calloc, 3, 1), IN(PyMemAllocatorEx, realloc, 3, 1),
    IN(PyMemAllocatorEx, free, 2, 0),
};

static const struct slot of_arenas[] = {
    IN(PyObjectArenaAllocator, alloc, 2, 1), IN(PyObjectArenaAllocator, free, 3, 0)
};

#define CALL(result, ...) ((result(*)(__VA_ARGS__))(uintptr_t)function)
#define W uint32_t

/* What the new function does: it passes as many arguments as the old one takes. */
static void call(uint32_t function, const uint64_t *arguments, uint64_t *result)
{
    uint32_t a[MOST];
    for (int index = 0; index < MOST; index++)
        a[index] = (uint32_t)arguments[index];
    *result = 0;
    switch (hatch_wasi_arity(function)) {
    case 0 << 4 | 1: CALL(void, W)(a[0]); break;
    case 0 << 4 | 2: CALL(void, W, W)(a[0], a[1]); break;
    case 0 << 4 | 3: CALL(void, W, W, W)(a[0], a[1], a[2]); break;
    case 0 << 4 | 4: CALL(void, W, W, W, W)(a[0], a[1], a[2], a[3]); break;
    case 0 << 4 | 5: CALL(void, W, W, W, W, W)(a[0], a[1], a[2], a[3], a[4]); break;
    case 0 << 4 | 6: CALL(void, W, W, W, W, W, W)(a[0], a[1], a[2], a[3], a[4], a[5]); break;
    case 1 << 4 | 0: *result = CALL(W, void)(); break;
    case 1 << 4 | 1: *result = CALL(W, W)(a[0]); break;
    case 1 << 4 | 2: *result = CALL(W, W, W)(a[0], a[1]); break;
    case 1 << 4 | 3: *result = CALL(W, W, W, W)(a[0], a[1], a[2]); break;
    case 1 << 4 | 4: *result = CALL(W, W, W, W, W)(a[0], a[1], a[2], a[3]); break;
    case 1 << 4 | 5: *result = CALL(W, W, W, W, W, W)(a[0], a[1], a[2], a[3], a[4]); break;
    case 1 << 4 | 6: *result = CALL(W, W, W, W, W, W, W)(a[0], a[1], a[2], a[3], a[4], a[5]); break;
    }
}

typedef void handler(uint32_t function, const uint64_t *arguments, uint64_t *result);
typedef uint32_t closure_function(const char *signature, handler *handle, uint32_t first, uint32_t step, uint32_t count);

/* The functions that were made, by the originals and their types: a callback may be registered any number of times. A
   table of open addresses, whose size is a power of two and which is never more than half full. */
static struct made {
    uint32_t function;
    uint32_t arity;
    uint32_t fitting;
} *made;
static uint32_t made_size, made_count;

static struct made *find(uint32_t function, uint32_t arity)
{
    uint32_t place = (function * 2654435761u ^ arity) & (made_size - 1);
    while (made[place].function && (made[place].function != function || made[place].arity != arity))
        place = (place + 1) & (made_size - 1);
    return &made[place];
}

static int grow(void)
{
    struct made *old = made, *larger = calloc(made_size ? made_size * 2 : 64, sizeof *made);
    uint32_t old_size = made_size;
    if (!larger)
        return 0;
    made = larger;
    made_size = old_size ? old_size * 2 : 64;
    for (struct made *item = old; item && item < old + old_size; item++)
        if (item->function)
            *find(item->function, item->arity) = *item;
    free(old);
    return 1;
}

uintptr_t hatch_wasi_fit(uintptr_t function, unsigned expected)
{
    unsigned arity = hatch_wasi_arity(function);
    /* 0 is unknown, and a function of no parameters and no result. A function with more parameters than any callback
       gets, or of other types than i32, stays as it is. */
    if (function == 0 || arity == 0 || arity == expected || (arity & 15) > MOST || !hatch_wasi_dl.closure)
        return function;
    if (made_count * 2 >= made_size && !grow())
        return function;
    struct made *item = find((uint32_t)function, expected);
    if (!item->function) {
        char signature[MOST + 2] = "viiiiii";
        signature[0] = expected >> 4 ? 'i' : 'v';
        signature[1 + (expected & 15)] = '\0';
        uint32_t fitting =
            ((closure_function *)(uintptr_t)hatch_wasi_dl.closure)(signature, call, (uint32_t)function, 0, 1);
        if (!fitting)
            return function;
        *item = (struct made){(uint32_t)function, expected, fitting};
        made_count++;
    }
    return item->fitting;
}

static void fit(void *structure, const struct slot *slots, size_t count)
{
    if (!structure)
        return;
    for (const struct slot *slot = slots; slot < slots + count; slot++) {
        uint32_t *place = (uint32_t *)((char *)structure + slot->offset);
        uint32_t fitting = (uint32_t)hatch_wasi_fit(*place, slot->arity);
        if (fitting != *place)
            *place = fitting;
    }
}

#define FIT(structure, slots) fit((structure), (slots), sizeof(slots) / sizeof *(slots))

void hatch_wasi_fit_type(PyTypeObject *type)
{
    if (!hatch_wasi_dl.closure)
        return;
    FIT(type, of_type);
    FIT(type->tp_as_async, of_async);
    FIT(type->tp_as_number, of_number);
    FIT(type->tp_as_sequence, of_sequence);
    FIT(type->tp_as_mapping, of_mapping);
    FIT(type->tp_as_buffer, of_buffer);
}

void hatch_wasi_fit_module(PyModuleDef *definition)
{
    if (!hatch_wasi_dl.closure)
        return;
    FIT(definition, of_module);
    for (PyModuleDef_Slot *slot = definition->m_slots; slot && slot->slot; slot++) {
        if (slot->slot == Py_mod_create)
            slot->value = (void *)HATCH_WASI_FIT(slot->value, 2, 1);
        else if (slot->slot == Py_mod_exec)
            slot->value = (void *)HATCH_WASI_FIT(slot->value, 1, 1);
    }
}

/* Those of METH_VARARGS, METH_NOARGS and METH_O go through the trampolines. */
void hatch_wasi_fit_method(PyMethodDef *method)
{
    if (!(method->ml_flags & METH_FASTCALL))
        return;
    unsigned parameters = 3 + !!(method->ml_flags & METH_KEYWORDS) + !!(method->ml_flags & METH_METHOD);
    PyCFunction fitting = HATCH_WASI_FIT(method->ml_meth, parameters, 1);
    if (fitting != method->ml_meth)
        method->ml_meth = fitting;
}

void hatch_wasi_fit_allocator(PyMemAllocatorEx *allocator)
{
    FIT(allocator, of_allocator);
}

void hatch_wasi_fit_arenas(PyObjectArenaAllocator *allocator)
{
    FIT(allocator, of_arenas);
}
