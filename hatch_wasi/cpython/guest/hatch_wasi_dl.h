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
};

extern struct hatch_wasi_dl hatch_wasi_dl;
extern const struct hatch_wasi_signals hatch_wasi_signals;

#endif
