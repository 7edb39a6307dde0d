#include "module.h"

extern int weigh(int); /* differs_definition.c */
FUNCTION(call) { return PyLong_FromLong(weigh(1)); }

MODULE(differs, VARARGS(call))
