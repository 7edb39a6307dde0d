/* What python.wasm and the program that runs it (the embedder) share. Layout contract: docs/architecture.md, "Loading".
   Every field is 32 bits wide, in order, without padding. */
#ifndef HATCH_WASI_DL_H
#define HATCH_WASI_DL_H

#include <stdint.h>

struct hatch_wasi_dl {
    uint32_t version;    /* 1 */
    uint32_t size;       /* sizeof(struct hatch_wasi_dl) */
    uint32_t open;       /* table index of: i32 open(i32 path, i32 image, i32 size, i32 flags) -> handle, 0: error.
                            image 0: is it loaded already? 0 is then no error. path 0: the main module. */
    uint32_t sym;        /* table index of: i32 sym(i32 handle, i32 name) -> address or table index, 0: error */
    uint32_t error;      /* table index of: i32 error(i32 buffer, i32 size) -> bytes written, NUL included */
    uint32_t arity;      /* address of one byte a table slot: parameters | results << 4, 0: unknown */
    uint32_t arity_size; /* how many slots it describes */
    uint32_t prelinked;  /* reserved for ahead-of-time linking: 0 */
    /* For libffi (ffi.c). A signature is the text of a function's type: its result and its parameters, of v, i, j, f, d
       for none, i32, i64, f32 and f64. An embedder that knows only what is above leaves 0 here. */
    uint32_t call;       /* table index of: i32 call(i32 signature) -> table index of
                            i32 stub(i32 function, i32 arguments, i32 result), 0: error. The stub calls the function in
                            that table slot with the arguments, 8 bytes each, and stores its result; it gives 0, and
                            calls nothing, if there is no function of that type. */
    uint32_t closure;    /* table index of: i32 closure(i32 signature, i32 handler, i32 first, i32 step, i32 count) ->
                            the first of `count` table slots, 0: error. Function number k there calls the function in
                            slot `handler` as handler(first + k * step, arguments, result). signature 0: empty slots. */
    uint32_t copy;       /* table index of: i32 copy() -> table index of copy(i32 to, i32 from), from slot to slot */
    uint32_t describe;   /* table index of: i32 describe(i32 function, i32 buffer, i32 size) -> bytes written of its
                            signature, NUL included; 0: there is no function, or its type cannot be written */
    /* For lines that are typed on a terminal (editing.c). 0: the embedder does not edit them. */
    uint32_t edit;       /* table index of: i32 edit(i32 operation, i32 data, i32 size) -> length of the answer, which
                            operation 0 then copies to `data`; -1: none. The operations: _hatch_wasi_readline.py. */
};

/* Where the embedder stores to have SIGINT handled at the next bytecode boundary, as a signal handler would have done.
   WASI delivers no signals; these addresses are link-time constants. */
struct hatch_wasi_signals {
    uint32_t version;      /* 1 */
    uint32_t size;         /* sizeof(struct hatch_wasi_signals) */
    uint32_t is_tripped;   /* address of an int: store 1 second */
    uint32_t sigint;       /* address of an int: store 1 first */
    uint32_t main_tstate;  /* address of a pointer to the main thread's state (null before initialization) */
    uint32_t eval_breaker; /* offset in that state of a uintptr_t: or `pending` into it last */
    uint32_t pending;      /* the bit */
    uint32_t unhandled;    /* address of an int: not 0 when the program ended by a KeyboardInterrupt that it let pass */
};

extern struct hatch_wasi_dl hatch_wasi_dl;
extern const struct hatch_wasi_signals hatch_wasi_signals;

#endif
