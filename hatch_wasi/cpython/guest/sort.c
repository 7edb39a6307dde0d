/* qsort by merging. wasi-libc's is musl's smoothsort, which moves elements by memcpy and compares more often than it
   has to; where each comparison is an indirect call, and each such call is dear, it takes 13 times as long as natively.
   Stable, as glibc's is, on which callers rely though nobody promises it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hatch_wasi_fit.h"

typedef int compare(const void *, const void *);
typedef int compare_with(const void *, const void *, void *);

void __qsort_r(void *base, size_t count, size_t width, compare_with *function, void *argument);

enum { RUN = 8 }; /* elements that are sorted by insertion */

static int call(const void *left, const void *right, void *function)
{
    return ((compare *)(uintptr_t)function)(left, right);
}

#define INLINE static inline __attribute__((always_inline))

/* Sort one run; `spare` has room for an element. */
INLINE void insert(char *first, size_t count, size_t width, compare *function, char *spare)
{
    for (size_t index = 1; index < count; index++) {
        char *place = first + index * width;
        if (function(place - width, place) <= 0)
            continue;
        memcpy(spare, place, width);
        do {
            memcpy(place, place - width, width);
            place -= width;
        } while (place > first && function(place - width, spare) > 0);
        memcpy(place, spare, width);
    }
}

INLINE void merge(char *to, const char *left, const char *right, const char *end, size_t width, compare *function)
{
    const char *middle = right;
    if (left == middle || right == end || function(right - width, right) <= 0) {
        memcpy(to, left, (size_t)(end - left));
        return;
    }
    while (left < middle && right < end) {
        const char **from = function(left, right) <= 0 ? &left : &right;
        memcpy(to, *from, width);
        *from += width;
        to += width;
    }
    memcpy(to, left, (size_t)(middle - left));
    memcpy(to + (middle - left), right, (size_t)(end - right));
}

INLINE void sort(char *base, char *spare, size_t count, size_t width, compare *function)
{
    size_t size = count * width;
    for (size_t first = 0; first < count; first += RUN)
        insert(base + first * width, count - first < RUN ? count - first : RUN, width, function, spare);
    char *from = base, *to = spare;
    for (size_t run = RUN * width; run < size; run *= 2) {
        for (size_t first = 0; first < size; first += 2 * run) {
            size_t middle = size - first < run ? size : first + run;
            size_t end = size - first < 2 * run ? size : first + 2 * run;
            merge(to + first, from + first, from + middle, from + end, width, function);
        }
        char *other = from;
        from = to, to = other;
    }
    if (from != base)
        memcpy(base, from, size);
}

void qsort(void *base, size_t count, size_t width, compare *function)
{
    /* More than half of what can be addressed cannot have a copy; then, or without memory for it, in place. */
    size_t size;
    if (count < 2 || width == 0)
        return;
    function = HATCH_WASI_FIT(function, 2, 1);
    char *spare = __builtin_mul_overflow(count, width, &size) || size > INT32_MAX / 2 ? NULL : malloc(size);
    if (!spare)
        __qsort_r(base, count, width, call, (void *)(uintptr_t)function);
    else if (width == 4)
        sort(base, spare, count, 4, function);
    else if (width == 8)
        sort(base, spare, count, 8, function);
    else
        sort(base, spare, count, width, function);
    free(spare);
}

/* wasi-libc's would do, but for comparison functions of another type. */
void *bsearch(const void *key, const void *base, size_t count, size_t width, compare *function)
{
    function = HATCH_WASI_FIT(function, 2, 1);
    while (count > 0) {
        const char *middle = (const char *)base + count / 2 * width;
        int order = function(key, middle);
        if (order == 0)
            return (void *)middle;
        if (order > 0) {
            base = middle + width;
            count -= count / 2 + 1;
        } else
            count /= 2;
    }
    return NULL;
}
