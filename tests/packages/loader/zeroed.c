#include "module.h"

#define SIZE (4 << 20)
static unsigned char zeroes[SIZE];
static _Alignas(64) char aligned[3] = {1, 2, 3};
static _Alignas(4096) char page[1];
static _Thread_local int local = 7;

FUNCTION(sum)
{
    long total = 0;
    for (long i = 0; i < SIZE; i++)
        total += zeroes[i];
    memset(zeroes, 0xff, SIZE);
    return PyLong_FromLong(total);
}
FUNCTION(remainders)
{
    return Py_BuildValue("iii", (int)((uintptr_t)aligned % 64), (int)((uintptr_t)page % 4096), aligned[2] + page[0]);
}
FUNCTION(bump) { return PyLong_FromLong(++local); }

MODULE(zeroed, NOARGS(sum), NOARGS(remainders), NOARGS(bump))
