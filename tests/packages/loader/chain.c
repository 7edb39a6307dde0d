/* Needs chain_middle.so, which needs chain_leaf.so. */
#include "module.h"

extern int *middle_pointer, leaf_counter;
extern int middle_ready(void), leaf_next(void), (*leaf_function(void))(int);
extern void *middle_leaf_next(void);

FUNCTION(look)
{
    return Py_BuildValue("iiiOO", middle_ready(), leaf_next(), leaf_function()(7),
                         middle_pointer == &leaf_counter ? Py_True : Py_False,
                         middle_leaf_next() == (void *)leaf_next ? Py_True : Py_False);
}

MODULE(chain, NOARGS(look))
