/* Callbacks of another type than they are called as: see slots.c. Needs nothing of Python. */
#ifndef HATCH_WASI_FIT_H
#define HATCH_WASI_FIT_H

#include <stdint.h>

/* Returns `function`, or one that calls it and has the type that `expected` says, as struct hatch_wasi_dl has it. */
uintptr_t hatch_wasi_fit(uintptr_t function, unsigned expected);

#define HATCH_WASI_FIT(function, parameters, results) \
    ((__typeof__(function))hatch_wasi_fit((uintptr_t)(function), (parameters) | (results) << 4))

#endif
