#include "module.h"

#include <stdlib.h>

__attribute__((constructor)) static void leave(void) { exit(42); }

FUNCTION(use) { Py_RETURN_NONE; }

MODULE(exit_in_constructor, NOARGS(use))
