/* Modules that every start of the interpreter imports and CPython does not freeze, taken from the program itself instead
   of from files: each costs a dozen calls of WASI. PyImport_FrozenModules is made for embedders to set
   (Doc/c-api/import.rst). The headers are made by CPython's own Programs/_freeze_module.py, see recipe.FROZEN. */
#include "Python.h"

#include "hatch_wasi_frozen_encodings.h"
#include "hatch_wasi_frozen_encodings_aliases.h"
#include "hatch_wasi_frozen_encodings_utf_8.h"
#include "hatch_wasi_frozen_linecache.h"

#define FROZEN(name, data, is_package) {name, data, (int)sizeof(data), is_package}

static const struct _frozen modules[] = {
    FROZEN("encodings", _Py_M__encodings, 1),
    FROZEN("encodings.aliases", _Py_M__encodings_aliases, 0),
    FROZEN("encodings.utf_8", _Py_M__encodings_utf_8, 0),
    FROZEN("linecache", _Py_M__linecache, 0),
    {0},
};

__attribute__((constructor)) static void install(void)
{
    PyImport_FrozenModules = modules;
}
