#include "module.h"

#include <stdlib.h>
#include <string.h>

static char order[8];
static char *heap;

__attribute__((constructor(202))) static void second(void) { strcat(order, "2"); }
__attribute__((constructor(101))) static void first(void) { strcat(order, "1"); }
__attribute__((constructor)) static void last(void)
{
    strcat(order, "3");
    heap = strdup("made by a constructor");
}

FUNCTION(ran) { return Py_BuildValue("ss", order, heap); }

MODULE(constructors, NOARGS(ran))
