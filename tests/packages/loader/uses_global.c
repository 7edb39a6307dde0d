/* Finds leaf_next only if somebody has opened chain_leaf.so with RTLD_GLOBAL. */
#include "module.h"

extern int leaf_next(void);

FUNCTION(use) { return PyLong_FromLong(leaf_next()); }

MODULE(uses_global, NOARGS(use))
