/* Wants to leave the sandbox by itself: python.wasm's functions are the only ones it may have. */
#include "module.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("path_unlink_file"))) extern int
unlink_file(int, int, int);

FUNCTION(use) { return PyLong_FromLong(unlink_file(3, 0, 0)); }

MODULE(host_import, NOARGS(use))
