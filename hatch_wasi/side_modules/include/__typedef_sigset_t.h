/* Room for all signals: wasi-libc's own type is a placeholder, which nothing looks into. */
#ifndef HATCH_WASI_SIGSET
#define HATCH_WASI_SIGSET
typedef struct {
    unsigned long __bits[128 / sizeof(long)];
} sigset_t;
#endif
