/* See slots.c. Included by Objects/typeobject.c and moduleobject.c (versions.toml has the edits). */
#ifndef HATCH_WASI_SLOTS_H
#define HATCH_WASI_SLOTS_H

#include <Python.h>

void hatch_wasi_fit_type(PyTypeObject *type);
void hatch_wasi_fit_module(PyModuleDef *definition);

#endif
