/* Needs cycle_b.so, which needs this one. */
#include "module.h"

__attribute__((visibility("default"))) int a_data = 5;
__attribute__((visibility("default"))) int a_function(int number) { return number + a_data; }
extern int b_function(int);
extern int (*b_pointer(void))(int);

FUNCTION(look)
{
    return Py_BuildValue("iO", b_function(1), b_pointer() == a_function ? Py_True : Py_False);
}

MODULE(cycle_a, NOARGS(look))
