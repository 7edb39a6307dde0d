#include "module.h"

__attribute__((import_module("made_up"), import_name("thing"))) extern int thing(void);

FUNCTION(use) { return PyLong_FromLong(thing()); }

MODULE(unknown_host, NOARGS(use))
