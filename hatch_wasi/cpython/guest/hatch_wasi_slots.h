/* See slots.c. Included by the files of CPython that take callbacks (versions.toml has the edits). */
#ifndef HATCH_WASI_SLOTS_H
#define HATCH_WASI_SLOTS_H

#include <Python.h>

#include "hatch_wasi_fit.h"

void hatch_wasi_fit_type(PyTypeObject *type);
void hatch_wasi_fit_module(PyModuleDef *definition);
void hatch_wasi_fit_method(PyMethodDef *method);
void hatch_wasi_fit_allocator(PyMemAllocatorEx *allocator);
void hatch_wasi_fit_arenas(PyObjectArenaAllocator *allocator);

#endif
