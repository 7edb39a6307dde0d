#include "module.h"

extern double PyOS_snprintf(int); /* not what it is */

FUNCTION(use) { return PyFloat_FromDouble(PyOS_snprintf(1)); }

MODULE(mismatch, NOARGS(use))
