// Throws where CPython asks for the module.
#include <Python.h>

#include <stdexcept>
#include <string>

PyMODINIT_FUNC PyInit__init() { throw std::length_error("too long: " + std::to_string(7)); }
