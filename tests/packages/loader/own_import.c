/* Linked with -shared and default visibility, it imports by name what it defines itself. */
#include "module.h"

__attribute__((visibility("default"), weak)) int shared_answer(int number) { return number + 1; }
__attribute__((visibility("default"), weak)) int shared_data = 3;
static int (*kept)(int) = shared_answer;

FUNCTION(look)
{
    return Py_BuildValue("iiO", shared_answer(41), shared_data, kept == shared_answer ? Py_True : Py_False);
}

MODULE(own_import, NOARGS(look))
