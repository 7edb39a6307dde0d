#include "module.h"

#include <stdlib.h>

/* A trap of each kind. `volatile` keeps the compiler from knowing what would happen. */
typedef int one(int);
typedef double other(double, double);

static volatile uintptr_t nowhere = 0xf0000000u;
static volatile uintptr_t table_end = 0x00ffffffu;
static one *volatile none = NULL;

static double __attribute__((noinline)) half(double a, double b) { return (a + b) / 2; }
static other *volatile known = half;

FUNCTION(reads_nowhere) { return PyLong_FromLong(*(volatile int *)nowhere); }
FUNCTION(calls_null) { return PyLong_FromLong(none(1)); }
FUNCTION(calls_no_function) { return PyLong_FromLong(((one *)table_end)(1)); }
FUNCTION(calls_another_type) { return PyLong_FromLong(((one *)known)(1)); }
FUNCTION(aborts) { abort(); }
FUNCTION(is_unreachable) { __builtin_trap(); }
FUNCTION(converts_too_much)
{
    volatile double large = 1e300;
    long number;
    __asm__("local.get %1\n i32.trunc_f64_s\n local.set %0" : "=r"(number) : "r"(large));
    return PyLong_FromLong(number);
}
static __attribute__((noinline)) int fill(volatile char *before)
{
    volatile char frame[1 << 20];
    frame[0] = before ? *before : 1;
    return fill(frame) + frame[0];
}
FUNCTION(fills_the_stack) { return PyLong_FromLong(fill(NULL)); }

MODULE(traps, VARARGS(reads_nowhere), VARARGS(calls_null), VARARGS(calls_no_function), VARARGS(calls_another_type),
       VARARGS(aborts), VARARGS(is_unreachable), VARARGS(converts_too_much), VARARGS(fills_the_stack))
