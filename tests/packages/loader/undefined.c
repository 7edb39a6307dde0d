#include "module.h"

extern int no_such_function(int);
extern int no_such_variable;

FUNCTION(use) { return PyLong_FromLong(no_such_function(1) + no_such_variable); }

MODULE(undefined, NOARGS(use))
