#include "module.h"

static int depth;
__attribute__((constructor, noinline)) static void explode(void)
{
    volatile char frame[100000]; /* leaves the stack pointer far down */
    frame[depth] = 1;
    __builtin_trap();
}

FUNCTION(use) { Py_RETURN_NONE; }

MODULE(trap_in_constructor, NOARGS(use))
