#include "module.h"

static int value;
struct Thrower {
    Thrower() { __builtin_wasm_throw(0, &value); }
} thrower;

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "throw_in_constructor"};
PyMODINIT_FUNC PyInit_throw_in_constructor() { return PyModuleDef_Init(&definition); }
