/* wasi-libc leaves out what makes no sense with one thread; python.wasm has it for code that names it. */
#include_next <pthread.h>

#ifndef HATCH_WASI_PTHREAD
#define HATCH_WASI_PTHREAD
#ifdef __cplusplus
extern "C" {
#endif
#undef pthread_exit
/* As CPython defines it (Python/thread_pthread_stubs.h), with a result: the types must be the same in WebAssembly. */
int pthread_exit(void *);
#ifdef __cplusplus
}
#endif
#endif
