/* WASI has no second descriptor for a file, so wasi-libc declares no dup; python.wasm's fails with ENOTSUP. */
#include_next <unistd.h>

#ifndef HATCH_WASI_UNISTD
#define HATCH_WASI_UNISTD
#ifdef __cplusplus
extern "C" {
#endif
int dup(int);
#ifdef __cplusplus
}
#endif
#endif
