/* libffi for WASI: functions made at run time (see ffi.c). The embedder makes them by the dozen for one signature, each
   with an address of its own; a closure borrows one and its table slot, which it has before its signature is known, gets
   a copy. */
#define HATCH_WASI_FFI_PLAIN
#include "hatch_wasi_ffi.h"

#include <alloca.h>

#include "hatch_wasi_dl.h"

enum { POOL = 8 };

/* A function that the embedder made: it calls `handle` with the address of this. */
struct hatch_wasi_thunk {
    ffi_closure *closure; /* NULL: free */
    struct hatch_wasi_thunk *next;
    struct hatch_wasi_signature *signature;
    uint32_t slot;
};

typedef void copy_function(uint32_t to, uint32_t from);
typedef void handler(struct hatch_wasi_thunk *thunk, uint64_t *arguments, uint64_t *result);
typedef uint32_t closure_function(const char *signature, handler *handle, void *first, uint32_t step, uint32_t count);

static copy_function *copy;
static uint32_t empty; /* a table slot with nothing in it */
static uint32_t *slots; /* free ones */
static size_t slot_count, slot_room;

static uint32_t make(const char *signature, handler *handle, void *first, uint32_t count)
{
    closure_function *work = (closure_function *)(uintptr_t)hatch_wasi_dl.closure;
    return work(signature, handle, first, sizeof(struct hatch_wasi_thunk), count);
}

static bool free_slot(uint32_t slot)
{
    if (slot_count == slot_room) {
        size_t room = slot_room ? 2 * slot_room : 4 * POOL;
        uint32_t *more = realloc(slots, room * sizeof *slots);
        if (!more)
            return false;
        slots = more;
        slot_room = room;
    }
    slots[slot_count++] = slot;
    return true;
}

static uint32_t take_slot(void)
{
    if (slot_count == 0) {
        uint32_t first = make(NULL, NULL, NULL, POOL);
        for (uint32_t index = POOL; first && index > 0; index--)
            free_slot(first + index - 1);
    }
    return slot_count ? slots[--slot_count] : 0;
}

static bool begin(void)
{
    if (!hatch_wasi_dl.closure || !hatch_wasi_dl.copy) {
        hatch_wasi_ffi_fail(PyExc_RuntimeError, "this runtime cannot make C functions of Python's; run it by `hatch-wasi run`");
        return false;
    }
    if (!copy)
        copy = (copy_function *)(uintptr_t)((uint32_t(*)(void))(uintptr_t)hatch_wasi_dl.copy)();
    if (!empty)
        empty = take_slot();
    return copy && empty;
}

/* The call trampoline must know of the slot what it knows of the function (hatch_wasi_trampoline.h). */
static void fill(uint32_t slot, uint32_t from)
{
    unsigned char *arities = (unsigned char *)(uintptr_t)hatch_wasi_dl.arity;
    copy(slot, from);
    if (slot < hatch_wasi_dl.arity_size && from < hatch_wasi_dl.arity_size)
        arities[slot] = arities[from];
}

void *ffi_closure_alloc(size_t size, void **code)
{
    *code = NULL;
    if (!begin())
        return NULL;
    ffi_closure *closure = calloc(1, size < sizeof *closure ? sizeof *closure : size);
    uint32_t slot = closure ? take_slot() : 0;
    if (!slot) {
        free(closure);
        return NULL;
    }
    fill(slot, empty);
    closure->code = *code = (void *)(uintptr_t)slot;
    return closure;
}

static void release(ffi_closure *closure)
{
    struct hatch_wasi_thunk *thunk = closure->thunk;
    if (!thunk)
        return;
    thunk->closure = NULL;
    thunk->next = thunk->signature->free;
    thunk->signature->free = thunk;
    closure->thunk = NULL;
}

/* Who calls it afterwards calls nothing, until the slot is another closure's. */
void ffi_closure_free(void *memory)
{
    ffi_closure *closure = memory;
    if (!closure)
        return;
    uint32_t slot = (uint32_t)(uintptr_t)closure->code;
    release(closure);
    fill(slot, empty);
    free_slot(slot);
    free(closure);
}

/* Point `values` at the arguments of a call, which are where the embedder's function has put them. */
static void find(const ffi_cif *cif, uint64_t *next, void **values)
{
    char *buffer = NULL;
    size_t extra = 0;
    for (unsigned index = 0; index < cif->nargs; index++) {
        const ffi_type *type = hatch_wasi_reduced(cif->arg_types[index]);
        enum hatch_wasi_passing passing = hatch_wasi_passing(type);
        if (index >= cif->nfixedargs && !buffer)
            buffer = (char *)(uintptr_t)(uint32_t)*next;
        void *place = next;
        if (index >= cif->nfixedargs)
            place = buffer + hatch_wasi_place(type, &extra);
        else
            next += passing == PAIR ? 2 : passing == NOTHING ? 0 : 1;
        values[index] = passing == REFERENCE ? (void *)(uintptr_t) * (uint32_t *)place : place;
    }
}

static void handle(struct hatch_wasi_thunk *thunk, uint64_t *arguments, uint64_t *result)
{
    ffi_closure *closure = thunk->closure;
    if (!closure) {
        fputs("a callback was called that has been freed\n", stderr);
        abort();
    }
    ffi_cif *cif = closure->cif;
    void **values = alloca((cif->nargs + 1) * sizeof *values), *returned = result;
    *result = 0;
    if (hatch_wasi_returns_memory(cif))
        returned = (void *)(uintptr_t)(uint32_t)*arguments++;
    find(cif, arguments, values);
    closure->fun(cif, returned, values, closure->user_data);
    const ffi_type *type = hatch_wasi_reduced(cif->rtype);
    if (hatch_wasi_passing(type) == SCALAR)
        hatch_wasi_load(result, type, result);
}

static struct hatch_wasi_thunk *take_thunk(struct hatch_wasi_signature *signature)
{
    if (!signature->free) {
        struct hatch_wasi_thunk *pool = calloc(POOL, sizeof *pool);
        uint32_t slot = pool ? make(signature->text, handle, pool, POOL) : 0;
        if (!slot) {
            free(pool);
            return NULL;
        }
        for (unsigned index = 0; index < POOL; index++) {
            pool[index] = (struct hatch_wasi_thunk){NULL, signature->free, signature, slot + index};
            signature->free = &pool[index];
        }
    }
    struct hatch_wasi_thunk *thunk = signature->free;
    signature->free = thunk->next;
    return thunk;
}

ffi_status ffi_prep_closure_loc(ffi_closure *closure, ffi_cif *cif,
                                void (*fun)(ffi_cif *cif, void *ret, void **args, void *user_data), void *user_data,
                                void *codeloc)
{
    if (!codeloc || closure->code != codeloc || !begin())
        return FFI_BAD_ABI;
    struct hatch_wasi_thunk *thunk = take_thunk(cif->signature);
    if (!thunk)
        return FFI_BAD_ABI;
    release(closure);
    thunk->closure = closure;
    closure->thunk = thunk;
    closure->cif = cif;
    closure->fun = fun;
    closure->user_data = user_data;
    fill((uint32_t)(uintptr_t)codeloc, thunk->slot);
    return FFI_OK;
}

ffi_status ffi_prep_closure(ffi_closure *closure, ffi_cif *cif,
                            void (*fun)(ffi_cif *cif, void *ret, void **args, void *user_data), void *user_data)
{
    (void)closure, (void)cif, (void)fun, (void)user_data;
    return FFI_BAD_ABI;
}
